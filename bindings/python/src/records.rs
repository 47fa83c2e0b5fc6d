//! `Records` and `Record`: what a poll gave, decoded when touched.

use std::sync::Arc;

use levada::embedded::OffsetCommit;
use levada::embedded::PolledBatch;
use levada::embedded::RecordView;
use parking_lot::Mutex;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyDelta, PyList, PySlice, PyString, PyTuple, PyTzInfo};

use crate::errors::to_py;

/// Records of one batch, and its topic's name as Python knows it.
#[derive(Debug)]
pub struct Part {
    pub polled: PolledBatch,
    topic: Py<PyString>,
}

impl Part {
    pub fn new(polled: PolledBatch, topic: Py<PyString>) -> Arc<Part> {
        Arc::new(Part { polled, topic })
    }
}

/// One record. It keeps the bytes of its batch alive.
#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct Record {
    part: Arc<Part>,
    index: u32,
}

impl Record {
    #[inline]
    pub fn new(part: Arc<Part>, index: usize) -> Record {
        Record {
            part,
            index: index as u32,
        }
    }

    /// What commits everything up to this record.
    pub fn behind(&self) -> PyResult<OffsetCommit> {
        let polled = &self.part.polled;
        let place = polled.topic_partition();
        let next = self.view()?.offset.next();
        let commit = OffsetCommit::new(place.topic.clone(), place.partition, next);
        Ok(commit.of_topic(polled.topic_id()))
    }

    #[inline]
    fn view(&self) -> PyResult<RecordView<'_>> {
        let found = self.part.polled.get(self.index as usize);
        found.ok_or_else(|| to_py(levada::Error::internal("a record outside of its batch")))
    }
}

#[pymethods]
impl Record {
    #[getter]
    fn topic<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.part.topic.bind(py).clone()
    }

    #[getter]
    fn partition(&self) -> i32 {
        self.part.polled.topic_partition().partition
    }

    #[getter]
    fn offset(&self) -> PyResult<i64> {
        Ok(self.view()?.offset.get())
    }

    /// Milliseconds since 1970, UTC.
    #[getter]
    fn timestamp(&self) -> PyResult<i64> {
        Ok(self.view()?.timestamp.get())
    }

    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.view()?.key.map(|key| PyBytes::new(py, key)))
    }

    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.view()?.value.map(|value| PyBytes::new(py, value)))
    }

    /// Pairs of a name and a value, in order; a name may repeat.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for header in self.view()?.headers.iter() {
            let value = header.value.map(|v| PyBytes::new(py, v));
            list.append((header_name(py, header.key)?, value))?;
        }
        Ok(list)
    }

    /// The timestamp as an aware datetime in UTC.
    #[getter]
    fn datetime<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let ms = self.view()?.timestamp.get();
        let utc = PyTzInfo::utc(py)?;
        let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc))?;
        let days = i32::try_from(ms.div_euclid(86_400_000)).unwrap_or(i32::MAX);
        let rest = ms.rem_euclid(86_400_000);
        let since = PyDelta::new(
            py,
            days,
            (rest / 1000) as i32,
            (rest % 1000) as i32 * 1000,
            false,
        )?;
        epoch.call_method1("__add__", (since,))
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Record>() else {
            return Ok(py.NotImplemented());
        };
        let equal = self.same(other.get())?;
        Ok(match op {
            CompareOp::Eq => equal.into_pyobject(py)?.to_owned().into_any().unbind(),
            CompareOp::Ne => (!equal).into_pyobject(py)?.to_owned().into_any().unbind(),
            _ => py.NotImplemented(),
        })
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        let offset = self.offset()?;
        PyTuple::new(py, [i64::from(self.partition()), offset])?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let view = self.view()?;
        let show = |bytes: Option<&[u8]>| -> PyResult<String> {
            match bytes {
                None => Ok("None".to_owned()),
                Some(bytes) => {
                    let head = bytes.get(..40).unwrap_or(bytes);
                    let more = if head.len() < bytes.len() { "..." } else { "" };
                    Ok(format!("{}{more}", PyBytes::new(py, head).repr()?))
                }
            }
        };
        Ok(format!(
            "Record(topic={}, partition={}, offset={}, timestamp={}, key={}, value={})",
            self.part.topic.bind(py).repr()?,
            self.partition(),
            view.offset,
            view.timestamp,
            show(view.key)?,
            show(view.value)?,
        ))
    }
}

