//! The rows of a record batch, read by column.

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, Int32Array, Int64Array, ListArray, RecordBatch,
    StringViewArray, StructArray, TimestampMicrosecondArray,
};

use crate::archive::arrow::Column;
use crate::error::{Error, Result};
use crate::types::Timestamp;

/// A header's key and value.
pub type Header<'a> = (&'a str, Option<&'a [u8]>);

/// One field of one row.
#[derive(Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    Number(i64),
    Time(Timestamp),
    Bytes(&'a [u8]),
    Headers(Vec<Header<'a>>),
}

/// A column with its array.
pub enum Values<'a> {
    Partition(&'a Int32Array),
    Offset(&'a Int64Array),
    Time(&'a TimestampMicrosecondArray),
    Bytes(&'a BinaryViewArray),
    Headers(&'a ListArray),
}

/// The columns of a scan's batch, in its order.
pub fn columns(batch: &RecordBatch) -> Result<Vec<(Column, Values<'_>)>> {
    let schema = batch.schema_ref();
    let fields = schema.fields().iter().zip(batch.columns());
    fields
        .map(|(field, array)| {
            let column = Column::parse(field.name())?;
            Ok((column, values(column, array)?))
        })
        .collect()
}

fn values(column: Column, array: &ArrayRef) -> Result<Values<'_>> {
    Ok(match column {
        Column::Partition => Values::Partition(typed(array)?),
        Column::Offset => Values::Offset(typed(array)?),
        Column::Timestamp => Values::Time(typed(array)?),
        Column::Key | Column::Value => Values::Bytes(typed(array)?),
        Column::Headers => Values::Headers(typed(array)?),
    })
}

fn typed<T: 'static>(array: &dyn Array) -> Result<&T> {
    let found = array.as_any().downcast_ref();
    found.ok_or_else(|| Error::internal(format!("a column of type {}", array.data_type())))
}

impl<'a> Values<'a> {
    pub fn cell(&self, row: usize) -> Result<Cell<'a>> {
        Ok(match self {
            Values::Partition(array) => Cell::Number(i64::from(array.value(row))),
            Values::Offset(array) => Cell::Number(array.value(row)),
            Values::Time(array) if array.is_null(row) => Cell::Null,
            Values::Time(array) => Cell::Time(Timestamp(array.value(row).div_euclid(1000))),
            Values::Bytes(array) if array.is_null(row) => Cell::Null,
            Values::Bytes(array) => Cell::Bytes(array.value(row)),
            Values::Headers(array) => Cell::Headers(headers(array, row)?),
        })
    }
}

fn headers(array: &ListArray, row: usize) -> Result<Vec<Header<'_>>> {
    let all: &StructArray = typed(array.values())?;
    let (keys, values) = match all.columns() {
        [keys, values] => (
            typed::<StringViewArray>(keys)?,
            typed::<BinaryViewArray>(values)?,
        ),
        _ => return Err(Error::internal("headers without key and value")),
    };
    let offsets = array.value_offsets();
    let at = |index: usize| offsets.get(index).map_or(0, |o| o.unsigned_abs() as usize);
    let one = |index: usize| {
        let value = (!values.is_null(index)).then(|| values.value(index));
        (keys.value(index), value)
    };
    Ok((at(row)..at(row + 1)).map(one).collect())
}
