//! The seam to where sealed segments go when they leave the local disk.

use std::fmt::Debug;

use bytes::Bytes;

use crate::error::Result;
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// What lies below the local log start. One value serves one partition.
///
/// Promises: `range` only grows at its end and only shrinks at its start; what is in the range is
/// readable record-exactly with its old offsets.
pub trait ColdStore: Send + Sync + Debug {
    /// First offset kept and the one after the last, `None` when nothing is kept. Cheap: no I/O.
    fn range(&self) -> Option<(Offset, Offset)>;
    /// Whole batches from the one that holds `from` on (or the next, where compaction left a gap), at
    /// least one, then up to `max_bytes`. Base offsets and leader epochs as they were.
    fn read(&self, from: Offset, max_bytes: usize) -> Result<Bytes>;
    /// The first record at or after `timestamp`.
    fn offset_for_time(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>>;
    /// The latest timestamp kept and its offset.
    fn max_timestamp(&self) -> Result<Option<(Offset, Timestamp)>>;
    /// The first offset of each leader epoch kept, ascending.
    fn epochs(&self) -> Result<Vec<(LeaderEpoch, Offset)>>;
    /// Aborted transactions that overlap `from..to`: producer id, first offset, last offset.
    fn aborted(&self, from: Offset, to: Offset) -> Result<Vec<super::Aborted>>;
}

/// A partition without an archive.
#[derive(Debug, Default)]
pub struct NoColdStore;

impl ColdStore for NoColdStore {
    fn range(&self) -> Option<(Offset, Offset)> {
        None
    }
    fn read(&self, _from: Offset, _max_bytes: usize) -> Result<Bytes> {
        Ok(Bytes::new())
    }
    fn offset_for_time(&self, _timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        Ok(None)
    }
    fn max_timestamp(&self) -> Result<Option<(Offset, Timestamp)>> {
        Ok(None)
    }
    fn epochs(&self) -> Result<Vec<(LeaderEpoch, Offset)>> {
        Ok(Vec::new())
    }
    fn aborted(&self, _from: Offset, _to: Offset) -> Result<Vec<super::Aborted>> {
        Ok(Vec::new())
    }
}
