//! What the log knows of its producers, for who asks (DescribeProducers).

use super::Partition;
use crate::types::{Offset, ProducerEpoch, ProducerId, Timestamp};

/// A producer that wrote to the partition and is not forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    pub producer_id: ProducerId,
    pub epoch: ProducerEpoch,
    /// Of its last batch, -1 when a marker alone is known of it.
    pub last_sequence: i32,
    pub last_timestamp: Timestamp,
    /// Of the coordinator that wrote its last marker, -1 without one.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins.
    pub txn_start: Option<Offset>,
}

impl Partition {
    /// The producers known, by id.
    pub fn active_producers(&self) -> Vec<ActiveProducer> {
        let writer = self.writer.lock();
        let mut all: Vec<ActiveProducer> = writer
            .producers
            .iter()
            .map(|(producer_id, entry)| ActiveProducer {
                producer_id,
                epoch: entry.epoch,
                last_sequence: entry.last_batch().map_or(-1, |b| b.last_sequence),
                last_timestamp: entry.last_timestamp,
                coordinator_epoch: entry.coordinator_epoch,
                txn_start: entry.txn_first_offset,
            })
            .collect();
        drop(writer);
        all.sort_by_key(|p| p.producer_id);
        all
    }
}
