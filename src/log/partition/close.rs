//! Snapshots, resting and closing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Partition;
use super::open::Writer;
use crate::disk::{replace, write_atomically};
use crate::error::{Error, Result};
use crate::log::producers::{list_snapshots, snapshot_path};
use crate::log::segment::Segment;
use crate::sync::MutexGuard;
use crate::types::Offset;

/// Snapshots at or below the recovery point that are kept: one more than recovery needs, should the
/// newest be damaged.
const SNAPSHOTS_KEPT: usize = 2;

/// How often a close syncs what came in meanwhile, before it fails.
const ROUNDS_MAX: usize = 16;

impl Partition {
    /// Writes the producer snapshot and the epoch checkpoint where they changed. Syncs first: a
    /// snapshot must not stand for records that a power cut takes away.
    pub fn snapshot(&self) -> Result<()> {
        self.sync()?;
        self.save_epochs()?;
        let mut writer = self.writer.lock();
        let (at, durable) = {
            let state = self.state.read();
            (state.appended, state.durable)
        };
        // Appends that came in between are for the next time.
        if writer.snapshot_at == Some(at) || at > durable {
            return Ok(());
        }
        let content = writer.producers.encode();
        writer.snapshot_at = Some(at);
        drop(writer);
        // A sync may be writing one for the same offset.
        let _one_at_a_time = self.syncing.lock();
        self.write_snapshot(at, &content)
    }

    /// Writes the epoch checkpoint if it lacks something: until it has all, the recovery point stays
    /// where the first epoch begins that it lacks.
    pub fn save_epochs(&self) -> Result<()> {
        let (mut epochs, unsaved) = {
            let state = self.state.read();
            (state.epochs.clone(), state.epochs_unsaved)
        };
        if unsaved.is_none() {
            return Ok(());
        }
        epochs.save(&*self.options.disk, &self.options.dir)?;
        let mut state = self.state.write();
        // What was assigned meanwhile is unsaved still.
        if state.epochs.entries() == epochs.entries() {
            state.epochs = epochs;
            state.epochs_unsaved = None;
        } else if unsaved.is_some() {
            state.epochs_unsaved = state.epochs.latest().map(|(_, start)| start);
        }
        Ok(())
    }

    /// Writes what rolls left to write, as far as the records below it are durable. A snapshot that
    /// cannot be written costs time at the next recovery, nothing else.
    pub(in crate::log) fn write_snapshots(&self, durable: Offset) {
        let ready = {
            let mut state = self.state.write();
            let count = state.snapshots.partition_point(|(at, _)| *at <= durable);
            state.snapshots.drain(..count).collect::<Vec<_>>()
        };
        let mut failed = Vec::new();
        for (at, content) in ready {
            if let Err(error) = self.write_snapshot(at, &content) {
                tracing::warn!(partition = %self.options.name, %error, "producer snapshot not written");
                failed.push((at, content));
            }
        }
        if !failed.is_empty() {
            // The newest is worth another try; the list does not grow while the disk is full.
            let kept = failed.split_off(failed.len() - 1);
            self.state.write().snapshots.splice(0..0, kept);
        }
    }

    fn write_snapshot(&self, at: Offset, content: &[u8]) -> Result<()> {
        let (disk, dir) = (&*self.options.disk, &self.options.dir);
        write_atomically(disk, &snapshot_path(dir, at), content)?;
        self.remove_old_snapshots()
    }

    fn remove_old_snapshots(&self) -> Result<()> {
        let (disk, dir) = (&*self.options.disk, &self.options.dir);
        let known = list_snapshots(disk, dir)?;
        let reported = Offset(self.reported.load(Ordering::Relaxed));
        let below = known.partition_point(|at| *at <= reported);
        for at in known.iter().take(below.saturating_sub(SNAPSHOTS_KEPT)) {
            let path = snapshot_path(dir, *at);
            let wrong = |e| Error::io(format_args!("remove {}", path.display()), e);
            match disk.remove_file(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                other => other.map_err(wrong)?,
            }
        }
        Ok(())
    }

    /// Lets go of file handles and mappings that can be had again. What is not synced stays open,
    /// because a failed write-back is told to handles that were open then.
    pub fn rest(&self) {
        self.rest_where(|_| true);
    }

