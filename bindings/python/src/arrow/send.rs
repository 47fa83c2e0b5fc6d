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
use crate::many::offer;
use crate::producer::make_room;

/// After this many rows Ctrl-C is looked for.
const ROWS_BETWEEN_SIGNALS: usize = 1 << 16;

const KNOWN: [&str; 5] = ["value", "key", "timestamp", "headers", "partition"];

pub fn send_stream(
    py: Python<'_>,
    producer: &Producer,
    topic: &str,
    data: &Bound<'_, PyAny>,
) -> PyResult<Bulk> {
    let mut bulk = Bulk::default();
    match Incoming::open(data)? {
        Incoming::One(array) => {
            let batch = as_batch(&array).map_err(crate::errors::to_py)?;
            send_batch(py, producer, topic, &batch, &mut bulk)?;
        }
        Incoming::Stream(mut stream) => {
            // A stream made in Python takes the interpreter lock itself while it gives a batch.
            while let Some(batch) = py.detach(|| stream.next()) {
                send_batch(py, producer, topic, &batch.map_err(arrow_error)?, &mut bulk)?;
            }
        }
    }
    Ok(bulk)
}

fn as_batch(array: &ArrayRef) -> Result<RecordBatch> {
    match array.as_struct_opt() {
        Some(columns) => Ok(RecordBatch::from(columns.clone())),
        None => Err(Error::invalid(
            "an Arrow array without columns: give a table or a record batch, or use send_many",
        )),
    }
}

fn send_batch(
    py: Python<'_>,
    producer: &Producer,
    topic: &str,
    batch: &RecordBatch,
    bulk: &mut Bulk,
) -> PyResult<()> {
    let rows = enter(py, || Rows::open(batch))?;
    let mut row = 0;
    while row < rows.count {
        let until = rows.count.min(row + ROWS_BETWEEN_SIGNALS);
        let (reached, full) = enter(py, || rows.send(producer, topic, row..until, bulk))?;
        row = reached;
        if let Some(lane) = full {
            let writer = enter(py, || producer.topic(topic))?;
            make_room(py, producer, &writer, lane)?;
        }
        py.check_signals()?;
    }
    Ok(())
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
    fn open(batch: &RecordBatch) -> Result<Rows> {
        let schema = batch.schema();
        if let Some(other) = schema
            .fields()
            .iter()
            .find(|f| !KNOWN.contains(&f.name().as_str()))
        {
            return Err(Error::invalid(format!(
                "column {:?} is none of value, key, timestamp, headers, partition: leave it out, or rename it",
                other.name()
            )));
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
            partitions: batch
                .column_by_name("partition")
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
