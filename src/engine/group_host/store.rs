//! The coordinator's records on disk: `__consumer_offsets`.

use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::groups::{Coordinator, RecordBytes, offsets_partition};
use crate::engine::partition::PartitionHandle;
use crate::engine::table::TopicHandle;
use crate::error::{Error, Result};
use crate::log::{Append, Read};
use crate::record::{BatchBuilder, Batches, BuildOptions, ControlRecord, ControlType};
use crate::types::{IsolationLevel, Offset, ProducerId};

/// How much of a partition one step of loading reads.
const LOAD_BYTES: usize = 4 << 20;

/// No batch of these topics decompresses to more.
const PLAIN_BYTES_MAX: usize = 256 << 20;

/// Appends `records` as one batch to the partition of `group`; gives that and the last offset.
pub(super) fn append(
    topic: &TopicHandle,
    group: &str,
    records: impl Iterator<Item = RecordBytes>,
    clock: &dyn Clock,
) -> Result<(Arc<PartitionHandle>, Offset)> {
    let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
    let index = offsets_partition(group, count);
    let found = usize::try_from(index)
        .ok()
        .and_then(|at| topic.partitions().get(at));
    let handle = found
        .ok_or_else(|| Error::internal(format!("{} has no partition {index}", topic.name())))?;
    let now = clock.now();
    let mut builder = BatchBuilder::default();
    for record in records {
        builder.push(now, Some(&record.key), record.value.as_deref(), &[]);
    }
    let batch = builder.finish(&BuildOptions::default())?;
    let epoch = handle.leader_epoch();
    let appended = handle.append(Append {
        batches: batch,
        leader_epoch: epoch,
        internal: true,
        trusted: true,
    })?;
    Ok((handle.clone(), appended.last_offset))
}

/// Replays a whole partition, one of `partitions`, into `coordinator`.
pub(super) fn load(
    handle: &PartitionHandle,
    partitions: i32,
    coordinator: &mut Coordinator,
) -> Result<()> {
    let place = (handle.name().partition, partitions);
    let ends = handle.ends()?;
    let mut from = ends.log_start;
    let mut scratch = Vec::new();
    while from < ends.visible {
        let read = Read {
            from,
            max_bytes: LOAD_BYTES,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        };
        let chunk = handle.read(read)?;
        let before = from;
        for batch in Batches::new(&chunk.batches) {
            let batch = batch?;
            let header = *batch.header();
            from = header.next_offset();
            let transactional = header.attributes.is_transactional();
            let producer = transactional.then_some(header.producer_id);
            for record in batch.records(&mut scratch, PLAIN_BYTES_MAX)? {
                let record = record?;
                if header.attributes.is_control() {
                    end_transaction(coordinator, record.key, header.producer_id, place)?;
                } else if let Some(key) = record.key {
                    let at = |e: Error| {
                        e.at(format_args!(
                            "{} at offset {}",
                            handle.name(),
                            record.offset
                        ))
                    };
                    coordinator
                        .replay(key, record.value, producer)
                        .map_err(at)?;
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

fn end_transaction(
    coordinator: &mut Coordinator,
    key: Option<&[u8]>,
    producer: ProducerId,
    place: (i32, i32),
) -> Result<()> {
    match ControlRecord::parse(key)?.kind {
        ControlType::Commit => coordinator.complete_transaction_in(producer, true, place),
        ControlType::Abort => coordinator.complete_transaction_in(producer, false, place),
        _ => 0,
    };
    Ok(())
}
