//! A partition to play with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::ManualClock;
use crate::config::TopicConfig;
use crate::disk::{Disk, FaultyDisk};
use crate::error::Result;
use crate::log::{Append, Appended, NoColdStore, Opened, Partition, PartitionOptions, Read};
use crate::record::{BatchBuilder, Batches, BuildOptions};
use crate::types::{IsolationLevel, LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// What every opening of one test's partition has in common.
#[derive(Clone, Debug)]
pub struct Bench {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<ManualClock>,
    pub config: TopicConfig,
    pub dir: PathBuf,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::on(Arc::new(FaultyDisk::new()), PathBuf::from("/data/t-0"))
    }

    pub fn on(disk: Arc<dyn Disk>, dir: PathBuf) -> Bench {
        Bench {
            disk,
            clock: Arc::new(ManualClock::new(NOW)),
            config: TopicConfig::default(),
            dir,
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut TopicConfig)) -> Bench {
        change(&mut self.config);
        self
    }

    pub fn options(&self) -> PartitionOptions {
        PartitionOptions {
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            cold: Arc::new(NoColdStore),
            dir: self.dir.clone(),
            name: TopicPartition::new("t", 0),
            topic_id: TopicId::METADATA,
            config: Arc::new(self.config.clone()),
            clean: true,
            recovery_point: Offset::ZERO,
            log_start: None,
        }
    }

    pub fn open(&self) -> Partition {
        self.opened(true, Offset::ZERO).unwrap().partition
    }

    pub fn opened(&self, clean: bool, recovery_point: Offset) -> Result<Opened> {
        Partition::open(PartitionOptions {
            clean,
            recovery_point,
            ..self.options()
        })
    }
}

/// A batch of records with these values.
pub fn batch(timestamp: Timestamp, values: &[&[u8]]) -> Vec<u8> {
    batch_of(timestamp, values, &BuildOptions::default())
}

pub fn batch_of(timestamp: Timestamp, values: &[&[u8]], options: &BuildOptions) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for value in values {
        builder.push(timestamp, None, Some(value), &[]);
    }
    builder.finish(options).unwrap().to_vec()
}

pub fn append(partition: &Partition, batches: &[u8]) -> Result<Appended> {
    partition.append(Append {
        batches,
        leader_epoch: LeaderEpoch::FIRST,
        internal: false,
        trusted: false,
    })
}

pub fn append_internal(partition: &Partition, batches: &[u8]) -> Result<Appended> {
    partition.append(Append {
        batches,
        leader_epoch: LeaderEpoch::FIRST,
        internal: true,
        trusted: false,
    })
}

/// Appends, syncs and shows one record.
pub fn put(partition: &Partition, value: &[u8]) -> Offset {
    let at = append(partition, &batch(NOW, &[value]))
        .unwrap()
        .base_offset;
    show(partition);
    at
}

/// Makes all that was appended durable and visible.
pub fn show(partition: &Partition) {
    let durable = partition.sync().unwrap();
    partition.set_visible(durable);
}

/// All visible values from `from` on with their offsets, read in steps of `max_bytes`.
pub fn values_from(
    partition: &Partition,
    from: Offset,
    max_bytes: usize,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let (mut at, mut values, mut scratch) = (from, Vec::new(), Vec::new());
    loop {
        let chunk = partition.read(Read {
            from: at,
            max_bytes,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        })?;
        let mut next = at;
        for batch in Batches::new(&chunk.batches) {
            let batch = batch?;
            batch.check_crc()?;
            next = batch.header().next_offset();
            for record in batch.records(&mut scratch, 1 << 30)? {
                let record = record?;
                if record.offset >= from {
                    values.push((
                        record.offset.get(),
                        record.value.unwrap_or_default().to_vec(),
                    ));
                }
            }
        }
        if next == at {
            return Ok(values);
        }
        at = next;
    }
}

pub fn values(partition: &Partition) -> Vec<(i64, Vec<u8>)> {
    values_from(partition, partition.ends().log_start, 1 << 20).unwrap()
}
