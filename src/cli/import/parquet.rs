//! Parquet files, whatever columns they have.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::Value;

use super::row::{Row, Rows};
use crate::cli::{base64, input};
use crate::error::{Error, Result};

pub struct Parquet {
    reader: ParquetRecordBatchReader,
    path: PathBuf,
    /// Each column as one of the four kinds that JSON can say.
    columns: Vec<(String, ArrayRef)>,
    row: usize,
    rows: usize,
    /// Rows of the batches before.
    before: usize,
}

impl Parquet {
    pub fn open(path: &Path) -> Result<Parquet> {
        let wrong = |e| Error::corrupt(format!("{}: no Parquet: {e}", path.display()));
        let builder = ParquetRecordBatchReaderBuilder::try_new(input::open(path)?);
        Ok(Parquet {
            reader: builder.and_then(|b| b.build()).map_err(wrong)?,
            path: path.to_owned(),
            columns: Vec::new(),
            row: 0,
            rows: 0,
            before: 0,
        })
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let wrong = |e| Error::invalid(format!("{}: {e}", self.path.display()));
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let kind = kind(array.data_type());
            let array = match &kind {
                Some(kind) => cast(array, kind).map_err(wrong)?,
                None => array.clone(),
            };
            columns.push((field.name().clone(), array));
        }
        self.columns = columns;
        self.before += self.rows;
        (self.row, self.rows) = (0, batch.num_rows());
        Ok(())
    }
}

impl Rows for Parquet {
    fn next(&mut self) -> Result<Option<Row>> {
        while self.row == self.rows {
            let Some(batch) = self.reader.next() else {
                return Ok(None);
            };
            let wrong = |e| Error::corrupt(format!("{}: {e}", self.path.display()));
            self.take(&batch.map_err(wrong)?)?;
        }
        let mut row = Row::new();
        for (name, array) in &self.columns {
            row.insert(name.clone(), value(array, self.row)?);
        }
        self.row += 1;
        Ok(Some(row))
    }

    fn place(&self) -> String {
        format!("{}, row {}", self.path.display(), self.before + self.row)
    }
}

/// What a column is read as; `None`: as it is.
fn kind(from: &DataType) -> Option<DataType> {
    use DataType::*;
    match from {
        Boolean | Null => None,
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => Some(Int64),
        Float16 | Float32 | Float64 => Some(Float64),
        Timestamp(..) => Some(Timestamp(TimeUnit::Millisecond, None)),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => Some(LargeBinary),
        _ => Some(LargeUtf8),
    }
}

/// A moment is milliseconds since 1970, as in records.
fn value(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Timestamp(..) => array
            .as_primitive::<TimestampMillisecondType>()
            .value(row)
            .into(),
        DataType::LargeBinary => {
            let bytes = array.as_binary::<i64>().value(row);
            match std::str::from_utf8(bytes) {
                Ok(text) => text.into(),
                Err(_) => base64::encode(bytes).into(),
            }
        }
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        other => return Err(Error::internal(format!("a column of type {other}"))),
    })
}
