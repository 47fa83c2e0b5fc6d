//! Builds batches: records go straight into their wire form, one buffer a batch.

use super::header::{Attributes, BatchHeader, HEADER_BYTES};
use super::iter::{Headers, RecordView, Records};
use super::wire::{Prefix, varint_len};
use crate::codec::compression::{Compression, Level, compress};
use crate::config::TimestampType;
use crate::error::{Code, Error, Result};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

/// What `finish` writes into the header.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub compression: Compression,
    pub level: Level,
    pub timestamp_type: TimestampType,
    /// With `LogAppendTime`, the time of the append.
    pub append_time: Timestamp,
    pub producer_id: ProducerId,
    pub producer_epoch: ProducerEpoch,
    pub base_sequence: i32,
    pub transactional: bool,
    pub control: bool,
    /// KIP-534: the base timestamp is the delete horizon of a compacted batch.
    pub delete_horizon: bool,
    /// Leaves out the codec where it would not make the batch smaller: every batch may name another.
    pub only_if_smaller: bool,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch::NONE,
            compression: Compression::None,
            level: None,
            timestamp_type: TimestampType::CreateTime,
            append_time: Timestamp::NONE,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: -1,
            transactional: false,
            control: false,
            delete_horizon: false,
            only_if_smaller: false,
        }
    }
}

impl BuildOptions {
    /// The options that rebuild a batch with this header, but for the compression level, which no
    /// header tells. An unknown codec becomes none.
    pub fn of(header: &BatchHeader) -> BuildOptions {
        let attributes = header.attributes;
        BuildOptions {
            base_offset: header.base_offset,
            leader_epoch: header.leader_epoch,
            compression: attributes.compression().unwrap_or_default(),
            level: None,
            timestamp_type: attributes.timestamp_type(),
            append_time: header.max_timestamp,
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            transactional: attributes.is_transactional(),
            control: attributes.is_control(),
            delete_horizon: attributes.has_delete_horizon(),
            only_if_smaller: false,
        }
    }

    fn attributes(&self, codec: Compression) -> Attributes {
        let mut bits = codec as i16;
        if self.timestamp_type == TimestampType::LogAppendTime {
            bits |= Attributes::LOG_APPEND_TIME;
        }
        if self.transactional {
            bits |= Attributes::TRANSACTIONAL;
        }
        if self.control {
            bits |= Attributes::CONTROL;
        }
        if self.delete_horizon {
            bits |= Attributes::DELETE_HORIZON;
        }
        Attributes(bits)
    }
}

/// Collects records. The buffer starts with room for the header, so an uncompressed batch is
/// finished in place. `clear` keeps the memory for the next batch.
///
/// A record that would take the batch over 2 GiB is not taken; `finish` then answers MessageTooLarge.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    buffer: Vec<u8>,
    /// The compressed batch, its memory kept from one batch to the next.
    packed: Vec<u8>,
    count: i32,
    /// Delta of the next record from the base offset.
    next_delta: i32,
    /// What timestamp deltas count from; set by the first record or by `begin`.
    base_timestamp: Option<Timestamp>,
    /// -1 until a record has a later one.
    max_timestamp: Option<Timestamp>,
    overflow: bool,
}

impl BatchBuilder {
    pub fn with_capacity(bytes: usize) -> Self {
        BatchBuilder {
            buffer: Vec::with_capacity(bytes),
            ..BatchBuilder::default()
        }
    }

    /// Sets what timestamp deltas count from, before the first record; by default it is the first
    /// record's timestamp. For rebuilding a batch whose first record is gone.
    pub fn begin(&mut self, base_timestamp: Timestamp) {
        assert!(self.count == 0, "begin comes before the first record");
        self.base_timestamp = Some(base_timestamp);
    }

    /// Adds a record at the next offset. A hot path: no allocation beyond the buffer's growth.
    #[inline]
    pub fn push(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        self.push_at(self.next_delta, timestamp, key, value, headers);
    }

    /// Adds a record at `offset_delta` from the base, for compaction and the archive: gaps are
    /// allowed, going back is not (asserted).
    #[inline]
    pub fn push_at(
        &mut self,
        offset_delta: i32,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        let mut headers_bytes = 0;
        for (key, value) in headers {
            headers_bytes += field_len(Some(key)) + field_len(*value);
        }
        let record = (offset_delta, timestamp, key, value);
        if self.write_record(record, headers.len(), headers_bytes) {
            for (key, value) in headers {
                self.write_field(Some(key));
                self.write_field(*value);
            }
        }
    }

