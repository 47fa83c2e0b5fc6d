//! Rows back into the batches that they came from.

use std::sync::Arc;

use arrow_array::Array;
use bytes::Bytes;

use super::file::{ArchiveFile, Place};
use super::rows::{BatchRows, RowReader};
use crate::codec::compression::Compression;
use crate::error::{Error, Result};
use crate::record::{
    Attributes, BatchBuilder, BatchHeader, BatchView, BuildOptions, HEADER_BYTES, Headers,
    RecordView,
};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

/// What batches are rebuilt for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// To be served: compressed with their own codec.
    Wire,
    /// To be compared: never compressed.
    Plain,
}

/// A batch rebuilt.
#[derive(Clone, Debug)]
pub(crate) struct Rebuilt {
    pub base_offset: Offset,
    pub next_offset: Offset,
    /// As it was before, with its codec, also where the bytes are not compressed.
    pub attributes: Attributes,
    pub bytes: Bytes,
}

/// Walks a file's rows and gives batch after batch, those without records included.
#[derive(Debug)]
pub(crate) struct Rebuilder {
    file: Arc<ArchiveFile>,
    form: Form,
    reader: RowReader,
    rows: Option<BatchRows>,
    /// The next row of `rows`.
    row: usize,
    /// How many of the file's empty batches were given.
    empty: usize,
    /// A batch that waits for the empty ones before it.
    waiting: Option<Rebuilt>,
    builder: BatchBuilder,
    /// The batch under construction: its header, without size and checksum.
    open: Option<BatchHeader>,
    /// The least delta that its next record may have.
    delta_min: i32,
    /// The batch's own bytes, where they were kept.
    raw: Option<Bytes>,
}

impl Rebuilder {
    /// Starts at `from`, which is the first row of a batch, leaving out empty batches below `least`.
    pub fn new(
        file: Arc<ArchiveFile>,
        from: Option<Place>,
        least: Offset,
        form: Form,
    ) -> Rebuilder {
        let end = Place {
            group: usize::MAX,
            row: 0,
        };
        let base = |header: &[u8; HEADER_BYTES]| next_offset(header) <= least;
        let empty = file.empty.partition_point(base);
        Rebuilder {
            reader: RowReader::new(file.clone(), from.unwrap_or(end), None),
            file,
            form,
            rows: None,
            row: 0,
            empty,
            waiting: None,
            builder: BatchBuilder::default(),
            open: None,
            delta_min: 0,
            raw: None,
        }
    }

    /// The next batch; `None` at the end of the file. After an error it must not be used again.
    pub fn next(&mut self) -> Result<Option<Rebuilt>> {
        let batch = match self.waiting.take() {
            Some(batch) => Some(batch),
            None => self.next_with_rows()?,
        };
        let Some(header) = self.file.empty.get(self.empty) else {
            return Ok(batch);
        };
        let empty = BatchHeader::parse(header)?;
        match batch {
            Some(batch) if batch.base_offset < empty.base_offset => Ok(Some(batch)),
            later => {
                self.waiting = later;
                self.empty += 1;
                Ok(Some(Rebuilt {
                    base_offset: empty.base_offset,
                    next_offset: empty.next_offset(),
                    attributes: empty.attributes,
                    bytes: Bytes::copy_from_slice(header),
                }))
            }
        }
    }

    fn next_with_rows(&mut self) -> Result<Option<Rebuilt>> {
        loop {
            if self.rows.as_ref().is_none_or(|rows| self.row >= rows.len) {
                let Some(read) = self.reader.next()? else {
                    return self.finish();
                };
                self.rows = Some(BatchRows::of(&read, &self.file.place)?);
                self.row = 0;
                continue;
            }
            let Some(rows) = self.rows.take() else {
                continue;
            };
            let done = self.take_rows(&rows);
            self.rows = Some(rows);
            if let Some(batch) = done? {
                return Ok(Some(batch));
            }
        }
    }

    /// Takes rows of one batch; gives the batch before when another one starts.
    fn take_rows(&mut self, rows: &BatchRows) -> Result<Option<Rebuilt>> {
        let base = rows.base_offsets.value(self.row);
        match &self.open {
            Some(open) if open.base_offset.get() == base => {}
            Some(_) => return self.finish(),
            None => self.begin(rows)?,
        }
        let mut end = self.row + 1;
        while end < rows.len && rows.base_offsets.value(end) == base {
            end += 1;
        }
        if self.raw.is_none() {
            self.add(rows, end)?;
        }
        self.row = end;
        let last = self.open.as_ref().map(|open| open.last_offset().get());
        if last == Some(rows.offsets.value(end - 1)) {
            return self.finish();
        }
        Ok(None)
    }

    fn damaged(&self, offset: i64, what: &str) -> Error {
        Error::corrupt(format!("{}: offset {offset}: {what}", self.file.place))
    }

