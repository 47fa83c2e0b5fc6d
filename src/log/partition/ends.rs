//! The ends of the log and what moves them.

use std::sync::atomic::Ordering;

use super::Partition;
use super::options::Ends;
use crate::types::Offset;

impl Partition {
    /// Moves the high watermark on (never back, never beyond the appended end).
    pub fn set_visible(&self, to: Offset) {
        self.state.write().set_visible(to);
    }

    pub fn ends(&self) -> Ends {
        self.state.read().ends()
    }

    /// Moves the log start on to where the archive's retention (or `delete_records`) put it.
    pub fn set_log_start(&self, to: Offset) {
        self.state.write().set_log_start(to);
    }

    /// Local bytes.
    pub fn size_bytes(&self) -> u64 {
        let state = self.state.read();
        state.segments.iter().map(|s| s.tail().size).sum()
    }

    /// Below it everything is synced: what the recovery-point checkpoint says.
    pub fn recovery_point(&self) -> Offset {
        let state = self.state.read();
        let unsaved = state.epochs_unsaved.unwrap_or(Offset::MAX);
        // A sealed segment whose indexes are not synced is to be scanned again.
        let sealed = state.unsynced.iter().find(|s| s.is_sealed());
        let sealed = sealed.map_or(Offset::MAX, |s| s.base);
        state.durable.min(unsaved).min(sealed)
    }

    /// The checkpoint on the disk says `point` from now on: a crash starts from there, and snapshots that
    /// it needs no more may go.
    pub fn set_reported(&self, point: Offset) {
        self.reported.store(point.get(), Ordering::Relaxed);
    }
}