    /// Adds a record read from another batch, its headers copied in one piece.
    #[inline]
    pub fn push_view(&mut self, offset_delta: i32, record: &RecordView<'_>) {
        let headers: Headers<'_> = record.headers;
        let parts = (offset_delta, record.timestamp, record.key, record.value);
        if self.write_record(parts, headers.len(), headers.bytes.len()) {
            self.buffer.extend_from_slice(headers.bytes);
        }
    }

    /// Writes all of a record but its headers, for which `headers_bytes` are to follow; `false` when
    /// the batch would become too large.
    #[inline(always)]
    fn write_record(
        &mut self,
        (offset_delta, timestamp, key, value): (i32, Timestamp, Option<&[u8]>, Option<&[u8]>),
        headers: usize,
        headers_bytes: usize,
    ) -> bool {
        assert!(
            offset_delta >= self.next_delta,
            "offset deltas must ascend: {offset_delta} after {}",
            self.next_delta - 1
        );
        let base = *self.base_timestamp.get_or_insert(timestamp);
        let timestamp_delta = timestamp.get().wrapping_sub(base.get());
        let body = 1
            + varint_len(timestamp_delta)
            + varint_len(offset_delta as i64)
            + field_len(key)
            + field_len(value)
            + varint_len(headers as i64)
            + headers_bytes;
        if self.buffer.is_empty() {
            self.buffer.resize(HEADER_BYTES, 0);
        }
        let total = self.buffer.len() + 5 + body;
        if total > i32::MAX as usize || self.count == i32::MAX || offset_delta == i32::MAX {
            self.overflow = true;
            return false;
        }
        // 32 more for the fixed copies of `Prefix`, so that nothing below grows the buffer.
        self.buffer.reserve(5 + body + 32);
        let mut prefix = Prefix::new();
        prefix.varint(body as i64);
        prefix.byte(0);
        prefix.varint(timestamp_delta);
        prefix.varint(offset_delta as i64);
        prefix.varint(key.map_or(-1, |k| k.len() as i64));
        if let Some(key) = key {
            prefix.append_to(&mut self.buffer);
            self.buffer.extend_from_slice(key);
            prefix = Prefix::new();
        }
        prefix.varint(value.map_or(-1, |v| v.len() as i64));
        prefix.append_to(&mut self.buffer);
        self.buffer.extend_from_slice(value.unwrap_or_default());
        self.write_varint(headers as i64);
        self.count += 1;
        self.next_delta = offset_delta + 1;
        self.max_timestamp = self.max_timestamp.max(Some(timestamp));
        true
    }

    #[inline(always)]
    fn write_field(&mut self, field: Option<&[u8]>) {
        self.write_varint(field.map_or(-1, |f| f.len() as i64));
        self.buffer.extend_from_slice(field.unwrap_or_default());
    }

    #[inline(always)]
    fn write_varint(&mut self, value: i64) {
        if (-64..64).contains(&value) {
            self.buffer.push(((value << 1) ^ (value >> 63)) as u8);
            return;
        }
        let mut prefix = Prefix::new();
        prefix.varint(value);
        prefix.append_to(&mut self.buffer);
    }

    /// An upper bound of what [`push`](Self::push) of such a record would add. `headers` is the sum of
    /// the lengths of header keys and values, and 10 for each header.
    pub fn size_bytes_upper(key: usize, value: usize, headers: usize) -> usize {
        // Length 5, attributes 1, timestamp 10, offset 5, and 5 for each of three counts.
        let lengths: usize = 36;
        lengths
            .saturating_add(key)
            .saturating_add(value)
            .saturating_add(headers)
    }

    /// What a batch of this record alone takes, uncompressed. `headers` is one pair each.
    pub fn size_bytes_alone(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) -> usize {
        let fields: usize = headers
            .iter()
            .map(|(key, value)| field_len(Some(key)) + field_len(*value))
            .sum();
        // Attributes, and the deltas of timestamp and offset, both 0.
        let body =
            3 + field_len(key) + field_len(value) + varint_len(headers.len() as i64) + fields;
        HEADER_BYTES + varint_len(body as i64) + body
    }

    pub fn count(&self) -> i32 {
        self.count
    }
    /// How much memory the buffer holds.
    pub fn capacity_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// The size of the batch so far, uncompressed, header included.
    pub fn size_bytes(&self) -> usize {
        self.buffer.len().max(HEADER_BYTES)
    }
    /// What the header's max timestamp will be with CreateTime.
    pub fn max_timestamp(&self) -> Timestamp {
        self.max_timestamp.unwrap_or(Timestamp::NONE)
    }

