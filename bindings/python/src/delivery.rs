//! `Delivery`, `Bulk`, `RecordMetadata`: what became of what was sent.

use std::time::Duration;

use levada::Kind;
use levada::embedded;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::bell::Bell;
use crate::callbacks;
use crate::convert::type_name;
use crate::enter::{Birth, seconds, wait};
use crate::errors::{OrRaise, to_py};

/// Where a record went.
#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct RecordMetadata {
    inner: embedded::RecordMetadata,
}

impl RecordMetadata {
    pub fn new(inner: embedded::RecordMetadata) -> RecordMetadata {
        RecordMetadata { inner }
    }
}

#[pymethods]
impl RecordMetadata {
    #[getter]
    fn topic(&self) -> &str {
        &self.inner.topic_partition.topic
    }

    #[getter]
    fn partition(&self) -> i32 {
        self.inner.topic_partition.partition
    }

    #[getter]
    fn offset(&self) -> i64 {
        self.inner.offset.get()
    }

    /// Milliseconds since 1970, UTC.
    #[getter]
    fn timestamp(&self) -> i64 {
        self.inner.timestamp.get()
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<RecordMetadata>() else {
            return Ok(py.NotImplemented());
        };
        let equal = self.inner == other.get().inner;
        Ok(match op {
            CompareOp::Eq => equal.into_pyobject(py)?.to_owned().into_any().unbind(),
            CompareOp::Ne => (!equal).into_pyobject(py)?.to_owned().into_any().unbind(),
            _ => py.NotImplemented(),
        })
    }

    fn __hash__(&self) -> u64 {
        (self.inner.offset.get() as u64) ^ ((self.inner.topic_partition.partition as u64) << 48)
    }

    fn __repr__(&self) -> String {
        format!(
            "RecordMetadata(topic={:?}, partition={}, offset={}, timestamp={})",
            self.topic(),
            self.partition(),
            self.offset(),
            self.timestamp()
        )
    }
}

/// A record on its way.
#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct Delivery {
    inner: embedded::Delivery,
    birth: Birth,
}

impl Delivery {
    #[inline]
    pub fn new(inner: embedded::Delivery) -> Delivery {
        Delivery {
            inner,
            birth: Birth::now(),
        }
    }
}

#[pymethods]
impl Delivery {
    /// Waits until the record is delivered; raises what went wrong.
    #[pyo3(signature = (timeout=None))]
    fn result(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<RecordMetadata> {
        self.birth.check().or_raise()?;
        if let Some(known) = self.inner.get() {
            return known.map(RecordMetadata::new).or_raise();
        }
        let timeout = seconds(timeout)?;
        let found = wait(py, timeout, |slice| {
            self.inner.wait_within(slice).transpose()
        })?;
        match found {
            Some(metadata) => Ok(RecordMetadata::new(metadata)),
            None => Err(late(timeout)),
        }
    }

    /// Whether the outcome is known.
    fn done(&self) -> bool {
        self.inner.is_done()
    }

    /// Calls `callback` with this delivery when the outcome is known.
    fn add_done_callback(slf: &Bound<'_, Self>, callback: Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        this.birth.check().or_raise()?;
        if !callback.is_callable() {
            let found = type_name(&callback);
            return Err(PyTypeError::new_err(format!(
                "the callback is {found}, it must be callable"
            )));
        }
        callbacks::add(callback.unbind(), slf.clone().unbind(), &this.inner).or_raise()
    }

    /// Rings `bell` with `number` when the outcome is known.
    fn notify(&self, bell: &Bell, number: u64) -> PyResult<()> {
        self.birth.check().or_raise()?;
        self.inner.on_done(bell.ringer(number));
        Ok(())
    }

    fn __repr__(&self) -> String {
        match self.inner.get() {
            None => "<levada.Delivery pending>".into(),
            Some(Err(error)) => format!("<levada.Delivery failed: {error}>"),
            Some(Ok(m)) => format!("<levada.Delivery {} @ {}>", m.topic_partition, m.offset),
        }
    }
}

/// Many records on their way.
#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct Bulk {
    inner: embedded::Bulk,
    birth: Birth,
}

impl Bulk {
    pub fn new(inner: embedded::Bulk) -> Bulk {
        Bulk {
            inner,
            birth: Birth::now(),
        }
    }
}

#[pymethods]
impl Bulk {
    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// Waits until all records are delivered; gives the last place of each batch, in order.
    #[pyo3(signature = (timeout=None))]
    fn result(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Vec<RecordMetadata>> {
        self.birth.check().or_raise()?;
        let timeout = seconds(timeout)?;
        let found = wait(py, timeout, |slice| {
            self.inner.wait_within(slice).transpose()
        })?;
        match found {
            Some(all) => Ok(all.into_iter().map(RecordMetadata::new).collect()),
            None => Err(late(timeout)),
        }
    }

    fn done(&self) -> bool {
        self.inner.is_done()
    }

    /// Rings `bell` with `number` once for each batch that is settled; gives how often.
    fn notify(&self, bell: &Bell, number: u64) -> PyResult<usize> {
        self.birth.check().or_raise()?;
        let deliveries = self.inner.deliveries();
        for delivery in deliveries {
            delivery.on_done(bell.ringer(number));
        }
        Ok(deliveries.len())
    }

    fn __repr__(&self) -> String {
        let state = if self.inner.is_done() {
            "done"
        } else {
            "pending"
        };
        format!("<levada.Bulk of {} records, {state}>", self.inner.len())
    }
}

fn late(timeout: Option<Duration>) -> PyErr {
    let ms = timeout.unwrap_or_default().as_millis();
    to_py(levada::Error::new(
        Kind::Timeout,
        format!("not delivered within {ms} ms: it may still be; wait longer, or look later"),
    ))
}