    fn begin(&mut self, rows: &BatchRows) -> Result<()> {
        let row = self.row;
        let base = rows.base_offsets.value(row);
        let delta = rows.last_offsets.value(row).checked_sub(base);
        let delta = delta
            .and_then(|d| i32::try_from(d).ok())
            .filter(|d| *d >= 0);
        let Some(last_offset_delta) = delta.filter(|_| base >= 0) else {
            return Err(self.damaged(base, "the batch's offsets make no sense"));
        };
        let header = BatchHeader {
            base_offset: Offset(base),
            size_bytes: 0,
            leader_epoch: LeaderEpoch(rows.leader_epochs.value(row)),
            crc: 0,
            attributes: Attributes(rows.attributes.value(row)),
            last_offset_delta,
            base_timestamp: Timestamp(rows.base_timestamps.value(row)),
            max_timestamp: Timestamp(rows.max_timestamps.value(row)),
            producer_id: ProducerId(rows.producer_ids.value(row)),
            producer_epoch: ProducerEpoch(rows.producer_epochs.value(row)),
            base_sequence: rows.base_sequences.value(row),
            count: 0,
        };
        self.raw = None;
        if rows.raw_batches.is_valid(row) {
            self.raw = Some(self.checked_raw(rows.raw_batches.value(row), &header)?);
        } else if header.attributes.compression().is_none() {
            return Err(self.damaged(base, "the batch's codec is unknown"));
        }
        self.builder.clear();
        self.builder.begin(header.base_timestamp);
        self.delta_min = 0;
        self.open = Some(header);
        Ok(())
    }

    fn checked_raw(&self, bytes: &[u8], header: &BatchHeader) -> Result<Bytes> {
        let view = BatchView::parse(bytes)?;
        view.check_crc()?;
        let same = view.header().base_offset == header.base_offset
            && view.header().last_offset_delta == header.last_offset_delta
            && view.bytes().len() == bytes.len();
        if !same {
            return Err(self.damaged(header.base_offset.get(), "the kept batch is another one"));
        }
        Ok(Bytes::copy_from_slice(bytes))
    }

    /// Adds the rows up to `end` to the open batch.
    fn add(&mut self, rows: &BatchRows, end: usize) -> Result<()> {
        let Some(open) = self.open else {
            return Err(Error::internal("rows without a batch"));
        };
        let base = open.base_offset.get();
        let mut delta_min = self.delta_min;
        let mut pairs: Vec<(&[u8], Option<&[u8]>)> = Vec::new();
        for row in self.row..end {
            let offset = rows.offsets.value(row);
            let delta = offset.checked_sub(base).and_then(|d| i32::try_from(d).ok());
            let in_order = |d: &i32| (delta_min..=open.last_offset_delta).contains(d);
            let Some(delta) = delta.filter(in_order) else {
                return Err(self.damaged(offset, "the record is outside its batch or out of order"));
            };
            delta_min = delta.saturating_add(1);
            let timestamp = Timestamp(rows.stored_timestamp(row));
            let key = rows.keys.is_valid(row).then(|| rows.keys.value(row));
            let value = rows.values.is_valid(row).then(|| rows.values.value(row));
            if rows.raw_headers.is_valid(row) {
                let headers = raw_headers(rows, row);
                let headers = headers.ok_or_else(|| self.damaged(offset, "headers are damaged"))?;
                self.builder.push_view(
                    delta,
                    &RecordView {
                        offset: Offset(offset),
                        timestamp,
                        key,
                        value,
                        headers,
                    },
                );
                continue;
            }
            let found = headers(rows, row, &mut pairs);
            found.ok_or_else(|| self.damaged(offset, "headers are damaged"))?;
            self.builder.push_at(delta, timestamp, key, value, &pairs);
        }
        self.delta_min = delta_min;
        Ok(())
    }

    /// The open batch, complete.
    fn finish(&mut self) -> Result<Option<Rebuilt>> {
        let Some(open) = self.open.take() else {
            return Ok(None);
        };
        let bytes = match self.raw.take() {
            Some(raw) => raw,
            None => {
                let mut options = BuildOptions::of(&open);
                if self.form == Form::Plain {
                    options.compression = Compression::None;
                }
                let built = self.builder.finish_exact(
                    &options,
                    open.last_offset_delta,
                    open.base_timestamp,
                    open.max_timestamp,
                )?;
                Bytes::copy_from_slice(built)
            }
        };
        self.builder.clear();
        Ok(Some(Rebuilt {
            base_offset: open.base_offset,
            next_offset: open.next_offset(),
            attributes: open.attributes,
            bytes,
        }))
    }
}

fn next_offset(header: &[u8; HEADER_BYTES]) -> Offset {
    // Parsed once when the file was opened.
    BatchHeader::parse(header).map_or(Offset::ZERO, |h| h.next_offset())
}

/// The headers of a row into `pairs`; `None` when the list points outside.
fn headers<'a>(
    rows: &'a BatchRows,
    row: usize,
    pairs: &mut Vec<(&'a [u8], Option<&'a [u8]>)>,
) -> Option<()> {
    pairs.clear();
    let start = *rows.header_ends.get(row)? as usize;
    let end = *rows.header_ends.get(row + 1)? as usize;
    if start == end {
        return Some(());
    }
    if end > rows.header_keys.len() || end > rows.header_values.len() {
        return None;
    }
    for at in start..end {
        let value = rows
            .header_values
            .is_valid(at)
            .then(|| rows.header_values.value(at));
        pairs.push((rows.header_keys.value(at).as_bytes(), value));
    }
    Some(())
}

/// The headers of a row in their wire form, walked once so that nothing damaged gets into a batch.
fn raw_headers(rows: &BatchRows, row: usize) -> Option<Headers<'_>> {
    let start = *rows.header_ends.get(row)?;
    let end = *rows.header_ends.get(row + 1)?;
    let count = u32::try_from(end - start).ok()?;
    Headers::checked(rows.raw_headers.value(row), count)
}
