//! Segments to archive, and a store to archive them in.

use std::sync::Arc;

use bytes::Bytes;

use super::super::store::{BlobStore, LocalStore};
use super::super::{PartitionArchive, ReadCache, Segment};
use crate::codec::compression::Compression;
use crate::config::TimestampType;
use crate::disk::RealDisk;
use crate::record::{BatchBuilder, BuildOptions};
use crate::types::{
    LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicId, TopicPartition,
};

/// One record of a made-up batch.
#[derive(Clone, Debug)]
pub struct Rec {
    /// Offsets left out before it.
    pub gap: u8,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// One made-up batch.
#[derive(Clone, Debug)]
pub struct Made {
    pub gap: u8,
    pub codec: u8,
    pub append_time: Option<i64>,
    pub producer: Option<(i64, i16, i32)>,
    pub transactional: bool,
    pub control: bool,
    pub horizon: bool,
    pub epoch: i32,
    /// Offsets left out after the last record.
    pub tail_gap: u8,
    pub records: Vec<Rec>,
}

pub fn rec(value: &[u8]) -> Rec {
    Rec {
        gap: 0,
        timestamp: 1_700_000_000_000,
        key: Some(b"key".to_vec()),
        value: Some(value.to_vec()),
        headers: Vec::new(),
    }
}

pub fn made(records: Vec<Rec>) -> Made {
    Made {
        gap: 0,
        codec: 0,
        append_time: None,
        producer: None,
        transactional: false,
        control: false,
        horizon: false,
        epoch: 0,
        tail_gap: 0,
        records,
    }
}

/// Appends the batch at `next`; gives the offset after it.
pub fn build(made: &Made, next: i64, into: &mut Vec<u8>) -> i64 {
    let base = next + i64::from(made.gap);
    let mut builder = BatchBuilder::default();
    let first = made.records.first().map_or(-1, |r| r.timestamp);
    let base_timestamp = Timestamp(if made.horizon {
        1_600_000_000_000
    } else {
        first
    });
    builder.begin(base_timestamp);
    let mut delta = 0;
    for record in &made.records {
        delta += i32::from(record.gap);
        let headers: Vec<(&[u8], Option<&[u8]>)> = record
            .headers
            .iter()
            .map(|(k, v)| (&k[..], v.as_deref()))
            .collect();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.push_at(delta, Timestamp(record.timestamp), key, value, &headers);
        delta += 1;
    }
    let last_delta = (delta - 1).max(0) + i32::from(made.tail_gap);
    let latest = made.records.iter().map(|r| r.timestamp).max().unwrap_or(-1);
    let (id, epoch, sequence) = made.producer.unwrap_or((-1, -1, -1));
    let options = BuildOptions {
        base_offset: Offset(base),
        leader_epoch: LeaderEpoch(made.epoch),
        compression: Compression::from_id(made.codec).unwrap(),
        timestamp_type: match made.append_time {
            Some(_) => TimestampType::LogAppendTime,
            None => TimestampType::CreateTime,
        },
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: sequence,
        transactional: made.transactional,
        control: made.control,
        delete_horizon: made.horizon,
        ..BuildOptions::default()
    };
    let max = Timestamp(made.append_time.unwrap_or(latest));
    let built = builder
        .finish_exact(&options, last_delta, base_timestamp, max)
        .unwrap();
    into.extend_from_slice(built);
    base + i64::from(last_delta) + 1
}

/// A segment of these batches from `base` on.
pub fn segment(base: i64, batches: &[Made]) -> Segment {
    let mut bytes = Vec::new();
    let mut next = base;
    for made in batches {
        next = build(made, next, &mut bytes);
    }
    Segment {
        base_offset: Offset(base),
        next_offset: Offset(next),
        bytes: Bytes::from(bytes),
        place: format!("segment {base}"),
    }
}

/// A store in a temporary directory, and an empty archive in it.
pub struct Home {
    pub dir: tempfile::TempDir,
    pub store: Arc<dyn BlobStore>,
    pub cache: Arc<ReadCache>,
}

impl Home {
    pub fn new() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(Arc::new(RealDisk::default()), dir.path()).unwrap();
        Home {
            dir,
            store: Arc::new(store),
            cache: Arc::new(ReadCache::default()),
        }
    }

    pub fn open(&self) -> crate::error::Result<PartitionArchive> {
        let name = TopicPartition::new("t", 0);
        PartitionArchive::open(
            self.store.clone(),
            self.cache.clone(),
            name,
            TopicId::METADATA,
        )
    }
}
