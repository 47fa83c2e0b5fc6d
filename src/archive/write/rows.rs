//! Batches as rows of the archive's columns: the records, and the facts of the batch they came in.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int16Array, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder};

use super::super::arrow::{BatchBytes, Binary, HeaderRows, UTC, Views, internal, push_micros};
use super::super::layout::{C, header_element, schema};
use crate::codec::compression::Compression;
use crate::config::TimestampType;
use crate::error::Result;
use crate::record::{BatchHeader, RecordSpan};
use crate::types::{Offset, Timestamp};

/// A column of one number a row that stays the same over a batch.
type Run<T> = Vec<T>;

/// Rows of the archive under construction.
#[derive(Debug)]
pub(crate) struct ArchiveRows {
    partition: i32,
    rows: usize,
    bytes: usize,
    /// The latest timestamp of all rows ever pushed, and the first offset that has it.
    latest: Option<(Timestamp, Offset)>,
    offsets: Vec<i64>,
    timestamps: (Vec<i64>, NullBufferBuilder),
    keys: Views,
    values: Views,
    headers: HeaderRows,
    timestamp_types: Views,
    leader_epochs: Run<i32>,
    producer_ids: Run<i64>,
    producer_epochs: Run<i16>,
    base_sequences: Run<i32>,
    transactional: BooleanBufferBuilder,
    control: BooleanBufferBuilder,
    aborted: BooleanBufferBuilder,
    compressions: Views,
    base_offsets: Run<i64>,
    last_offsets: Run<i64>,
    base_timestamps: Run<i64>,
    max_timestamps: Run<i64>,
    attributes: Run<i16>,
    record_timestamps: (Vec<i64>, NullBufferBuilder),
    raw_headers: Views,
    raw_batches: Views,
}

/// How a batch is to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags<'a> {
    pub aborted: bool,
    /// The batch's own bytes, kept whole because its rows alone would not give them back.
    pub raw: Option<&'a [u8]>,
}

