//! The 61 bytes before the records of a batch: read, checked, written.

use super::wire;
use crate::codec::compression::Compression;
use crate::codec::crc32c::crc32c;
use crate::config::TimestampType;
use crate::error::{Code, Error, Result};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

/// Bytes before the first record: base offset 8, length 4, leader epoch 4, magic 1, CRC 4,
/// attributes 2, last offset delta 4, base and max timestamp 16, producer id 8, epoch 2,
/// base sequence 4, count 4.
pub const HEADER_BYTES: usize = 61;

/// Base offset and length: what stands before the bytes that the length field counts.
pub(super) const LENGTH_END: usize = 12;
/// Where the checksummed part starts.
pub(super) const CRC_FROM: usize = 21;
const MAGIC_AT: usize = 16;
/// The shortest entry that Kafka ever had: a magic-0 message without key and value.
const LEGACY_LENGTH_MIN: i32 = 14;

/// The attribute bits of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    pub(super) const LOG_APPEND_TIME: i16 = 8;
    pub(super) const TRANSACTIONAL: i16 = 16;
    pub(super) const CONTROL: i16 = 32;
    pub(super) const DELETE_HORIZON: i16 = 64;

    /// `None` for the three codec ids that Kafka has not given out.
    pub const fn compression(self) -> Option<Compression> {
        Compression::from_id((self.0 & 7) as u8)
    }
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME != 0 {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }
    /// KIP-534: the base timestamp holds the delete horizon of a compacted batch.
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }
}

/// The 61 bytes before the records, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: Offset,
    /// The whole batch, the twelve bytes of base offset and length field included.
    pub size_bytes: usize,
    pub leader_epoch: LeaderEpoch,
    pub crc: u32,
    pub attributes: Attributes,
    pub last_offset_delta: i32,
    pub base_timestamp: Timestamp,
    pub max_timestamp: Timestamp,
    pub producer_id: ProducerId,
    pub producer_epoch: ProducerEpoch,
    /// -1 without a producer id.
    pub base_sequence: i32,
    /// As the header claims; compaction leaves less than `last_offset_delta + 1`.
    pub count: i32,
}

impl BatchHeader {
    /// Reads and checks the fixed part: enough bytes, magic 2 (0 and 1 are refused by name),
    /// length at least the header's, no negative count or delta. The records need not be there.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader> {
        let size_bytes = match peek_size(bytes)? {
            Some(size) => size,
            None => return Err(short(bytes.len())),
        };
        let Some(fixed) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(short(bytes.len()));
        };
        let header = BatchHeader {
            base_offset: Offset(wire::i64_at(fixed, 0)),
            size_bytes,
            leader_epoch: LeaderEpoch(wire::i32_at(fixed, 12)),
            crc: wire::i32_at(fixed, 17) as u32,
            attributes: Attributes(wire::i16_at(fixed, 21)),
            last_offset_delta: wire::i32_at(fixed, 23),
            base_timestamp: Timestamp(wire::i64_at(fixed, 27)),
            max_timestamp: Timestamp(wire::i64_at(fixed, 35)),
            producer_id: ProducerId(wire::i64_at(fixed, 43)),
            producer_epoch: ProducerEpoch(wire::i16_at(fixed, 51)),
            base_sequence: wire::i32_at(fixed, 53),
            count: wire::i32_at(fixed, 57),
        };
        if header.count < 0 || header.last_offset_delta < 0 {
            return Err(Error::coded(
                Code::InvalidRecord,
                format!(
                    "batch at offset {}: count {} and last offset delta {} must not be negative",
                    header.base_offset, header.count, header.last_offset_delta
                ),
            ));
        }
        Ok(header)
    }

    pub const fn last_offset(&self) -> Offset {
        self.base_offset.plus(self.last_offset_delta as i64)
    }

    pub const fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }

    /// The sequence number of the last record, wrapping at the largest as Kafka's does; -1 without one.
    pub const fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let sum = self.base_sequence as i64 + self.last_offset_delta as i64;
        (sum & i32::MAX as i64) as i32
    }

    /// Whether every offset of the batch holds a record: no compaction has been at it.
    pub const fn is_dense(&self) -> bool {
        self.count as i64 == self.last_offset_delta as i64 + 1
    }

    /// Writes the fixed part at the start of `batch`, whose records must stand after it already;
    /// length and CRC are computed, not taken from `self`.
    pub(super) fn write(&self, batch: &mut [u8]) {
        let length = (batch.len() - LENGTH_END) as i32;
        wire::put(batch, 0, &self.base_offset.get().to_be_bytes());
        wire::put(batch, 8, &length.to_be_bytes());
        wire::put(batch, 12, &self.leader_epoch.get().to_be_bytes());
        wire::put(batch, MAGIC_AT, &[2]);
        wire::put(batch, 21, &self.attributes.0.to_be_bytes());
        wire::put(batch, 23, &self.last_offset_delta.to_be_bytes());
        wire::put(batch, 27, &self.base_timestamp.get().to_be_bytes());
        wire::put(batch, 35, &self.max_timestamp.get().to_be_bytes());
        wire::put(batch, 43, &self.producer_id.get().to_be_bytes());
        wire::put(batch, 51, &self.producer_epoch.get().to_be_bytes());
        wire::put(batch, 53, &self.base_sequence.to_be_bytes());
        wire::put(batch, 57, &self.count.to_be_bytes());
        seal(batch);
    }
}

/// Computes the checksum of a whole batch and writes it in place.
pub(super) fn seal(batch: &mut [u8]) {
    let crc = crc32c(batch.get(CRC_FROM..).unwrap_or_default());
    wire::put(batch, 17, &crc.to_be_bytes());
}

/// Writes base offset and leader epoch into a batch in place; both lie outside the CRC.
///
/// Panics when `batch` is shorter than a header: the caller has parsed it before.
pub fn set_offsets(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    assert!(
        batch.len() >= HEADER_BYTES,
        "set_offsets needs a whole batch"
    );
    wire::put(batch, 0, &base_offset.get().to_be_bytes());
    wire::put(batch, 12, &leader_epoch.get().to_be_bytes());
}

/// The size of the batch at the start of `bytes`, `None` when too little is there to tell. Refuses
/// impossible lengths and every magic but 2.
pub(super) fn peek_size(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(start) = bytes.first_chunk::<17>() else {
        return Ok(None);
    };
    let offset = wire::i64_at(start, 0);
    let length = wire::i32_at(start, 8);
    let magic = start[MAGIC_AT];
    if length < LEGACY_LENGTH_MIN {
        return Err(Error::coded(
            Code::CorruptMessage,
            format!(
                "batch at offset {offset}: its length field says {length} bytes, no batch is that short"
            ),
        ));
    }
    if magic != 2 {
        return Err(super::legacy::refuse(magic as i8, offset));
    }
    let size = length as usize + LENGTH_END;
    if size < HEADER_BYTES {
        return Err(Error::coded(
            Code::CorruptMessage,
            format!(
                "batch at offset {offset}: its length field says {length} bytes, the header alone has 49"
            ),
        ));
    }
    Ok(Some(size))
}

#[cold]
pub(super) fn short(have: usize) -> Error {
    Error::coded(
        Code::CorruptMessage,
        format!("batch is cut short: {have} bytes are there, the header has {HEADER_BYTES}"),
    )
}
