//! The control batches that end a transaction.

use crate::error::Result;
use crate::record::{BatchView, ControlRecord, ControlType};

/// A control record is some tens of bytes.
const PAYLOAD_BYTES_MAX: usize = 1 << 16;

/// The end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    pub commit: bool,
    pub coordinator_epoch: i32,
}

impl Marker {
    /// The marker in `batch`; `None` when it is no control batch, is one of another type (leader
    /// change, snapshot), or was emptied by compaction.
    pub fn of(batch: &BatchView<'_>) -> Result<Option<Marker>> {
        if !batch.header().attributes.is_control() {
            return Ok(None);
        }
        let mut scratch = Vec::new();
        let Some(record) = batch.records(&mut scratch, PAYLOAD_BYTES_MAX)?.next() else {
            return Ok(None);
        };
        let record = record?;
        let commit = match ControlRecord::parse(record.key)?.kind {
            ControlType::Abort => false,
            ControlType::Commit => true,
            _ => return Ok(None),
        };
        let coordinator_epoch = ControlRecord::coordinator_epoch(record.value)?;
        Ok(Some(Marker {
            commit,
            coordinator_epoch,
        }))
    }
}
