//! Control records: what coordinators and the metadata log write between data records.

use super::builder::{BatchBuilder, BuildOptions};
use crate::codec::compression::Compression;
use crate::error::{Code, Error, Result};
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

/// The kinds of control record, by the number in their key.
/// Source: `org.apache.kafka.common.record.ControlRecordType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlType {
    /// The producer's open transaction is aborted.
    Abort,
    /// The producer's open transaction is committed.
    Commit,
    /// A metadata leader took over.
    LeaderChange,
    /// A metadata snapshot begins.
    SnapshotHeader,
    /// A metadata snapshot is complete.
    SnapshotFooter,
    KraftVersion,
    KraftVoters,
    /// One of a later Kafka; readers pass over it.
    Unknown(i16),
}

impl ControlType {
    pub const fn number(self) -> i16 {
        match self {
            ControlType::Abort => 0,
            ControlType::Commit => 1,
            ControlType::LeaderChange => 2,
            ControlType::SnapshotHeader => 3,
            ControlType::SnapshotFooter => 4,
            ControlType::KraftVersion => 5,
            ControlType::KraftVoters => 6,
            ControlType::Unknown(number) => number,
        }
    }

    pub const fn from_number(number: i16) -> ControlType {
        match number {
            0 => ControlType::Abort,
            1 => ControlType::Commit,
            2 => ControlType::LeaderChange,
            3 => ControlType::SnapshotHeader,
            4 => ControlType::SnapshotFooter,
            5 => ControlType::KraftVersion,
            6 => ControlType::KraftVoters,
            other => ControlType::Unknown(other),
        }
    }
}

/// The key of a control record, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRecord {
    pub version: i16,
    pub kind: ControlType,
}

impl ControlRecord {
    /// Reads the key of a record of a control batch; keys of later versions may be longer.
    pub fn parse(key: Option<&[u8]>) -> Result<ControlRecord> {
        let key = key.unwrap_or_default();
        match key.first_chunk::<4>() {
            Some([a, b, c, d]) => Ok(ControlRecord {
                version: i16::from_be_bytes([*a, *b]),
                kind: ControlType::from_number(i16::from_be_bytes([*c, *d])),
            }),
            None => Err(damaged("key", key.len(), 4)),
        }
    }

    /// The coordinator's epoch in the value of a commit or abort marker.
    pub fn coordinator_epoch(value: Option<&[u8]>) -> Result<i32> {
        let value = value.unwrap_or_default();
        match value.first_chunk::<6>() {
            Some([_, _, a, b, c, d]) => Ok(i32::from_be_bytes([*a, *b, *c, *d])),
            None => Err(damaged("value", value.len(), 6)),
        }
    }

    /// The key's bytes for `kind`, version 0.
    pub const fn key(kind: ControlType) -> [u8; 4] {
        let [high, low] = kind.number().to_be_bytes();
        [0, 0, high, low]
    }
}

fn damaged(part: &str, have: usize, need: usize) -> Error {
    Error::coded(
        Code::InvalidRecord,
        format!("control record: its {part} has {have} bytes, at least {need} are needed"),
    )
}

/// A commit or abort marker: one control batch (KIP-98).
pub fn control_batch(
    commit: bool,
    coordinator_epoch: i32,
    timestamp: Timestamp,
    producer_id: ProducerId,
    producer_epoch: ProducerEpoch,
) -> Vec<u8> {
    let kind = if commit {
        ControlType::Commit
    } else {
        ControlType::Abort
    };
    let mut value = [0; 6];
    let [_, _, epoch @ ..] = &mut value;
    *epoch = coordinator_epoch.to_be_bytes();
    let options = BuildOptions {
        producer_id,
        producer_epoch,
        transactional: true,
        ..BuildOptions::default()
    };
    control_record(kind, &value, timestamp, &options)
}

/// A control batch of one record with any value; `options` says the rest of the header.
pub fn control_record(
    kind: ControlType,
    value: &[u8],
    timestamp: Timestamp,
    options: &BuildOptions,
) -> Vec<u8> {
    let mut builder = BatchBuilder::with_capacity(128);
    builder.push(timestamp, Some(&ControlRecord::key(kind)), Some(value), &[]);
    let options = BuildOptions {
        control: true,
        compression: Compression::None,
        ..*options
    };
    match builder.finish(&options) {
        Ok(batch) => batch.to_vec(),
        Err(e) => unreachable!("a control record always fits a batch: {e}"),
    }
}
