//! Making appended bytes durable.
//!
//! Cost: one `fdatasync` for each segment written to since the last sync, nearly always one. The
//! append lock is not taken: appends go on while the disk works.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use super::Partition;
use super::state::State;
use crate::config::TopicConfig;
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
            state.in_sync.clone_from(&segments);
            let dir_changed = std::mem::take(&mut state.dir_changed);
            (state.appended, segments, dir_changed)
        };
        let outcome = self.sync_files(&segments, dir_changed);
        let mut state = self.state.write();
        state.in_sync.clear();
        if let Err(e) = outcome {
            if !is_out_of_files(&e) {
                let e = e.in_doubt();
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
        state.unsynced_since = None;
        if state.durable >= state.appended {
            // A segment sealed meanwhile stays: its indexes were not synced yet.
            state.unsynced.retain(|s| s.is_sealed());
        }
        let durable = state.durable;
        let settled = segments.iter().filter(|s| state.is_settled(s));
        // Nothing is written to them any more, and no failed write-back is left to be told of.
        settled.for_each(|s| s.close_file());
        drop(state);
        self.write_snapshots(durable);
        Ok(durable)
    }

    /// Syncs, or waits for the sync that runs, if the files of a sealed segment are in doubt.
    pub fn settle(&self) -> Result<()> {
        let in_doubt = {
            let state = self.state.read();
            let mut listed = state.unsynced.iter().chain(&state.in_sync);
            listed.any(|s| s.is_sealed())
        };
        match in_doubt {
            true => self.sync().map(drop),
            false => Ok(()),
        }
    }

    /// Whether a sync is due although nobody waits for one: a segment was sealed, or the topic's
    /// `flush.messages` or `flush.ms` say so.
    pub fn is_flush_due(&self) -> bool {
        self.flush_due(&mut self.state.write(), &self.config())
    }

    pub(in crate::log) fn flush_due(&self, state: &mut State, config: &TopicConfig) -> bool {
        if state.failed.is_some() || state.closed {
            return false;
        }
        if state.unsynced.iter().any(|s| s.is_sealed()) {
            return true;
        }
        let waiting = state.appended.since(state.durable);
        if waiting <= 0 {
            return false;
        }
        if waiting >= config.flush_messages {
            return true;
        }
        if config.flush_ms == i64::MAX {
            return false;
        }
        let now = self.options.clock.monotonic();
        let since = *state.unsynced_since.get_or_insert(now);
        now.saturating_sub(since).as_millis() >= config.flush_ms.max(0).unsigned_abs().into()
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
