//! `Records` and `Record`: what a poll gave, decoded when touched.

use std::sync::Arc;

use levada::embedded::OffsetCommit;
use levada::embedded::PolledBatch;
use levada::embedded::RecordView;
use levada::sync::Mutex;
use levada::types::{Offset, Timestamp, TopicPartition};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBytes, PyDateTime, PyDelta, PyList, PySlice, PyString, PyTuple, PyType, PyTzInfo,
};

use crate::convert::{Fit, Headers, Octets};
use crate::errors::{OrRaise, to_py};

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

const RECORD_FIELDS: [&str; 7] = [
    "topic",
    "partition",
    "offset",
    "timestamp",
    "key",
    "value",
    "headers",
];

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
    /// A record of one's own: for tests, and what a pickled one comes back as.
    #[new]
    #[pyo3(signature = (topic, partition, offset, timestamp, key=None, value=None, headers=None))]
    #[allow(clippy::too_many_arguments)] // all that a record has
    fn made(
        topic: &Bound<'_, PyString>,
        partition: Fit<i32>,
        offset: Fit<i64>,
        timestamp: Fit<i64>,
        key: Option<&Bound<'_, PyAny>>,
        value: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Record> {
        let none = topic.py().None();
        let none = none.bind(topic.py());
        let key = Octets::new(key.unwrap_or(none), "key")?;
        let value = Octets::new(value.unwrap_or(none), "value")?;
        let headers = headers.map(Headers::new).transpose()?;
        let polled = PolledBatch::of_record(
            TopicPartition::new(topic.to_str()?, partition.0),
            Offset(offset.0),
            Timestamp(timestamp.0),
            key.get(),
            value.get(),
            &headers.as_ref().map(Headers::borrowed).unwrap_or_default(),
        );
        let part = Part::new(polled.or_raise()?, topic.clone().unbind());
        Ok(Record::new(part, 0))
    }

    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, RECORD_FIELDS)
    }

    /// The class, and what makes an equal one.
    fn __reduce__<'py>(
        this: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let values: Vec<_> = RECORD_FIELDS
            .iter()
            .map(|name| this.getattr(*name))
            .collect::<PyResult<_>>()?;
        Ok((this.get_type(), PyTuple::new(this.py(), values)?))
    }

    /// Nothing about a record changes: a copy is the record itself.
    fn __copy__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __deepcopy__<'py>(this: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        this
    }

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
        let (seconds, micros) = ((rest / 1000) as i32, (rest % 1000) as i32 * 1000);
        PyDelta::new(py, days, seconds, micros, false)
            .and_then(|since| epoch.call_method1("__add__", (since,)))
            .map_err(|_| {
                to_py(levada::Error::invalid(format!(
                    "timestamp {ms} is beyond what a datetime can say: use .timestamp"
                )))
            })
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
    /// Of single records: for tests, and what pickled ones come back as.
    #[new]
    fn made(records: Vec<PyRef<'_, Record>>) -> Records {
        let one = |record: &PyRef<'_, Record>| {
            let polled = record.part.polled.only(record.index as usize);
            Part::new(polled, record.part.topic.clone_ref(record.py()))
        };
        Records::new(records.iter().map(one).collect())
    }

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

    /// The first index of an equal record.
    #[pyo3(signature = (record, start=0, stop=isize::MAX))]
    fn index(&self, record: &Bound<'_, PyAny>, start: isize, stop: isize) -> PyResult<usize> {
        let (from, to) = (self.clamped(start), self.clamped(stop));
        for at in from..to {
            if self.equals(at, record)? {
                return Ok(at);
            }
        }
        Err(PyValueError::new_err("no such record"))
    }

    /// How often an equal record is there.
    fn count(&self, record: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut count = 0;
        for at in 0..self.parts.len {
            count += usize::from(self.equals(at, record)?);
        }
        Ok(count)
    }

    /// What makes equal ones: a list of the records.
    fn __reduce__<'py>(
        this: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, (Bound<'py, PyList>,))> {
        let list = PyList::empty(this.py());
        for record in this.try_iter()? {
            list.append(record?)?;
        }
        Ok((this.get_type(), (list,)))
    }

    fn __copy__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __deepcopy__<'py>(this: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        this
    }

    fn __repr__(&self) -> String {
        format!("<levada.Records of {}>", self.parts.len)
    }
}

impl Records {
    fn equals(&self, at: usize, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        match (self.at(at), other.cast::<Record>()) {
            (Some(record), Ok(other)) => record.same(other.get()),
            _ => Ok(false),
        }
    }

    /// An index as Python means it, negative from the end, within the length.
    fn clamped(&self, index: isize) -> usize {
        let len = self.parts.len;
        match usize::try_from(index) {
            Ok(index) => index.min(len),
            Err(_) => len.saturating_sub(index.unsigned_abs()),
        }
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
