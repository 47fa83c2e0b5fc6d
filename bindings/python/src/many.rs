//! `send_many`: lists of bytes, Arrow arrays, or a buffer whose items, bytes or numbers, are the
//! values. A buffer of anything else (NumPy's objects, strings) is walked item by item, as a list.

use levada::embedded::{Bulk, Message, Producer, Sent};
use levada::types::Timestamp;
use levada::{Error, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView, PySequence, PyString, PyTuple};

use crate::arrow::{Cells, array_of, is_arrow};
use crate::convert::{Headers, Octets, holds_its_bytes, timestamp, type_name};
use crate::enter::quick;
use crate::errors::to_py;
use crate::producer::make_room;

/// One column of what is sent.
pub enum Values<'py> {
    List(Vec<Bound<'py, PyAny>>),
    Cells(Cells),
    /// Items of one width, one after the other: bytes and numbers, see [`holds_its_bytes`].
    Packed {
        bytes: Bound<'py, PyBytes>,
        width: usize,
        count: usize,
    },
}

impl<'py> Values<'py> {
    /// `what` names the argument in errors.
    pub fn new(object: &Bound<'py, PyAny>, what: &str) -> PyResult<Values<'py>> {
        if let Ok(list) = object.cast::<PyList>() {
            return Ok(Values::List(list.iter().collect()));
        }
        if let Ok(tuple) = object.cast::<PyTuple>() {
            return Ok(Values::List(tuple.iter().collect()));
        }
        if is_arrow(object)? {
            return Ok(Values::Cells(Cells::new(&array_of(object)?)?));
        }
        if object.is_instance_of::<PyBytes>()
            || object.is_instance_of::<PyByteArray>()
            || object.is_instance_of::<PyString>()
        {
            let found = type_name(object);
            return Err(PyTypeError::new_err(format!(
                "{what} is {found}: put the values into a list, or send one with send()"
            )));
        }
        if let Ok(view) = PyMemoryView::from(object)
            && holds_its_bytes(&view)?
        {
            return packed(&view, what);
        }
        let items = object.try_iter().map_err(|_| {
            let found = type_name(object);
            PyTypeError::new_err(format!(
                "{what} is {found}, it must be a list of bytes, an Arrow array or a buffer"
            ))
        })?;
        items.collect::<PyResult<_>>().map(Values::List)
    }

    pub fn len(&self) -> PyResult<usize> {
        Ok(match self {
            Values::List(list) => list.len(),
            Values::Cells(cells) => cells.len(),
            Values::Packed { count, .. } => *count,
        })
    }

    fn get<'a>(&'a self, row: usize, what: &str) -> PyResult<Octets<'a, 'py>> {
        Ok(match self {
            Values::List(list) => match list.get(row) {
                Some(item) => Octets::new(item, what)?,
                None => Octets::None,
            },
            Values::Cells(cells) => cells.get(row).map_or(Octets::None, Octets::Borrowed),
            Values::Packed { bytes, width, .. } => bytes
                .as_bytes()
                .get(row * width..(row + 1) * width)
                .map_or(Octets::None, Octets::Borrowed),
        })
    }
}

fn packed<'py>(view: &Bound<'py, PyMemoryView>, what: &str) -> PyResult<Values<'py>> {
    let shape: Vec<usize> = view.getattr("shape")?.extract()?;
    let Some(&count) = shape.first() else {
        return Err(PyTypeError::new_err(format!(
            "{what} is one value, not many"
        )));
    };
    let bytes = view.call_method0("tobytes")?.cast_into::<PyBytes>()?;
    let width = bytes.as_bytes().len() / count.max(1);
    Ok(Values::Packed {
        bytes,
        width,
        count,
    })
}

/// What may stand beside the values, row by row.
pub struct Optional<'py> {
    keys: Option<Values<'py>>,
    timestamps: Option<Vec<Option<Timestamp>>>,
    headers: Option<Vec<Headers>>,
}

impl<'py> Optional<'py> {
    pub fn new(
        rows: usize,
        keys: Option<&Bound<'py, PyAny>>,
        timestamps: Option<&Bound<'py, PyAny>>,
        headers: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Optional<'py>> {
        let keys = keys.map(|k| Values::new(k, "keys")).transpose()?;
        let timestamps = timestamps
            .map(|t| each(t, optional_timestamp))
            .transpose()?;
        let headers = headers.map(|h| each(h, Headers::new)).transpose()?;
        let lengths = [
            ("keys", keys.as_ref().map(Values::len).transpose()?),
            ("timestamps", timestamps.as_ref().map(Vec::len)),
            ("headers", headers.as_ref().map(Vec::len)),
        ];
        for (what, length) in lengths {
            if let Some(length) = length.filter(|l| *l != rows) {
                return Err(to_py(Error::invalid(format!(
                    "{length} {what} for {rows} values: give one for each"
                ))));
            }
        }
        Ok(Optional {
            keys,
            timestamps,
            headers,
        })
    }
}

fn each<'py, T>(
    object: &Bound<'py, PyAny>,
    convert: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    if let Ok(sequence) = object.cast::<PySequence>() {
        return sequence.try_iter()?.map(|item| convert(&item?)).collect();
    }
    object.try_iter()?.map(|item| convert(&item?)).collect()
}

fn optional_timestamp(object: &Bound<'_, PyAny>) -> PyResult<Option<Timestamp>> {
    if object.is_none() {
        return Ok(None);
    }
    // NumPy's integers are not int, but count as one.
    match object.extract::<i64>() {
        Ok(ms) => Ok(Some(Timestamp(ms))),
        Err(_) => timestamp(object).map(Some),
    }
}

/// Sends row after row; the interpreter lock is given up only while the buffer is full.
pub fn send_values(
    py: Python<'_>,
    producer: &Producer,
    topic: &str,
    values: &Values<'_>,
    beside: &Optional<'_>,
    partition: Option<i32>,
) -> PyResult<Bulk> {
    let mut bulk = Bulk::default();
    let mut writer = quick(|| producer.topic(topic))?;
    for row in 0..values.len()? {
        let value = values.get(row, "value")?;
        let key = match &beside.keys {
            Some(keys) => keys.get(row, "key")?,
            None => Octets::None,
        };
        let headers = beside.headers.as_ref().and_then(|h| h.get(row));
        let borrowed = headers.map(Headers::borrowed);
        let timestamp = beside.timestamps.as_ref().and_then(|t| *t.get(row)?);
        let message = Message {
            partition,
            key: key.get(),
            value: value.get(),
            headers: borrowed.as_deref().unwrap_or_default(),
            timestamp,
        };
        while let Some(lane) = quick(|| offer(producer, &writer, message, &mut bulk))? {
            make_room(py, producer, &writer, lane)?;
            writer = quick(|| producer.topic(topic))?;
        }
    }
    Ok(bulk)
}

/// Sends one record, or says which lane is full.
pub fn offer(
    producer: &Producer,
    writer: &levada::embedded::TopicWriter,
    message: Message<'_>,
    bulk: &mut Bulk,
) -> Result<Option<usize>> {
    match producer.try_send(writer, message)? {
        Sent::Taken(delivery) => {
            bulk.add(delivery);
            Ok(None)
        }
        Sent::Full(lane) => Ok(Some(lane)),
    }
}
