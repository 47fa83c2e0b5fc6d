//! Rows of a file, one group after the other, and their columns by type.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    Array, BinaryViewArray, Int16Array, Int32Array, Int64Array, PrimitiveArray, RecordBatch,
    StringViewArray, TimestampMicrosecondArray,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::super::layout::C;
use super::file::{ArchiveFile, Place, row_error};
use super::guard::guard;
use crate::config::TimestampType;
use crate::error::{Error, Result};
use crate::record::Attributes;
use crate::types::{Offset, Timestamp};

/// Walks the rows of a file from a place on.
pub(crate) struct RowReader {
    file: Arc<ArchiveFile>,
    columns: Option<Vec<C>>,
    /// Where the next reader starts.
    next: Place,
    reader: Option<ParquetRecordBatchReader>,
}

impl std::fmt::Debug for RowReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowReader({} from {:?})", self.file.place, self.next)
    }
}

impl RowReader {
    /// Of the columns chosen, in the order of the layout; all when `None`.
    pub fn new(file: Arc<ArchiveFile>, from: Place, columns: Option<Vec<C>>) -> RowReader {
        RowReader {
            file,
            columns,
            next: from,
            reader: None,
        }
    }

    /// The next rows, never of two row groups; `None` at the end of the file. After an error the
    /// reader is at its end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(mut reader) = self.reader.take() {
                let place = &self.file.place;
                let got = guard(place, || Ok(reader.next()));
                let got = got.and_then(|got| got.transpose().map_err(|e| row_error(place, e)));
                match got {
                    Ok(Some(rows)) => {
                        self.reader = Some(reader);
                        return Ok(Some(rows));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        self.next.group = usize::MAX;
                        return Err(error);
                    }
                }
            }
            if self.next.group >= self.file.groups() {
                return Ok(None);
            }
            let columns = self.columns.as_deref();
            self.reader = Some(self.file.rows(self.next, usize::MAX >> 1, columns)?);
            self.next = Place {
                group: self.next.group + 1,
                row: 0,
            };
        }
    }
}

/// The columns of rows that batches are rebuilt from.
#[derive(Debug)]
pub(crate) struct BatchRows {
    pub len: usize,
    pub offsets: Int64Array,
    pub timestamps: TimestampMicrosecondArray,
    pub keys: BinaryViewArray,
    pub values: BinaryViewArray,
    /// Where the headers of each row start and end.
    pub header_ends: arrow_buffer::OffsetBuffer<i32>,
    pub header_keys: StringViewArray,
    pub header_values: BinaryViewArray,
    pub leader_epochs: Int32Array,
    pub producer_ids: Int64Array,
    pub producer_epochs: Int16Array,
    pub base_sequences: Int32Array,
    pub base_offsets: Int64Array,
    pub last_offsets: Int64Array,
    pub base_timestamps: Int64Array,
    pub max_timestamps: Int64Array,
    pub attributes: Int16Array,
    pub record_timestamps: Int64Array,
    pub raw_headers: BinaryViewArray,
    pub raw_batches: BinaryViewArray,
}

impl BatchRows {
    /// Of rows read with all columns.
    pub fn of(rows: &RecordBatch, place: &str) -> Result<BatchRows> {
        let typed = Typed { rows, place };
        let headers = typed.column(C::Headers)?;
        let headers = headers
            .as_list_opt::<i32>()
            .ok_or_else(|| typed.wrong(C::Headers))?;
        let pairs = headers.values().as_struct_opt();
        let pairs = pairs
            .filter(|p| p.num_columns() == 2)
            .ok_or_else(|| typed.wrong(C::Headers))?;
        let header_keys = pairs.column(0).as_string_view_opt();
        let header_values = pairs.column(1).as_binary_view_opt();
        Ok(BatchRows {
            len: rows.num_rows(),
            offsets: typed.numbers::<Int64Type>(C::Offset)?,
            timestamps: typed.numbers::<TimestampMicrosecondType>(C::Timestamp)?,
            keys: typed.bytes(C::Key)?,
            values: typed.bytes(C::Value)?,
            header_ends: headers.offsets().clone(),
            header_keys: header_keys.ok_or_else(|| typed.wrong(C::Headers))?.clone(),
            header_values: header_values
                .ok_or_else(|| typed.wrong(C::Headers))?
                .clone(),
            leader_epochs: typed.numbers::<Int32Type>(C::LeaderEpoch)?,
            producer_ids: typed.numbers::<Int64Type>(C::ProducerId)?,
            producer_epochs: typed.numbers::<Int16Type>(C::ProducerEpoch)?,
            base_sequences: typed.numbers::<Int32Type>(C::BaseSequence)?,
            base_offsets: typed.numbers::<Int64Type>(C::BatchBaseOffset)?,
            last_offsets: typed.numbers::<Int64Type>(C::BatchLastOffset)?,
            base_timestamps: typed.numbers::<Int64Type>(C::BatchBaseTimestamp)?,
            max_timestamps: typed.numbers::<Int64Type>(C::BatchMaxTimestamp)?,
            attributes: typed.numbers::<Int16Type>(C::BatchAttributes)?,
            record_timestamps: typed.numbers::<Int64Type>(C::RecordTimestamp)?,
            raw_headers: typed.bytes(C::RawHeaders)?,
            raw_batches: typed.bytes(C::RawBatch)?,
        })
    }

