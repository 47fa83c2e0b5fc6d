//! The columns of one record batch, as records to send.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use super::cells::Cells;
use super::headers::HeaderColumn;
use super::plain::{convert, plain};
use crate::embedded::{Bulk, Message, Producer};
use crate::error::{Error, Result};
use crate::types::Timestamp;

/// Columns that are sent.
const SENT: [&str; 4] = ["value", "key", "timestamp", "headers"];

/// Columns that scans and polls have too. They say where a record was, not where it goes.
const PLACES: [&str; 3] = ["topic", "partition", "offset"];

/// The rows of one record batch: column `value`, and if wanted `key`, `timestamp`, `headers`.
/// For those who wait for room in their own way; others call [`Producer::send_arrow`].
#[derive(Debug)]
pub struct Rows {
    count: usize,
    values: Cells,
    keys: Option<Cells>,
    timestamps: Option<Int64Array>,
    partitions: Option<Int64Array>,
    headers: Option<HeaderColumn>,
}

/// How far [`Rows::send`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The first row that is not sent.
    pub next: usize,
    /// This lane had no room for it: see [`Producer::make_room`].
    pub full: Option<usize>,
}

impl Rows {
    /// With `keep_partitions` a record goes to the partition that the column of this name says, and
    /// by its key where that is null.
    ///
    /// Errors: Invalid (a column is missing, unknown, or of a type that does not fit).
    pub fn open(batch: &RecordBatch, keep_partitions: bool) -> Result<Rows> {
        let schema = batch.schema();
        let is_known = |name: &str| SENT.contains(&name) || PLACES.contains(&name);
        if let Some(other) = schema.fields().iter().find(|f| !is_known(f.name())) {
            return Err(Error::invalid(format!(
                "column {:?} is none of value, key, timestamp, headers, partition: leave it out, or rename it",
                other.name()
            )));
        }
        let partition = batch.column_by_name("partition");
        if keep_partitions && partition.is_none() {
            return Err(Error::invalid(
                "keep_partitions: there is no column \"partition\"",
            ));
        }
        let values = batch
            .column_by_name("value")
            .ok_or_else(|| Error::invalid("there is no column \"value\": name the values so"))?;
        let bytes = |name: &str| {
            let column = batch.column_by_name(name);
            column
                .map(Cells::open)
                .transpose()
                .map_err(|e| e.at(format_args!("column {name:?}")))
        };
        Ok(Rows {
            count: batch.num_rows(),
            values: Cells::open(values).map_err(|e| e.at("column \"value\""))?,
            keys: bytes("key")?,
            timestamps: batch.column_by_name("timestamp").map(millis).transpose()?,
            partitions: partition
                .filter(|_| keep_partitions)
                .map(integers)
                .transpose()?,
            headers: batch
                .column_by_name("headers")
                .map(HeaderColumn::open)
                .transpose()?,
        })
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Sends the rows of `range` into `bulk`, until its end or until a lane is full. Never waits.
    ///
    /// Errors: those of [`Producer::send`], Timeout aside; the rows before stay sent.
    pub fn send(
        &self,
        producer: &Producer,
        topic: &str,
        range: Range<usize>,
        bulk: &mut Bulk,
    ) -> Result<Reached> {
        let writer = producer.topic(topic)?;
        let end = range.end.min(self.count);
        let mut headers = Vec::new();
        for row in range.start..end {
            headers.clear();
            if let Some(column) = &self.headers {
                column.row(row, &mut headers)?;
            }
            let message = Message {
                partition: self.partition(row)?,
                key: self.keys.as_ref().and_then(|k| k.get(row)),
                value: self.values.get(row),
                headers: &headers,
                timestamp: number(self.timestamps.as_ref(), row).map(Timestamp),
            };
            if let Some(lane) = producer.offer(&writer, message, bulk)? {
                return Ok(Reached {
                    next: row,
                    full: Some(lane),
                });
            }
        }
        Ok(Reached {
            next: end,
            full: None,
        })
    }

    fn partition(&self, row: usize) -> Result<Option<i32>> {
        let found = number(self.partitions.as_ref(), row);
        let fits = |p| {
            i32::try_from(p).map_err(|_| Error::invalid(format!("partition {p} is no partition")))
        };
        found.map(fits).transpose()
    }
}

fn number(column: Option<&Int64Array>, row: usize) -> Option<i64> {
    let column = column?;
    column.is_valid(row).then(|| column.value(row))
}

fn integers(column: &ArrayRef) -> Result<Int64Array> {
    let column = plain(column)?;
    if !column.data_type().is_integer() && !column.data_type().is_null() {
        return Err(Error::invalid(format!(
            "column \"partition\" is {}, it must be integers",
            column.data_type()
        )));
    }
    as_int64(&column, "partition")
}

/// Timestamps of any unit, dates, and integers of milliseconds, as milliseconds.
fn millis(column: &ArrayRef) -> Result<Int64Array> {
    let column = plain(column)?;
    match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let wanted = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
            as_int64(&convert(&column, &wanted)?, "timestamp")
        }
        DataType::Date32 | DataType::Date64 => {
            let wanted = DataType::Timestamp(TimeUnit::Millisecond, None);
            as_int64(&convert(&column, &wanted)?, "timestamp")
        }
        kind if kind.is_integer() || kind.is_null() => as_int64(&column, "timestamp"),
        other => Err(Error::invalid(format!(
            "column \"timestamp\" is {other}, it must be timestamps or integers of milliseconds"
        ))),
    }
}

fn as_int64(column: &ArrayRef, name: &str) -> Result<Int64Array> {
    let wide =
        convert(column, &DataType::Int64).map_err(|e| e.at(format_args!("column {name:?}")))?;
    Ok(wide.as_primitive::<Int64Type>().clone())
}