impl Record {
    fn same(&self, other: &Record) -> PyResult<bool> {
        let (a, b) = (self.view()?, other.view()?);
        Ok(
            self.part.polled.topic_partition() == other.part.polled.topic_partition()
                && (a.offset, a.timestamp, a.key, a.value)
                    == (b.offset, b.timestamp, b.key, b.value)
                && a.headers.iter().eq(b.headers.iter()),
        )
    }
}

fn header_name<'py>(py: Python<'py>, key: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(text) = std::str::from_utf8(key) {
        return Ok(PyString::new(py, text).into_any());
    }
    PyBytes::new(py, key).call_method1("decode", ("utf-8", "surrogateescape"))
}

/// The records of one poll, in the order in which they came.
#[pyclass(frozen, sequence, module = "levada")]
#[derive(Debug)]
pub struct Records {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    list: Vec<Arc<Part>>,
    /// How many records come before each part.
    before: Vec<usize>,
    len: usize,
}

impl Records {
    pub fn new(list: Vec<Arc<Part>>) -> Records {
        let mut before = Vec::with_capacity(list.len());
        let mut len = 0;
        for part in &list {
            before.push(len);
            len += part.polled.len();
        }
        Records {
            parts: Arc::new(Parts { list, before, len }),
        }
    }

    fn at(&self, index: usize) -> Option<Record> {
        if index >= self.parts.len {
            return None;
        }
        let part = self
            .parts
            .before
            .partition_point(|b| *b <= index)
            .checked_sub(1)?;
        let inside = index - self.parts.before.get(part)?;
        Some(Record::new(self.parts.list.get(part)?.clone(), inside))
    }
}

#[pymethods]
impl Records {
    fn __len__(&self) -> usize {
        self.parts.len
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = index.py();
        if let Ok(slice) = index.cast::<PySlice>() {
            let range = slice.indices(self.parts.len as isize)?;
            let list = PyList::empty(py);
            let mut at = range.start;
            for _ in 0..range.slicelength {
                list.append(self.at(at as usize).map(|r| Py::new(py, r)).transpose()?)?;
                at += range.step;
            }
            return Ok(list.into_any());
        }
        let Ok(asked) = index.extract::<isize>() else {
            return Err(PyTypeError::new_err("records are indexed by int or slice"));
        };
        let index = if asked < 0 {
            asked + self.parts.len as isize
        } else {
            asked
        };
        let found = usize::try_from(index).ok().and_then(|i| self.at(i));
        let record = found.ok_or_else(|| PyIndexError::new_err("no such record"))?;
        Ok(Bound::new(py, record)?.into_any())
    }

    fn __iter__(&self) -> RecordsIterator {
        RecordsIterator {
            parts: self.parts.clone(),
            at: Mutex::new((0, 0)),
        }
    }

    fn __repr__(&self) -> String {
        format!("<levada.Records of {}>", self.parts.len)
    }
}

#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct RecordsIterator {
    parts: Arc<Parts>,
    /// Part and index of the next record.
    at: Mutex<(usize, usize)>,
}

#[pymethods]
impl RecordsIterator {
    fn __iter__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __next__(&self) -> Option<Record> {
        let mut at = self.at.lock();
        loop {
            let part = self.parts.list.get(at.0)?;
            if at.1 < part.polled.len() {
                at.1 += 1;
                return Some(Record::new(part.clone(), at.1 - 1));
            }
            *at = (at.0 + 1, 0);
        }
    }

    fn __length_hint__(&self) -> usize {
        let at = self.at.lock();
        let before = self.parts.before.get(at.0);
        before.map_or(0, |b| self.parts.len - b - at.1)
    }
}