    /// The timestamp that the record at `row` itself has, in milliseconds.
    #[inline]
    pub fn stored_timestamp(&self, row: usize) -> i64 {
        if self.record_timestamps.is_valid(row) {
            self.record_timestamps.value(row)
        } else if self.timestamps.is_valid(row) {
            self.timestamps.value(row).div_euclid(1000)
        } else {
            -1
        }
    }
}

struct Typed<'a> {
    rows: &'a RecordBatch,
    place: &'a str,
}

impl Typed<'_> {
    fn wrong(&self, column: C) -> Error {
        Error::corrupt(format!(
            "{}: column {column:?} has another type",
            self.place
        ))
    }

    fn column(&self, column: C) -> Result<&arrow_array::ArrayRef> {
        self.rows
            .columns()
            .get(column as usize)
            .ok_or_else(|| self.wrong(column))
    }

    fn numbers<T: ArrowPrimitiveType>(&self, column: C) -> Result<PrimitiveArray<T>> {
        let typed = self.column(column)?.as_primitive_opt::<T>();
        typed.cloned().ok_or_else(|| self.wrong(column))
    }

    fn bytes(&self, column: C) -> Result<BinaryViewArray> {
        let typed = self.column(column)?.as_binary_view_opt();
        typed.cloned().ok_or_else(|| self.wrong(column))
    }
}

/// The columns that say when a record was.
#[derive(Debug)]
pub(crate) struct TimeRows {
    offsets: Int64Array,
    micros: TimestampMicrosecondArray,
    batch_max: Int64Array,
    attributes: Int16Array,
    exact: Int64Array,
}

impl TimeRows {
    /// Of rows read with just these columns, in the layout's order.
    pub fn of(rows: &RecordBatch, place: &str) -> Result<TimeRows> {
        let column = |at: usize| rows.columns().get(at);
        let wrong = || Error::corrupt(format!("{place}: a column has another type"));
        let numbers = |at: usize| column(at).and_then(|c| c.as_primitive_opt::<Int64Type>());
        let micros = column(1).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let attributes = column(3).and_then(|c| c.as_primitive_opt::<Int16Type>());
        Ok(TimeRows {
            offsets: numbers(0).ok_or_else(wrong)?.clone(),
            micros: micros.ok_or_else(wrong)?.clone(),
            batch_max: numbers(2).ok_or_else(wrong)?.clone(),
            attributes: attributes.ok_or_else(wrong)?.clone(),
            exact: numbers(4).ok_or_else(wrong)?.clone(),
        })
    }

    /// The timestamp that readers see, in milliseconds.
    pub fn timestamp(&self, row: usize) -> i64 {
        let append = Attributes(self.attributes.value(row)).timestamp_type();
        if append == TimestampType::LogAppendTime {
            self.batch_max.value(row)
        } else if self.exact.is_valid(row) {
            self.exact.value(row)
        } else if self.micros.is_valid(row) {
            self.micros.value(row).div_euclid(1000)
        } else {
            -1
        }
    }

    pub fn first_at(&self, timestamp: Timestamp) -> Option<(Offset, Timestamp)> {
        let mut rows = 0..self.offsets.len();
        let row = rows.find(|row| self.timestamp(*row) >= timestamp.get())?;
        Some((
            Offset(self.offsets.value(row)),
            Timestamp(self.timestamp(row)),
        ))
    }
}