impl ArchiveRows {
    pub fn new(partition: i32) -> ArchiveRows {
        let numbers = || (Vec::new(), NullBufferBuilder::new(0));
        let views = || Views::with_capacity(0);
        let bits = || BooleanBufferBuilder::new(0);
        ArchiveRows {
            partition,
            rows: 0,
            bytes: 0,
            latest: None,
            offsets: Vec::new(),
            timestamps: numbers(),
            keys: views(),
            values: views(),
            headers: HeaderRows::with_capacity(0),
            timestamp_types: views(),
            leader_epochs: Run::new(),
            producer_ids: Run::new(),
            producer_epochs: Run::new(),
            base_sequences: Run::new(),
            transactional: bits(),
            control: bits(),
            aborted: bits(),
            compressions: views(),
            base_offsets: Run::new(),
            last_offsets: Run::new(),
            base_timestamps: Run::new(),
            max_timestamps: Run::new(),
            attributes: Run::new(),
            record_timestamps: numbers(),
            raw_headers: views(),
            raw_batches: views(),
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Payload bytes behind the rows.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn latest(&self) -> Option<(Timestamp, Offset)> {
        self.latest
    }

    /// Adds all records of a batch.
    pub fn push(&mut self, batch: &BatchBytes, flags: Flags<'_>) -> Result<()> {
        let header = *batch.header();
        let mut count = 0;
        for span in batch.plain.spans() {
            let span = span?;
            self.push_record(batch, &header, &span)?;
            count += 1;
        }
        self.bytes += batch.plain.payload.len();
        self.rows += count;
        self.push_facts(&header, flags.aborted, count);
        if let (Some(raw), 1..) = (flags.raw, count) {
            self.bytes += raw.len();
            self.raw_batches.push_copy(raw)?;
            self.raw_batches.push_nulls(count - 1);
        } else {
            self.raw_batches.push_nulls(count);
        }
        Ok(())
    }

    #[inline]
    fn push_record(
        &mut self,
        batch: &BatchBytes,
        header: &BatchHeader,
        span: &RecordSpan,
    ) -> Result<()> {
        let record = span.view(&batch.plain.payload);
        if self
            .latest
            .is_none_or(|(latest, _)| record.timestamp > latest)
        {
            self.latest = Some((record.timestamp, record.offset));
        }
        self.offsets.push(record.offset.get());
        push_micros(
            &mut self.timestamps.0,
            &mut self.timestamps.1,
            record.timestamp,
        );
        self.keys.push_option(&batch.source, record.key)?;
        self.values.push_option(&batch.source, record.value)?;
        if self.headers.push(&batch.source, &record.headers)? {
            self.raw_headers.push_null();
        } else {
            self.raw_headers.push_copy(record.headers.wire())?;
        }
        let stored = header
            .base_timestamp
            .get()
            .wrapping_add(span.timestamp_delta);
        let told = stored == record.timestamp.get() && micros_tell(record.timestamp);
        let (exact, nulls) = &mut self.record_timestamps;
        exact.push(if told { 0 } else { stored });
        if told {
            nulls.append_null();
        } else {
            nulls.append_non_null();
        }
        Ok(())
    }

    fn push_facts(&mut self, header: &BatchHeader, aborted: bool, count: usize) {
        let attributes = header.attributes;
        fill(&mut self.leader_epochs, header.leader_epoch.get(), count);
        fill(&mut self.producer_ids, header.producer_id.get(), count);
        fill(
            &mut self.producer_epochs,
            header.producer_epoch.get(),
            count,
        );
        fill(&mut self.base_sequences, header.base_sequence, count);
        fill(&mut self.base_offsets, header.base_offset.get(), count);
        fill(&mut self.last_offsets, header.last_offset().get(), count);
        fill(
            &mut self.base_timestamps,
            header.base_timestamp.get(),
            count,
        );
        fill(&mut self.max_timestamps, header.max_timestamp.get(), count);
        fill(&mut self.attributes, attributes.0, count);
        self.transactional
            .append_n(count, attributes.is_transactional());
        self.control.append_n(count, attributes.is_control());
        self.aborted.append_n(count, aborted);
        let kind: &[u8] = match attributes.timestamp_type() {
            TimestampType::CreateTime => b"create",
            TimestampType::LogAppendTime => b"append",
        };
        self.timestamp_types.push_short(kind, count);
        self.compressions
            .push_short(codec_name(attributes.compression()), count);
    }

    /// The rows; empty again afterwards.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(C::COUNT);
        arrays.push(Arc::new(Int32Array::from_value(self.partition, rows)));
        arrays.push(Arc::new(Int64Array::from(std::mem::take(
            &mut self.offsets,
        ))));
        let (micros, nulls) = &mut self.timestamps;
        let micros = TimestampMicrosecondArray::new(std::mem::take(micros).into(), nulls.finish());
        arrays.push(Arc::new(micros.with_timezone(UTC)));
        arrays.push(Arc::new(self.keys.finish_binary()?));
        arrays.push(Arc::new(self.values.finish_binary()?));
        arrays.push(self.headers.finish(header_element(), Binary::View)?);
        arrays.push(Arc::new(self.timestamp_types.finish_string()?));
        arrays.push(Arc::new(Int32Array::from(std::mem::take(
            &mut self.leader_epochs,
        ))));
        arrays.push(Arc::new(Int64Array::from(std::mem::take(
            &mut self.producer_ids,
        ))));
        arrays.push(Arc::new(Int16Array::from(std::mem::take(
            &mut self.producer_epochs,
        ))));
        arrays.push(Arc::new(Int32Array::from(std::mem::take(
            &mut self.base_sequences,
        ))));
        for bits in [
            &mut self.transactional,
            &mut self.control,
            &mut self.aborted,
        ] {
            arrays.push(Arc::new(BooleanArray::new(bits.finish(), None)));
        }
        arrays.push(Arc::new(self.compressions.finish_string()?));
        for numbers in [
            &mut self.base_offsets,
            &mut self.last_offsets,
            &mut self.base_timestamps,
            &mut self.max_timestamps,
        ] {
            arrays.push(Arc::new(Int64Array::from(std::mem::take(numbers))));
        }
        arrays.push(Arc::new(Int16Array::from(std::mem::take(
            &mut self.attributes,
        ))));
        let (exact, nulls) = &mut self.record_timestamps;
        let exact = Int64Array::new(std::mem::take(exact).into(), nulls.finish());
        arrays.push(Arc::new(exact));
        arrays.push(Arc::new(self.raw_headers.finish_binary()?));
        arrays.push(Arc::new(self.raw_batches.finish_binary()?));
        RecordBatch::try_new(schema(), arrays).map_err(internal)
    }
}

#[inline]
fn fill<T: Copy>(run: &mut Run<T>, value: T, count: usize) {
    run.extend(std::iter::repeat_n(value, count));
}

/// Whether microseconds hold this moment: see [`push_micros`].
pub(crate) fn micros_tell(timestamp: Timestamp) -> bool {
    timestamp.get().checked_mul(1000).is_some()
}

fn codec_name(codec: Option<Compression>) -> &'static [u8] {
    codec.map_or(b"unknown", |codec| codec.name().as_bytes())
}
