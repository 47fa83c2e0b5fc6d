//! The producer. `send` is the hot path: no allocation but the delivery, the interpreter lock is kept
//! (nothing waits) and given up only when the buffer is full.

use std::sync::Arc;
use std::time::Duration;

use levada::embedded::{Message, Producer, ProducerOptions, Sent, TopicWriter};
use levada::{Error, Kind};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arrow::send_stream;
use crate::consumer::ConsumerCore;
use crate::convert::{Headers, Octets, settings, timestamp as to_timestamp, type_name};
use crate::database::Core;
use crate::delivery::{Bulk, Delivery};
use crate::enter::{Deadline, Held, enter, quick, seconds, wait};
use crate::errors::to_py;
use crate::many::{Optional, Values, send_values};

/// How long a commit waits until its records can be read; it stands before.
const VISIBLE_MAX: Duration = Duration::from_secs(60);

/// The topic that was sent to last, known again by the address of its name.
#[derive(Debug)]
struct Recent {
    name: Py<PyString>,
    writer: Arc<TopicWriter>,
}

#[pyclass(subclass, frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct ProducerCore {
    inner: Held<Arc<Producer>>,
    recent: Mutex<Option<Recent>>,
}

impl ProducerCore {
    /// Where to write to for `topic`, as the topic is now.
    #[inline]
    fn writer(&self, producer: &Producer, topic: &Bound<'_, PyAny>) -> PyResult<Arc<TopicWriter>> {
        if let Some(recent) = &*self.recent.lock()
            && recent.name.as_ptr() == topic.as_ptr()
            && producer.is_current(&recent.writer)
        {
            return Ok(recent.writer.clone());
        }
        self.look_up(producer, topic)
    }

    fn look_up(&self, producer: &Producer, topic: &Bound<'_, PyAny>) -> PyResult<Arc<TopicWriter>> {
        let Ok(name) = topic.cast::<PyString>() else {
            let found = type_name(topic);
            return Err(PyTypeError::new_err(format!(
                "topic is {found}, it must be str"
            )));
        };
        let text = name.to_str()?;
        let writer = quick(|| producer.topic(text))?;
        let recent = Recent {
            name: name.clone().unbind(),
            writer: writer.clone(),
        };
        // The old name is let go after the lock.
        let _old = self.recent.lock().replace(recent);
        Ok(writer)
    }
}

/// Waits without the interpreter lock until there is room in the buffer, for `max.block.ms` at most.
pub fn make_room(
    py: Python<'_>,
    producer: &Producer,
    writer: &TopicWriter,
    lane: usize,
) -> PyResult<()> {
    let found = wait(py, Some(producer.options().block_max), |slice| {
        Ok(producer.make_room_within(writer, lane, slice).then_some(()))
    })?;
    found.ok_or_else(|| to_py(producer.no_room()))
}

#[pymethods]
impl ProducerCore {
    #[new]
    fn new(py: Python<'_>, core: &Core, config: Vec<(String, String)>) -> PyResult<ProducerCore> {
        let database = core.database()?;
        let own = settings(config);
        let inner = enter(py, || {
            database.producer(ProducerOptions::from_settings(&own)?)
        })?;
        Ok(ProducerCore {
            inner: Held::new(Arc::new(inner)),
            recent: Mutex::new(None),
        })
    }

