//! Making appended bytes durable.
//!
//! Cost: one `fdatasync` for each segment written to since the last sync, nearly always one. The
//! append lock is not taken: appends go on while the disk works.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use super::Partition;
use crate::disk::Open;
use crate::error::{Error, Result};
use crate::log::names::SYNC_FAILED;
use crate::log::segment::Segment;
use crate::types::Offset;

impl Partition {
    /// Syncs everything appended so far; gives the durable end. A failure poisons the log: what a
    /// failed sync left behind is not known, so nothing is written until reopening finds out.
    pub fn sync(&self) -> Result<Offset> {
        let _one_at_a_time = self.syncing.lock();
        let (target, segments, dir_changed) = {
            let mut state = self.state.write();
            state.check_writable()?;
            if state.durable >= state.appended && !state.dir_changed {
                return Ok(state.durable);
            }
            // The active segment stays listed: bytes may join it while this sync runs.
            let segments = state.unsynced.clone();
            state.unsynced.retain(|s| !s.is_sealed());
            let dir_changed = std::mem::take(&mut state.dir_changed);
            (state.appended, segments, dir_changed)
        };
        let outcome = self.sync_files(&segments, dir_changed);
        let mut state = self.state.write();
        if let Err(e) = outcome {
            if !is_out_of_files(&e) {
                state.failed.get_or_insert_with(|| e.clone());
                drop(state);
                self.mark_failed();
                return Err(e);
            }
            // Nothing was asked of the disk that it failed to do: the next sync starts over.
            state.dir_changed |= dir_changed;
            let listed = std::mem::replace(&mut state.unsynced, segments);
            for segment in listed {
                state.mark_unsynced(&segment);
            }
            return Err(e);
        }
        state.durable = state.durable.max(target);
        if state.durable >= state.appended {
            // A segment sealed meanwhile stays: its indexes were not synced yet.
            state.unsynced.retain(|s| s.is_sealed());
        }
        let durable = state.durable;
        drop(state);
        self.write_snapshots(durable);
        Ok(durable)
    }

    /// Tells the next opening, in this process or another, that reading the files proves nothing.
    pub(in crate::log) fn mark_failed(&self) {
        let path = self.options.dir.join(SYNC_FAILED);
        if let Err(error) = self.options.disk.open(&path, Open::Truncate) {
            tracing::error!(path = %path.display(), %error, "a failed sync could not be noted");
        }
    }

    fn sync_files(&self, segments: &[Arc<Segment>], dir_changed: bool) -> Result<()> {
        for segment in segments {
            segment.sync()?;
        }
        if !dir_changed {
            return Ok(());
        }
        let dir = &self.options.dir;
        let wrong = |e| Error::io(format_args!("sync the directory {}", dir.display()), e);
        self.options.disk.sync_dir(dir).map_err(wrong)
    }
}

/// Whether opening a file failed because this process or the system has too many open: ENFILE, EMFILE.
fn is_out_of_files(error: &Error) -> bool {
    let source = error.source().and_then(|s| s.downcast_ref::<io::Error>());
    source.is_some_and(|e| matches!(e.raw_os_error(), Some(23 | 24)))
}
