//! What an engine counts of its logs, all partitions together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Result;
use crate::log::Appended;
use crate::metrics::Times;

/// Since the engine was opened. Counted by each partition, read by who shows it.
#[derive(Debug, Default)]
pub struct Counters {
    /// Appends that succeeded: validation, waiting for the append lock, the write to the page cache.
    pub appends: Times,
    pub appended_records: AtomicU64,
    pub appended_bytes: AtomicU64,
    /// Rounds of the flusher for one partition, those that failed too.
    pub syncs: Times,
    pub sync_failures: AtomicU64,
}

impl Counters {
    pub(super) fn appended(&self, took: Duration, appended: &Appended, bytes: usize) {
        self.appends.add(took);
        if appended.duplicate {
            return;
        }
        let records = appended.last_offset.since(appended.base_offset) + 1;
        self.appended_records
            .fetch_add(records.max(0).unsigned_abs(), Ordering::Relaxed);
        self.appended_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn synced(&self, took: Duration, outcome: &Result<()>) {
        self.syncs.add(took);
        if outcome.is_err() {
            self.sync_failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}