    #[pyo3(signature = (topic, value, *, key=None, headers=None, timestamp=None, partition=None))]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn send(
        &self,
        py: Python<'_>,
        topic: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
        partition: Option<i32>,
    ) -> PyResult<Delivery> {
        let producer = self.inner.get()?;
        let value = Octets::new(value, "value")?;
        let key = match key {
            Some(key) => Octets::new(key, "key")?,
            None => Octets::None,
        };
        let headers = headers.map(Headers::new).transpose()?;
        let borrowed = headers.as_ref().map(Headers::borrowed);
        let message = Message {
            partition,
            key: key.get(),
            value: value.get(),
            headers: borrowed.as_deref().unwrap_or_default(),
            timestamp: timestamp.map(to_timestamp).transpose()?,
        };
        loop {
            let writer = self.writer(producer, topic)?;
            match quick(|| producer.try_send(&writer, message))? {
                Sent::Taken(delivery) => return Ok(Delivery::new(delivery)),
                Sent::Full(lane) => make_room(py, producer, &writer, lane)?,
            }
        }
    }

    #[pyo3(signature = (topic, values, *, keys=None, timestamps=None, headers=None, partition=None))]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn send_many(
        &self,
        py: Python<'_>,
        topic: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        keys: Option<&Bound<'_, PyAny>>,
        timestamps: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        partition: Option<i32>,
    ) -> PyResult<Bulk> {
        let producer = self.inner.get()?;
        let writer = self.writer(producer, topic)?;
        let values = Values::new(values, "values")?;
        let beside = Optional::new(values.len()?, keys, timestamps, headers)?;
        send_values(py, producer, writer.name(), &values, &beside, partition).map(Bulk::new)
    }

    fn send_arrow(
        &self,
        py: Python<'_>,
        topic: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<Bulk> {
        let producer = self.inner.get()?;
        let writer = self.writer(producer, topic)?;
        send_stream(py, producer, writer.name(), data).map(Bulk::new)
    }

    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let producer = self.inner.get()?;
        let limit = seconds(timeout)?;
        let found = wait(py, limit, |slice| {
            finished(producer.flush(slice), producer.buffered_bytes())
        })?;
        found.ok_or_else(|| late(limit))
    }

    /// Flushes for `timeout` seconds at most, then ends. Ctrl-C ends the wait, not the delivery.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let producer = self.inner.get()?;
        if producer.is_closed() {
            return Ok(());
        }
        let limit = seconds(timeout)?.unwrap_or(levada::embedded::Database::FLUSH_TIMEOUT);
        let deadline = Deadline::after(Some(limit));
        let flushed = self.flush(py, Some(limit.as_secs_f64()));
        let left = deadline
            .left()
            .unwrap_or_default()
            .max(Duration::from_millis(50));
        let closed = enter(py, || producer.close(left));
        flushed.and(closed)
    }

    #[pyo3(name = "_begin")]
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        let producer = self.inner.get()?;
        enter(py, || producer.begin())
    }

    /// Commits and waits until readers see it. Ctrl-C ends the wait; what is decided stays so.
    #[pyo3(name = "_commit")]
    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        let producer = self.inner.get()?;
        wait(py, None, |slice| again(producer.decide_commit(slice)))?;
        wait(py, Some(VISIBLE_MAX), |slice| {
            Ok(producer.until_visible(slice).then_some(()))
        })?;
        Ok(())
    }

    #[pyo3(name = "_abort")]
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        let producer = self.inner.get()?;
        wait(py, None, |slice| again(producer.abort(slice)))?;
        Ok(())
    }

    #[pyo3(name = "_send_offsets")]
    fn send_offsets(
        &self,
        py: Python<'_>,
        consumer: &ConsumerCore,
        offsets: Option<Vec<(String, i32, i64)>>,
    ) -> PyResult<()> {
        let producer = self.inner.get()?;
        let (group, offsets) = consumer.for_transaction(py, offsets)?;
        enter(py, || producer.send_offsets(&group, &offsets))
    }

    /// Whether a transaction is open.
    #[getter]
    fn in_transaction(&self) -> PyResult<bool> {
        Ok(self.inner.get()?.in_transaction())
    }

    /// Whether `send` would wait for room.
    #[getter]
    fn full(&self) -> PyResult<bool> {
        let producer = self.inner.get()?;
        Ok(producer.buffered_bytes() > producer.options().buffer_bytes)
    }

    /// Waits until `send` need not wait, for `max.block.ms` at most.
    #[pyo3(name = "make_room")]
    fn wait_for_room(&self, py: Python<'_>) -> PyResult<()> {
        let producer = self.inner.get()?;
        let found = wait(py, Some(producer.options().block_max), |slice| {
            Ok(producer.room_within(slice).then_some(()))
        })?;
        found.ok_or_else(|| to_py(producer.no_room()))
    }

    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.inner.get()?.is_closed())
    }

    /// Bytes that are sent and not delivered.
    #[getter]
    fn buffered_bytes(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.buffered_bytes())
    }
}

/// An end that ran out of its slice is asked for again.
fn again(outcome: levada::Result<()>) -> levada::Result<Option<()>> {
    match outcome {
        Err(error) if error.kind() == Kind::Timeout => Ok(None),
        other => other.map(Some),
    }
}

/// A flush that ran out of its slice goes on; one whose records are all settled is over.
fn finished(outcome: levada::Result<()>, buffered_bytes: usize) -> levada::Result<Option<()>> {
    match outcome {
        Err(error) if error.kind() == Kind::Timeout && buffered_bytes > 0 => Ok(None),
        other => other.map(Some),
    }
}

fn late(timeout: Option<Duration>) -> PyErr {
    let ms = timeout.unwrap_or_default().as_millis();
    to_py(Error::new(
        Kind::Timeout,
        format!("not all records were delivered within {ms} ms: they may still be; flush again"),
    ))
}
