//! What readers and the writer of a partition share: the segments and the ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::options::Ends;
use crate::error::{Code, Error, Result};
use crate::log::segment::Segment;
use crate::log::segments::Segments;
use crate::log::{ColdStore, Epochs};
use crate::types::{LeaderEpoch, Offset};

/// A transaction that ended, whose marker consumers may not read yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct Ended {
    pub first: Offset,
    pub marker: Offset,
}

/// Behind one `RwLock` in the partition, held for a few lines and never for I/O. The append lock is
/// taken before it, never after.
#[derive(Debug)]
pub(in crate::log) struct State {
    pub segments: Segments,
    /// First offset that may be read. Moved by retention, `delete_records` and the archive.
    pub log_start: Offset,
    pub visible: Offset,
    pub durable: Offset,
    pub appended: Offset,
    /// The first record of the oldest open transaction; told by the writer.
    pub first_unstable: Option<Offset>,
    /// In the order of their markers.
    pub ended: VecDeque<Ended>,
    /// Segments with bytes that were not synced yet, oldest first; the sealed ones among them keep
    /// their file open.
    pub unsynced: Vec<Arc<Segment>>,
    /// What the sync that runs took from `unsynced`: its files must stay until it is done.
    pub in_sync: Vec<Arc<Segment>>,
    /// Since when there is something to sync, as far as `flush.ms` asks for it.
    pub unsynced_since: Option<Duration>,
    /// Names were made in the directory since it was synced.
    pub dir_changed: bool,
    /// Producer snapshots taken at rolls, to be written by the next sync.
    pub snapshots: Vec<(Offset, Vec<u8>)>,
    pub epochs: Epochs,
    /// Where the first epoch begins that the checkpoint file does not have. The recovery point
    /// stays below, so that recovery meets the batches which tell of it.
    pub epochs_unsaved: Option<Offset>,
    /// The first failure that left the files in doubt: no appends until reopened.
    pub failed: Option<Error>,
    pub closed: bool,
}

impl State {
    pub(in crate::log) fn last_stable(&self) -> Offset {
        let open = self.first_unstable.unwrap_or(Offset::MAX);
        let ended = self
            .ended
            .iter()
            .map(|e| e.first)
            .min()
            .unwrap_or(Offset::MAX);
        self.visible.min(open).min(ended)
    }

    pub(in crate::log) fn local_start(&self) -> Offset {
        let first = self.segments.first().map_or(self.appended, |s| s.base);
        first.max(self.log_start)
    }

    pub(in crate::log) fn ends(&self) -> Ends {
        Ends {
            log_start: self.log_start,
            local_start: self.local_start(),
            visible: self.visible,
            durable: self.durable,
            appended: self.appended,
            last_stable: self.last_stable(),
        }
    }

    pub(in crate::log) fn set_visible(&mut self, to: Offset) {
        let to = to.min(self.appended);
        if to > self.visible {
            self.visible = to;
            while self.ended.front().is_some_and(|e| e.marker < to) {
                self.ended.pop_front();
            }
        }
    }

    /// The log start only moves on. What lies below `to` may not be read any more, even where a
    /// segment still has it.
    pub(in crate::log) fn set_log_start(&mut self, to: Offset) {
        self.log_start = self.log_start.max(to.min(self.appended));
        self.visible = self.visible.max(self.log_start);
    }

    pub(in crate::log) fn assign_epoch(&mut self, epoch: LeaderEpoch, base: Offset) {
        if self.epochs.assign(epoch, base) {
            self.epochs_unsaved.get_or_insert(base);
        }
    }

    pub(in crate::log) fn mark_unsynced(&mut self, segment: &Arc<Segment>) {
        if !self
            .unsynced
            .last()
            .is_some_and(|s| Arc::ptr_eq(s, segment))
        {
            self.unsynced.push(segment.clone());
        }
    }

    /// Sealed, and its files and their names are on the disk: it may be archived, replaced or removed.
    /// Once true, it stays so.
    pub(in crate::log) fn is_settled(&self, segment: &Arc<Segment>) -> bool {
        segment.is_sealed() && !self.is_in_doubt(segment)
    }

    /// The settled segments that lie wholly below `offset`, oldest first, up to the first that is not.
    pub(in crate::log) fn settled_below(&self, offset: Offset) -> Vec<Arc<Segment>> {
        let mut below = self.segments.below(offset);
        let count = below.iter().take_while(|s| self.is_settled(s)).count();
        below.truncate(count);
        below
    }

    /// Whether a sync of it is due or under way.
    pub(in crate::log) fn is_in_doubt(&self, segment: &Arc<Segment>) -> bool {
        let same = |s: &Arc<Segment>| Arc::ptr_eq(s, segment);
        self.unsynced.iter().any(same) || self.in_sync.iter().any(same)
    }

    /// Readable at all?
    pub(in crate::log) fn check_open(&self) -> Result<()> {
        if self.closed {
            return Err(Error::closed("the partition is closed: open it again"));
        }
        Ok(())
    }

    /// Writable?
    pub(in crate::log) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        match &self.failed {
            None => Ok(()),
            Some(why) => Err(Error::coded(
                Code::KafkaStorageError,
                format!(
                    "the log takes no writes until it is reopened and recovered, because: {why}"
                ),
            )),
        }
    }

    /// Where a record at `from` is to be found, the archive apart.
    pub(in crate::log) fn is_cold(&self, from: Offset, cold: &dyn ColdStore) -> bool {
        let first = self.segments.first().map_or(self.appended, |s| s.base);
        from < first && cold.range().is_some_and(|(_, end)| from < end)
    }
}
