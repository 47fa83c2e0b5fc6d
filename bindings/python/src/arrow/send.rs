//! `send_arrow`: the rows of an Arrow stream as records, without the interpreter lock.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use levada::embedded::{Bulk, Message, Producer};
use levada::types::Timestamp;
use levada::{Error, Result};
use pyo3::prelude::*;

use super::cells::Cells;
use super::headers::HeaderColumn;
use super::import::{Incoming, arrow_error};
use super::plain::{convert, plain};
use crate::enter::enter;
use crate::errors::OrRaise;
use crate::sending::{Step, offer};

/// After this many rows Ctrl-C is looked for.
const ROWS_IN_A_STEP: usize = 1 << 16;

/// Columns that are sent.
const SENT: [&str; 4] = ["value", "key", "timestamp", "headers"];

/// Columns that scans and polls have too. They say where a record was, not where it goes.
const PLACES: [&str; 3] = ["topic", "partition", "offset"];

/// The rows of Arrow data, and how far they are sent.
pub struct ArrowRows {
    incoming: Incoming,
    /// The column `partition` says where a record goes.
    keep_partitions: bool,
    /// The batch that is being sent, and its first row that is not.
    current: Option<(Rows, usize)>,
}

impl ArrowRows {
    pub fn open(data: &Bound<'_, PyAny>, keep_partitions: bool) -> PyResult<ArrowRows> {
        Ok(ArrowRows {
            incoming: Incoming::open(data)?,
            keep_partitions,
            current: None,
        })
    }

    /// Takes the next batch when there is none, and sends some of its rows.
    pub fn step(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        topic: &str,
        bulk: &mut Bulk,
    ) -> PyResult<Step> {
        if self.current.is_none() {
            let Some(batch) = self.next_batch(py)? else {
                return Ok(Step::Done);
            };
            let rows = enter(py, || Rows::open(&batch, self.keep_partitions))?;
            self.current = Some((rows, 0));
        }
        let Some((rows, next)) = &mut self.current else {
            return Ok(Step::More);
        };
        let until = rows.count.min(*next + ROWS_IN_A_STEP);
        let (reached, full) = enter(py, || rows.send(producer, topic, *next..until, bulk))?;
        *next = reached;
        if *next == rows.count {
            self.current = None;
        }
        Ok(full.map_or(Step::More, Step::Full))
    }

    fn next_batch(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        match std::mem::replace(&mut self.incoming, Incoming::End) {
            Incoming::One(array) => as_batch(&array).map(Some).or_raise(),
            // A stream made in Python takes the interpreter lock itself while it gives a batch.
            Incoming::Stream(mut stream) => {
                let batch = py.detach(|| stream.next());
                self.incoming = Incoming::Stream(stream);
                batch.transpose().map_err(arrow_error)
            }
            Incoming::End => Ok(None),
        }
    }
}

fn as_batch(array: &ArrayRef) -> Result<RecordBatch> {
    match array.as_struct_opt() {
        Some(columns) => Ok(RecordBatch::from(columns.clone())),
        None => Err(Error::invalid(
            "an Arrow array without columns: give a table or a record batch, or use send_many",
        )),
    }
}

/// The columns of one record batch.
struct Rows {
    count: usize,
    values: Cells,
    keys: Option<Cells>,
    timestamps: Option<Int64Array>,
    partitions: Option<Int64Array>,
    headers: Option<HeaderColumn>,
}

impl Rows {
    fn open(batch: &RecordBatch, keep_partitions: bool) -> Result<Rows> {
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

    /// Sends rows until the end, or until a lane is full; gives the first row that was not sent.
    fn send(
        &self,
        producer: &Producer,
        topic: &str,
        range: std::ops::Range<usize>,
        bulk: &mut Bulk,
    ) -> Result<(usize, Option<usize>)> {
        let writer = producer.topic(topic)?;
        let mut headers = Vec::new();
        for row in range.clone() {
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
            if let Some(lane) = offer(producer, &writer, message, bulk)? {
                return Ok((row, Some(lane)));
            }
        }
        Ok((range.end, None))
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
