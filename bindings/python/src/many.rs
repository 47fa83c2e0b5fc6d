//! `send_many`: lists of bytes, Arrow arrays, or a buffer whose items, bytes or numbers, are the
//! values. A buffer of anything else (NumPy's objects, strings) is walked item by item, as a list.

use levada::Error;
use levada::embedded::arrow::Cells;
use levada::embedded::{Bulk, Message, Producer};
use levada::types::Timestamp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView, PySequence, PyString, PyTuple};

use crate::arrow::{array_of, is_arrow};
use crate::convert::{Headers, Octets, holds_its_bytes, timestamp, type_name};
use crate::enter::quick;
use crate::errors::{OrRaise, to_py};
use crate::sending::Step;

/// One column of what is sent.
enum Values {
    List(Vec<Py<PyAny>>),
    Cells(Cells),
    /// Items of one width, one after the other: bytes and numbers, see [`holds_its_bytes`].
    Packed {
        bytes: Py<PyBytes>,
        width: usize,
        count: usize,
    },
}

impl Values {
    /// `what` names the argument in errors.
    fn new(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Values> {
        if let Ok(list) = object.cast::<PyList>() {
            return Ok(Values::List(list.iter().map(Bound::unbind).collect()));
        }
        if let Ok(tuple) = object.cast::<PyTuple>() {
            return Ok(Values::List(tuple.iter().map(Bound::unbind).collect()));
        }
        if is_arrow(object)? {
            return Cells::open(&array_of(object)?)
                .map(Values::Cells)
                .or_raise();
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
        items
            .map(|item| item.map(Bound::unbind))
            .collect::<PyResult<_>>()
            .map(Values::List)
    }

    fn len(&self) -> usize {
        match self {
            Values::List(list) => list.len(),
            Values::Cells(cells) => cells.len(),
            Values::Packed { count, .. } => *count,
        }
    }

    fn get<'a, 'py: 'a>(
        &'a self,
        py: Python<'py>,
        row: usize,
        what: &str,
    ) -> PyResult<Octets<'a, 'py>> {
        Ok(match self {
            Values::List(list) => match list.get(row) {
                Some(item) => Octets::new(item.bind(py), what)?,
                None => Octets::None,
            },
            Values::Cells(cells) => cells.get(row).map_or(Octets::None, Octets::Borrowed),
            Values::Packed { bytes, width, .. } => bytes
                .as_bytes(py)
                .get(row * width..(row + 1) * width)
                .map_or(Octets::None, Octets::Borrowed),
        })
    }
}

fn packed(view: &Bound<'_, PyMemoryView>, what: &str) -> PyResult<Values> {
    let shape: Vec<usize> = view.getattr("shape")?.extract()?;
    let Some(&count) = shape.first() else {
        return Err(PyTypeError::new_err(format!(
            "{what} is one value, not many"
        )));
    };
    let bytes = view.call_method0("tobytes")?.cast_into::<PyBytes>()?;
    let width = bytes.as_bytes().len() / count.max(1);
    Ok(Values::Packed {
        bytes: bytes.unbind(),
        width,
        count,
    })
}

/// What may stand beside the values, row by row.
struct Optional {
    keys: Option<Values>,
    timestamps: Option<Vec<Option<Timestamp>>>,
    headers: Option<Vec<Headers>>,
}

impl Optional {
    fn new(
        rows: usize,
        keys: Option<&Bound<'_, PyAny>>,
        timestamps: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Optional> {
        let keys = keys.map(|k| Values::new(k, "keys")).transpose()?;
        let timestamps = timestamps
            .map(|t| each(t, optional_timestamp))
            .transpose()?;
        let headers = headers.map(|h| each(h, Headers::new)).transpose()?;
        let lengths = [
            ("keys", keys.as_ref().map(Values::len)),
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
    timestamp(object).map(Some)
}

/// After this many rows other threads, signals and events have a turn.
const ROWS_IN_A_STEP: usize = 4096;

/// Values with what stands beside them, and how far they are sent.
pub struct ValueRows {
    values: Values,
    beside: Optional,
    partition: Option<i32>,
    next: usize,
}

impl ValueRows {
    pub fn new(
        values: &Bound<'_, PyAny>,
        keys: Option<&Bound<'_, PyAny>>,
        timestamps: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        partition: Option<i32>,
    ) -> PyResult<ValueRows> {
        let values = Values::new(values, "values")?;
        let beside = Optional::new(values.len(), keys, timestamps, headers)?;
        Ok(ValueRows {
            values,
            beside,
            partition,
            next: 0,
        })
    }

    /// Sends some rows; nothing here waits, so the interpreter lock is kept.
    pub fn step(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        topic: &str,
        bulk: &mut Bulk,
    ) -> PyResult<Step> {
        let writer = quick(|| producer.topic(topic))?;
        let until = self.values.len().min(self.next + ROWS_IN_A_STEP);
        while self.next < until {
            let row = self.next;
            let value = self.values.get(py, row, "value")?;
            let key = match &self.beside.keys {
                Some(keys) => keys.get(py, row, "key")?,
                None => Octets::None,
            };
            let headers = self.beside.headers.as_ref().and_then(|h| h.get(row));
            let borrowed = headers.map(Headers::borrowed);
            let timestamp = self.beside.timestamps.as_ref().and_then(|t| *t.get(row)?);
            let message = Message {
                partition: self.partition,
                key: key.get(),
                value: value.get(),
                headers: borrowed.as_deref().unwrap_or_default(),
                timestamp,
            };
            if let Some(lane) = quick(|| producer.offer(&writer, message, bulk))? {
                return Ok(Step::Full(lane));
            }
            self.next += 1;
        }
        if self.next == self.values.len() {
            return Ok(Step::Done);
        }
        Ok(Step::More)
    }
}
