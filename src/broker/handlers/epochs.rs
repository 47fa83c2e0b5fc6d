//! Leader epochs that clients know (KIP-320).

use std::cmp::Ordering;

use crate::engine::PartitionHandle;
use crate::error::{Code, Error, Result};
use crate::types::{LeaderEpoch, Offset};

/// Compares the epoch that a client takes for the current one; -1 compares nothing.
pub(in crate::broker) fn check_current(handle: &PartitionHandle, epoch: i32) -> Result<()> {
    let current = handle.leader_epoch().get();
    let (code, what) = match epoch.cmp(&current) {
        _ if epoch < 0 => return Ok(()),
        Ordering::Equal => return Ok(()),
        Ordering::Less => (Code::FencedLeaderEpoch, "older than"),
        Ordering::Greater => (Code::UnknownLeaderEpoch, "newer than"),
    };
    let name = handle.name();
    let message = format!("{name}: leader epoch {epoch} is {what} the current one, {current}");
    Err(Error::coded(code, message))
}

/// The epoch in which the record at `offset` was, or will be, written.
pub(super) fn of(handle: &PartitionHandle, offset: Offset) -> Result<LeaderEpoch> {
    let log = handle.log()?;
    Ok(log
        .epoch_at(offset)
        .unwrap_or_else(|| handle.leader_epoch()))
}