    /// As [`rest`](Self::rest), for the segments that nobody used since the last call.
    pub fn rest_unused(&self) {
        self.rest_where(|segment| !segment.take_used());
    }

    fn rest_where(&self, unused: impl Fn(&Segment) -> bool) {
        // While segments are being replaced, readers need what the old ones hold.
        let Some(_maintaining) = self.maintaining.try_lock() else {
            return;
        };
        // Nothing is written while this runs, so what is synced now stays so.
        let writer = self.writer.lock();
        let resting: Vec<_> = {
            let state = self.state.read();
            let rests = |s: &&Arc<Segment>| unused(s) && !state.is_in_doubt(s);
            state.segments.iter().filter(rests).cloned().collect()
        };
        let active = resting.iter().any(|s| Arc::ptr_eq(s, &writer.active));
        if active && writer.indexes_changed && writer.active.indexes().write().is_ok() {
            // Written, not synced: closing does that.
            writer.active.indexes().rest();
        }
        for segment in resting {
            segment.rest();
        }
    }

    /// Syncs, snapshots and closes; later calls answer Closed. Readers keep the bytes they hold.
    ///
    /// Cost: a sync of the log where it is not durable, of each index that grew, of the epochs when
    /// they changed, and one of the directory.
    pub fn close(&self) -> Result<()> {
        let _maintaining = self.maintaining.lock();
        let (mut outcome, _one_at_a_time, mut writer) = self.come_to_rest();
        if self.state.read().closed {
            return Ok(());
        }
        outcome = outcome.and_then(|()| self.finish(&mut writer));
        if self.state.read().failed.is_some() {
            // Noting it may have failed as well the first time.
            self.mark_failed();
        }
        let mut state = self.state.write();
        state.closed = true;
        state.unsynced.clear();
        for segment in state.segments.iter() {
            segment.rest();
        }
        outcome
    }

    /// Syncs, and keeps others from appending and syncing. Appends that were under way may come in between:
    /// they are synced in another round.
    fn come_to_rest(&self) -> (Result<()>, MutexGuard<'_, ()>, MutexGuard<'_, Writer>) {
        let mut rounds = 0;
        loop {
            rounds += 1;
            let outcome = self.sync().map(drop);
            // A sync that comes now may write a snapshot for the same offset.
            let one_at_a_time = self.syncing.lock();
            let writer = self.writer.lock();
            let is_behind = {
                let state = self.state.read();
                state.durable < state.appended
            };
            if !is_behind || outcome.is_err() || rounds == ROUNDS_MAX {
                return (outcome, one_at_a_time, writer);
            }
        }
    }

    /// The small files as a clean opening expects them.
    fn finish(&self, writer: &mut Writer) -> Result<()> {
        let (at, durable, mut epochs) = {
            let state = self.state.read();
            (state.appended, state.durable, state.epochs.clone())
        };
        if durable < at {
            return Err(Error::unavailable(
                "records came in while the partition was closing: they are not synced",
            ));
        }
        let (disk, dir) = (&*self.options.disk, &self.options.dir);
        let mut changed = epochs.save_unnamed(disk, dir)?;
        if writer.snapshot_at != Some(at) {
            // Not synced: should a power cut take it, opening reads on from an older one.
            let content = writer.producers.encode();
            replace(disk, &snapshot_path(dir, at), &content, false)?;
            changed = true;
        }
        if writer.indexes_changed {
            let indexes = writer.active.indexes();
            if let Some((timestamp, offset)) = writer.growth.tail.latest {
                indexes.time.append(timestamp, offset)?;
            }
            indexes.sync()?;
            changed = true;
        }
        if changed {
            let wrong = |e| Error::io(format_args!("sync {}", dir.display()), e);
            disk.sync_dir(dir).map_err(wrong)?;
        }
        if writer.snapshot_at != Some(at) {
            self.remove_old_snapshots()?;
        }
        (writer.indexes_changed, writer.snapshot_at) = (false, Some(at));
        let mut state = self.state.write();
        (state.epochs, state.epochs_unsaved) = (epochs, None);
        Ok(())
    }
}
