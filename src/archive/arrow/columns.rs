//! Rows of records gathered into arrays, one push a record, nothing allocated a record.

use std::sync::Arc;

use arrow_array::builder::GenericByteBuilder;
use arrow_array::types::{
    BinaryType, ByteArrayType, ByteViewType, LargeBinaryType, LargeUtf8Type, Utf8Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, GenericByteViewArray, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringViewArray, TimestampMicrosecondArray,
};
use arrow_buffer::{ArrowNativeType, NullBufferBuilder};
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::convert::Window;
use super::headers::HeaderRows;
use super::schema::{Binary, Column, Columns, UTC, header_element};
use super::views::{Source, Views, internal};
use crate::error::{Error, Result};
use crate::record::{BatchHeader, Batches, PlainRecords, Records};
use crate::types::Timestamp;

/// The largest batch that is decompressed: beyond it, it is a bomb.
pub(crate) const PLAIN_BATCH_BYTES_MAX: usize = 1 << 30;

/// One batch with its records as plain bytes, and the source that values are slices of.
#[derive(Debug)]
pub(crate) struct BatchBytes {
    pub source: Source,
    pub plain: PlainRecords,
}

impl BatchBytes {
    pub fn header(&self) -> &BatchHeader {
        &self.plain.header
    }
    pub fn records(&self) -> Records<'_> {
        self.plain.records()
    }
}

/// Walks the batches of a chunk. Batches that are not compressed share the chunk as their source.
#[derive(Debug)]
pub(crate) struct Chunked {
    chunk: Source,
    position: usize,
    /// The number of the next source.
    next: u64,
}

impl Chunked {
    /// `first` and all numbers after it tell this chunk's sources from others.
    pub fn new(bytes: Bytes, first: u64) -> Chunked {
        let chunk = Source {
            bytes,
            number: first,
        };
        Chunked {
            chunk,
            position: 0,
            next: first + 1,
        }
    }

    /// The number after the last one used.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The next batch's header without opening it, and how to: `None` at the end, also when the last
    /// batch is cut short.
    pub fn peek(&self) -> Result<Option<BatchHeader>> {
        let rest = self.chunk.bytes.get(self.position..).unwrap_or_default();
        match Batches::new(rest).next() {
            None => Ok(None),
            Some(view) => Ok(Some(*view?.header())),
        }
    }

    /// Passes over the batch that `peek` showed.
    pub fn skip(&mut self, header: &BatchHeader) {
        self.position += header.size_bytes;
    }

    /// Opens the batch that `peek` showed, and passes over it.
    pub fn open(&mut self, header: &BatchHeader) -> Result<BatchBytes> {
        let end = self.position + header.size_bytes;
        if end > self.chunk.bytes.len() {
            return Err(Error::internal("a batch was opened that is not whole"));
        }
        let batch = self.chunk.bytes.slice(self.position..end);
        self.position = end;
        let plain = PlainRecords::open(&batch, PLAIN_BATCH_BYTES_MAX)?;
        let compressed = header.attributes.0 & 7 != 0;
        let source = if compressed {
            self.next += 1;
            Source {
                bytes: plain.payload.clone(),
                number: self.next - 1,
            }
        } else {
            self.chunk.clone()
        };
        Ok(BatchBytes { source, plain })
    }
}

/// Columns under construction.
#[derive(Debug)]
pub(crate) struct RowColumns {
    schema: SchemaRef,
    columns: Columns,
    binary: Binary,
    partition: i32,
    rows: usize,
    bytes: usize,
    offsets: Option<Vec<i64>>,
    timestamps: Option<(Vec<i64>, NullBufferBuilder)>,
    keys: Option<Views>,
    values: Option<Views>,
    headers: Option<HeaderRows>,
}

