//! A topic as one producer sees it: its lanes, its limits, and which lane a record takes.

use std::sync::Arc;

use super::lane::{Lane, LaneShared, Row};
use crate::clock::Clock;
use crate::codec::compression::Compression;
use crate::engine::TopicHandle;
use crate::error::{Code, Error, Result};
use crate::record::{BatchBuilder, HEADER_BYTES};
use crate::record::{Sticky, partition_for_key};
use crate::types::{Timestamp, TopicId};

/// No batch grows beyond this while it waits for the sender, whatever the topic would allow.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// A topic, looked up once for many records. Made anew when the topic changes.
#[derive(Debug)]
pub struct TopicWriter {
    name: Arc<str>,
    id: TopicId,
    /// The engine's version of the metadata that this was made from.
    version: u64,
    pub(super) lanes: Vec<Arc<Lane>>,
    sticky: Sticky,
    record_bytes_max: usize,
    /// Of a batch that gathers, uncompressed: then it fits even where no codec makes it smaller.
    batch_bytes_max: usize,
    compacted: bool,
    timestamp_after_max_ms: i64,
    timestamp_before_max_ms: i64,
}

impl TopicWriter {
    /// Keeps the lanes of `before` where they are of the same topic, with their sequences.
    pub(super) fn new(
        topic: &TopicHandle,
        version: u64,
        shared: &Arc<LaneShared>,
        before: Option<&TopicWriter>,
    ) -> TopicWriter {
        let before = before.filter(|b| b.id == topic.id());
        let mut lanes: Vec<Arc<Lane>> = before.map_or_else(Vec::new, |b| b.lanes.clone());
        for handle in topic.partitions().iter().skip(lanes.len()) {
            lanes.push(Lane::new(handle.clone(), shared.clone()));
        }
        let config = topic.config();
        let request_bytes_max = shared.options.request_bytes_max;
        let message_bytes_max = (config.max_message_bytes as usize).min(request_bytes_max);
        // What a codec makes of one record is known when it is packed: the topic judges then.
        let record_bytes_max = match shared.options.compression {
            Compression::None => message_bytes_max,
            _ => request_bytes_max,
        };
        let seed = u64::from_le_bytes(topic.id().0[..8].try_into().unwrap_or_default());
        TopicWriter {
            name: topic.name().clone(),
            id: topic.id(),
            version,
            lanes,
            sticky: before.map_or_else(
                || Sticky::new(seed ^ shared.producer.id.get() as u64),
                |b| b.sticky.carry_on(),
            ),
            record_bytes_max,
            batch_bytes_max: message_bytes_max.min(BATCH_BYTES_MAX),
            compacted: config.cleanup.compact,
            timestamp_after_max_ms: config.message_timestamp_after_max_ms,
            timestamp_before_max_ms: config.message_timestamp_before_max_ms,
        }
    }

    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn partitions(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn batch_bytes_max(&self) -> usize {
        self.batch_bytes_max
    }

    /// Which lane: as asked, by key, or the sticky one.
    pub(super) fn choose(&self, partition: Option<i32>, key: Option<&[u8]>) -> Result<usize> {
        match (partition, key) {
            (Some(asked), _) => match usize::try_from(asked) {
                Ok(index) if index < self.lanes.len() => Ok(index),
                _ => Err(Error::coded(
                    Code::UnknownTopicOrPartition,
                    format!(
                        "topic {} has no partition {asked}: it has 0 to {}",
                        self.name,
                        self.lanes.len() - 1
                    ),
                )),
            },
            (None, Some(key)) => Ok(partition_for_key(key, self.lanes.len())),
            (None, None) => Ok(self.sticky.partition(self.lanes.len())),
        }
    }

    /// The lane had its share: keyless records go to another.
    pub(super) fn turn(&self, from: usize) {
        self.sticky.turn(from, self.lanes.len());
    }

    /// What one record must satisfy; its batch mates should not fail for it.
    pub(super) fn check(
        &self,
        row: &Row<'_>,
        clock: &dyn Clock,
        own_timestamp: bool,
    ) -> Result<()> {
        if HEADER_BYTES + row.size_bytes_upper() > self.record_bytes_max {
            self.check_size(row)?;
        }
        if self.compacted && row.key.is_none() {
            let message = format!("topic {} is compacted: every record needs a key", self.name);
            return Err(Error::coded(Code::InvalidRecord, message));
        }
        if own_timestamp {
            self.check_timestamp(row.timestamp, clock)
        } else {
            Ok(())
        }
    }

    #[cold]
    fn check_size(&self, row: &Row<'_>) -> Result<()> {
        let size = BatchBuilder::size_bytes_alone(row.key, row.value, row.headers);
        let (name, max) = (&self.name, self.record_bytes_max);
        if size <= max {
            return Ok(());
        }
        let message = format!(
            "a record of {size} bytes is above the {max} that topic {name} takes: send less, or raise max.message.bytes and max.request.size"
        );
        Err(Error::coded(Code::MessageTooLarge, message))
    }

    fn check_timestamp(&self, timestamp: Timestamp, clock: &dyn Clock) -> Result<()> {
        let ahead = timestamp.get().saturating_sub(clock.now().get());
        let (name, ms) = (&self.name, timestamp);
        let problem = if timestamp.get() < 0 {
            format!("timestamp {ms} ms is before 1970")
        } else if ahead > self.timestamp_after_max_ms {
            format!(
                "timestamp {ms} ms is {ahead} ms ahead, above message.timestamp.after.max.ms of topic {name}"
            )
        } else if ahead.saturating_neg() > self.timestamp_before_max_ms {
            format!(
                "timestamp {ms} ms is older than message.timestamp.before.max.ms of topic {name} allows"
            )
        } else {
            return Ok(());
        };
        Err(Error::coded(Code::InvalidTimestamp, problem))
    }
}