    /// Writes the header (and compresses). The batch is in the returned slice until the next call.
    /// A batch that does not get smaller by compression is still stored compressed, as Kafka does,
    /// unless the options say otherwise.
    /// Invalid without a record, MessageTooLarge beyond 2 GiB.
    pub fn finish(&mut self, options: &BuildOptions) -> Result<&[u8]> {
        if self.count == 0 && !self.overflow {
            return Err(Error::invalid(
                "a batch needs at least one record: push before finish",
            ));
        }
        let max_timestamp = match options.timestamp_type {
            TimestampType::LogAppendTime => options.append_time,
            TimestampType::CreateTime => self.max_timestamp().max(Timestamp::NONE),
        };
        let base = self.base_timestamp.unwrap_or(Timestamp::NONE);
        self.finish_exact(options, self.next_delta - 1, base, max_timestamp)
    }

    /// As [`finish`](Self::finish), with the header's exact `last_offset_delta` and timestamps
    /// kept, so that a rebuilt batch equals the one it was made from. No record at all is allowed:
    /// compaction leaves such batches to keep a producer's last sequence.
    ///
    /// Call [`begin`](Self::begin) with the same base timestamp first; without it, and when the first
    /// record's timestamp is another, the records are written a second time.
    pub fn finish_exact(
        &mut self,
        options: &BuildOptions,
        last_offset_delta: i32,
        base_timestamp: Timestamp,
        max_timestamp: Timestamp,
    ) -> Result<&[u8]> {
        assert!(
            last_offset_delta >= self.next_delta - 1 && last_offset_delta >= 0,
            "last offset delta {last_offset_delta} is below the last record's"
        );
        if self.count == 0 {
            self.buffer.resize(HEADER_BYTES, 0);
        } else if self.base_timestamp != Some(base_timestamp) {
            self.rebase(base_timestamp)?;
        }
        if self.overflow {
            return Err(Error::coded(
                Code::MessageTooLarge,
                "the batch would be larger than 2 GiB: send smaller records or fewer at once",
            ));
        }
        let codec = match self.count {
            0 => Compression::None,
            _ => options.compression,
        };
        let mut header = BatchHeader {
            base_offset: options.base_offset,
            size_bytes: 0,
            leader_epoch: options.leader_epoch,
            crc: 0,
            attributes: options.attributes(codec),
            last_offset_delta,
            base_timestamp,
            max_timestamp,
            producer_id: options.producer_id,
            producer_epoch: options.producer_epoch,
            base_sequence: options.base_sequence,
            count: self.count,
        };
        if codec == Compression::None {
            header.write(&mut self.buffer);
            return Ok(&self.buffer);
        }
        let plain = self.buffer.get(HEADER_BYTES..).unwrap_or_default();
        self.packed.clear();
        self.packed.resize(HEADER_BYTES, 0);
        compress(codec, options.level, plain, &mut self.packed)?;
        if options.only_if_smaller && self.packed.len() >= self.buffer.len() {
            header.attributes = options.attributes(Compression::None);
            header.write(&mut self.buffer);
            return Ok(&self.buffer);
        }
        header.write(&mut self.packed);
        Ok(&self.packed)
    }

    /// The records so far, offsets counting from 0.
    pub fn records(&self) -> Records<'_> {
        Records::new(
            &self.plain_header(),
            self.buffer.get(HEADER_BYTES..).unwrap_or_default(),
        )
    }

    /// What the records of the buffer are read by.
    fn plain_header(&self) -> BatchHeader {
        BatchHeader {
            base_offset: Offset::ZERO,
            size_bytes: self.buffer.len(),
            leader_epoch: LeaderEpoch::NONE,
            crc: 0,
            attributes: Attributes::default(),
            last_offset_delta: self.next_delta - 1,
            base_timestamp: self.base_timestamp.unwrap_or(Timestamp::NONE),
            max_timestamp: Timestamp::NONE,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: -1,
            count: self.count,
        }
    }

    /// Writes the records anew with deltas from another base timestamp.
    fn rebase(&mut self, base_timestamp: Timestamp) -> Result<()> {
        let header = self.plain_header();
        let old = std::mem::take(&mut self.buffer);
        let overflow = self.overflow;
        self.clear();
        self.overflow = overflow;
        self.begin(base_timestamp);
        for record in Records::new(&header, old.get(HEADER_BYTES..).unwrap_or_default()) {
            let record = record?;
            self.push_view(record.offset.get() as i32, &record);
        }
        Ok(())
    }

    pub fn clear(&mut self) {
        self.buffer.clear();
        self.count = 0;
        self.next_delta = 0;
        self.base_timestamp = None;
        self.max_timestamp = None;
        self.overflow = false;
    }
}

/// What a key, value or header part takes, its length included.
#[inline(always)]
fn field_len(field: Option<&[u8]>) -> usize {
    match field {
        None => 1,
        Some(bytes) => varint_len(bytes.len() as i64) + bytes.len(),
    }
}
