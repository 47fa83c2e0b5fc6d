//! The coordinator's records on disk: `__transaction_state`.

use std::sync::Arc;

use crate::engine::groups::RecordBytes;
use crate::engine::partition::PartitionHandle;
use crate::engine::table::TopicHandle;
use crate::engine::txn::{Coordinator, state_partition};
use crate::error::{Error, Result};
use crate::log::{Append, Read};
use crate::record::{BatchBuilder, Batches, BuildOptions};
use crate::types::{IsolationLevel, Offset, Timestamp};

/// How much of a partition one step of loading reads.
const LOAD_BYTES: usize = 4 << 20;

/// No batch of this topic decompresses to more.
const PLAIN_BYTES_MAX: usize = 256 << 20;

/// The partition that holds an id.
pub(super) fn partition_of(topic: &TopicHandle, id: &str) -> Result<Arc<PartitionHandle>> {
    let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
    let index = state_partition(id, count);
    let found = usize::try_from(index).ok();
    let handle = found.and_then(|at| topic.partitions().get(at)).cloned();
    handle.ok_or_else(|| Error::internal(format!("{} has no partition {index}", topic.name())))
}

/// Appends one record; gives its offset.
pub(super) fn append(
    handle: &PartitionHandle,
    record: &RecordBytes,
    now: Timestamp,
) -> Result<Offset> {
    let mut builder = BatchBuilder::default();
    builder.push(now, Some(&record.key), record.value.as_deref(), &[]);
    let appended = handle.append(Append {
        batches: builder.finish(&BuildOptions::default())?,
        leader_epoch: handle.leader_epoch(),
        internal: true,
        trusted: true,
    })?;
    Ok(appended.last_offset)
}

/// Replays a whole partition into `coordinator`.
pub(super) fn load(handle: &PartitionHandle, coordinator: &mut Coordinator) -> Result<()> {
    let ends = handle.ends()?;
    let mut from = ends.log_start;
    let mut scratch = Vec::new();
    while from < ends.visible {
        let chunk = handle.read(Read {
            from,
            max_bytes: LOAD_BYTES,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        })?;
        let before = from;
        for batch in Batches::new(&chunk.batches) {
            let batch = batch?;
            from = batch.header().next_offset();
            if batch.header().attributes.is_control() {
                continue;
            }
            for record in batch.records(&mut scratch, PLAIN_BYTES_MAX)? {
                let record = record?;
                let place = format_args!("{} at offset {}", handle.name(), record.offset);
                if let Some(key) = record.key {
                    let replayed = coordinator.replay(key, record.value);
                    replayed.map_err(|e| e.at(place))?;
                }
            }
        }
        if from == before {
            // Compaction may have left nothing up to the end.
            break;
        }
    }
    Ok(())
}