impl RowColumns {
    pub fn new(partition: i32, columns: &Columns, binary: Binary) -> RowColumns {
        let some = |column| columns.has(column).then_some(());
        RowColumns {
            schema: columns.schema(binary),
            columns: columns.clone(),
            binary,
            partition,
            rows: 0,
            bytes: 0,
            offsets: some(Column::Offset).map(|()| Vec::new()),
            timestamps: some(Column::Timestamp).map(|()| (Vec::new(), NullBufferBuilder::new(0))),
            keys: some(Column::Key).map(|()| Views::with_capacity(0)),
            values: some(Column::Value).map(|()| Views::with_capacity(0)),
            headers: some(Column::Headers).map(|()| HeaderRows::with_capacity(0)),
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Payload bytes behind the rows gathered.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether rows can be counted from headers, without opening batches.
    pub fn counts_only(&self) -> bool {
        self.offsets.is_none()
            && self.timestamps.is_none()
            && self.keys.is_none()
            && self.values.is_none()
            && self.headers.is_none()
    }

    /// Adds `count` rows when [`counts_only`](Self::counts_only).
    pub fn push_count(&mut self, count: usize) {
        self.rows += count;
    }

    /// Adds the records of `batch` that lie in `window`.
    pub fn push(&mut self, batch: &BatchBytes, window: &Window) -> Result<()> {
        let whole = window.holds_offsets_of(batch.header()) && !window.has_times();
        self.bytes += batch.plain.payload.len();
        for record in batch.records() {
            let record = record?;
            if !whole && !window.holds(record.offset, record.timestamp) {
                if record.offset >= window.until {
                    break;
                }
                continue;
            }
            self.rows += 1;
            if let Some(offsets) = &mut self.offsets {
                offsets.push(record.offset.get());
            }
            if let Some((micros, nulls)) = &mut self.timestamps {
                push_micros(micros, nulls, record.timestamp);
            }
            if let Some(keys) = &mut self.keys {
                keys.push_option(&batch.source, record.key)?;
            }
            if let Some(values) = &mut self.values {
                values.push_option(&batch.source, record.value)?;
            }
            if let Some(headers) = &mut self.headers {
                headers.push(&batch.source, &record.headers)?;
            }
        }
        Ok(())
    }

    /// The rows as one batch; empty again afterwards.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let columns = self.columns.clone();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(6);
        for column in columns.iter() {
            arrays.push(self.finish_column(column, rows)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map_err(internal)
    }

    fn finish_column(&mut self, column: Column, rows: usize) -> Result<ArrayRef> {
        let missing = || Error::internal(format!("column {} was not gathered", column.name()));
        Ok(match column {
            Column::Partition => Arc::new(Int32Array::from_value(self.partition, rows)),
            Column::Offset => {
                let offsets = self.offsets.as_mut().ok_or_else(missing)?;
                Arc::new(Int64Array::from(std::mem::take(offsets)))
            }
            Column::Timestamp => {
                let (micros, nulls) = self.timestamps.as_mut().ok_or_else(missing)?;
                let (micros, nulls) = (std::mem::take(micros), nulls.finish());
                let array = TimestampMicrosecondArray::new(micros.into(), nulls);
                Arc::new(array.with_timezone(UTC))
            }
            Column::Key => {
                let views = self.keys.as_mut().ok_or_else(missing)?.finish_binary()?;
                as_asked(views, self.binary)?
            }
            Column::Value => {
                let views = self.values.as_mut().ok_or_else(missing)?.finish_binary()?;
                as_asked(views, self.binary)?
            }
            Column::Headers => self
                .headers
                .as_mut()
                .ok_or_else(missing)?
                .finish(header_element(self.binary), self.binary)?,
        })
    }
}

/// Milliseconds as microseconds: what lies beyond the year 294,246 stays at the end of the range, and
/// "no timestamp" is null.
#[inline]
pub(crate) fn push_micros(micros: &mut Vec<i64>, nulls: &mut NullBufferBuilder, ms: Timestamp) {
    if ms == Timestamp::NONE {
        micros.push(0);
        nulls.append_null();
    } else {
        micros.push(ms.get().saturating_mul(1000));
        nulls.append_non_null();
    }
}

/// Bytes as they are asked for: copied into one run where views are not wanted.
pub(crate) fn as_asked(views: BinaryViewArray, binary: Binary) -> Result<ArrayRef> {
    match binary {
        Binary::View => Ok(Arc::new(views)),
        Binary::Small => copied::<_, BinaryType>(&views),
        Binary::Large => copied::<_, LargeBinaryType>(&views),
    }
}

/// The same for text.
pub(crate) fn as_asked_text(views: StringViewArray, binary: Binary) -> Result<ArrayRef> {
    match binary {
        Binary::View => Ok(Arc::new(views)),
        Binary::Small => copied::<_, Utf8Type>(&views),
        Binary::Large => copied::<_, LargeUtf8Type>(&views),
    }
}

fn copied<V, B>(views: &GenericByteViewArray<V>) -> Result<ArrayRef>
where
    V: ByteViewType,
    V::Native: AsRef<V::Native>,
    B: ByteArrayType<Native = V::Native>,
{
    let bytes: usize = views.views().iter().map(|v| *v as u32 as usize).sum();
    if B::Offset::from_usize(bytes).is_none() {
        return Err(Error::invalid(
            "more than 2 GiB of values in one batch of type Binary: ask for LargeBinary or BinaryView",
        ));
    }
    let mut copy = GenericByteBuilder::<B>::with_capacity(views.len(), bytes);
    views.iter().for_each(|value| copy.append_option(value));
    Ok(Arc::new(copy.finish()))
}
