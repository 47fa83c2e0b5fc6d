//! The control batches that end a transaction, into one partition.

use std::sync::Arc;

use crate::config::{CONSUMER_OFFSETS, Durability};
use crate::engine::durable::Durable;
use crate::engine::engine::Shared;
use crate::engine::partition::PartitionHandle;
use crate::engine::txn::ProducerIdentity;
use crate::error::Result;
use crate::log::Append;
use crate::record::control_batch;
use crate::types::TopicPartition;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub producer: ProducerIdentity,
    pub commit: bool,
    pub coordinator_epoch: i32,
}

/// The partition, when it (still) exists.
pub(super) fn find(engine: &Shared, partition: &TopicPartition) -> Option<Arc<PartitionHandle>> {
    let table = engine.table.read();
    let at = usize::try_from(partition.partition).ok()?;
    table.get(&partition.topic)?.partitions().get(at).cloned()
}

/// Appends a marker; `None` when there is no such partition (any more). In `__consumer_offsets`, the
/// groups hear of it.
pub(super) fn write(
    engine: &Shared,
    partition: &TopicPartition,
    marker: &Marker,
) -> Result<Option<Durable>> {
    let Some(handle) = find(engine, partition) else {
        return Ok(None);
    };
    let producer = marker.producer;
    let batch = control_batch(
        marker.commit,
        marker.coordinator_epoch,
        engine.parts.clock.now(),
        producer.id,
        producer.epoch,
    );
    let append = Append {
        batches: &batch,
        leader_epoch: handle.leader_epoch(),
        internal: true,
        trusted: true,
    };
    let appended = match &*partition.topic {
        CONSUMER_OFFSETS => {
            let groups = &engine.groups;
            groups.end_transaction(&handle, append, producer.id, marker.commit)
        }
        _ => handle.append(append).map(|appended| appended.last_offset),
    };
    let last_offset = match appended {
        Ok(last_offset) => last_offset,
        // The topic was deleted while this was written.
        Err(_) if find(engine, partition).is_none_or(|now| !Arc::ptr_eq(&now, &handle)) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok(Some(Durable {
        handle,
        last_offset,
    }))
}

/// Syncs what its topic lets be visible before: a transaction must not count as complete while a power
/// cut could take one of its markers away, for nobody would write it again.
pub(super) fn make_lasting(durable: &Durable) -> Result<()> {
    if durable.handle.config().durability == Durability::Disk {
        return Ok(());
    }
    durable.handle.log()?.sync().map(drop)
}
