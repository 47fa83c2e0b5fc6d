//! The producer. `send` is the hot path: no allocation but the delivery, the interpreter lock is kept
//! (nothing waits) and given up only when the buffer is full.

use std::sync::Arc;
use std::time::Duration;

use levada::embedded::{Flush, Message, Producer, ProducerOptions, Sent, TopicWriter};
use levada::sync::Mutex;
use levada::types::Timestamp;
use levada::{Error, Kind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arrow::ArrowRows;
use crate::bell::Bell;
use crate::callbacks;
use crate::consumer::{ConsumerCore, chosen};
use crate::convert::{Fit, Headers, Octets, settings, timestamp as to_timestamp, type_name};
use crate::database::Core;
use crate::delivery::{Bulk, Delivery};
use crate::enter::{Deadline, Held, enter, quick, seconds, wait};
use crate::errors::{OrRaise, to_py};
use crate::many::ValueRows;
use crate::records::Record;
use crate::sending::{Rows, Sending};

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

/// A record as Python gives it.
struct Outgoing<'a, 'py> {
    value: Octets<'a, 'py>,
    key: Octets<'a, 'py>,
    headers: Option<Headers>,
    timestamp: Option<Timestamp>,
    partition: Option<i32>,
}

impl<'a, 'py> Outgoing<'a, 'py> {
    #[inline]
    fn new(
        value: &'a Bound<'py, PyAny>,
        key: Option<&'a Bound<'py, PyAny>>,
        headers: Option<&Bound<'py, PyAny>>,
        timestamp: Option<&Bound<'py, PyAny>>,
        partition: Option<Fit<i32>>,
    ) -> PyResult<Outgoing<'a, 'py>> {
        Ok(Outgoing {
            value: Octets::new(value, "value")?,
            key: match key {
                Some(key) => Octets::new(key, "key")?,
                None => Octets::None,
            },
            headers: headers.map(Headers::new).transpose()?,
            timestamp: timestamp.map(to_timestamp).transpose()?,
            partition: partition.map(|p| p.0),
        })
    }

    #[inline]
    fn headers(&self) -> Vec<(&[u8], Option<&[u8]>)> {
        let headers = self.headers.as_ref();
        headers.map(Headers::borrowed).unwrap_or_default()
    }

    #[inline]
    fn message<'b>(&'b self, headers: &'b [(&'b [u8], Option<&'b [u8]>)]) -> Message<'b> {
        Message {
            partition: self.partition,
            key: self.key.get(),
            value: self.value.get(),
            headers,
            timestamp: self.timestamp,
        }
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
        partition: Option<Fit<i32>>,
    ) -> PyResult<Delivery> {
        let producer = self.inner.get()?;
        let record = Outgoing::new(value, key, headers, timestamp, partition)?;
        let borrowed = record.headers();
        let message = record.message(&borrowed);
        loop {
            let writer = self.writer(producer, topic)?;
            match quick(|| producer.try_send(&writer, message))? {
                Sent::Taken(delivery) => return Ok(Delivery::new(delivery)),
                Sent::Full(lane) => make_room(py, producer, &writer, lane)?,
            }
        }
    }

    /// Sends without ever waiting. When there is no room, it gives a number for `_on_room`.
    #[pyo3(name = "_try_send")]
    #[pyo3(signature = (topic, value, *, key=None, headers=None, timestamp=None, partition=None))]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn try_send<'py>(
        &self,
        py: Python<'py>,
        topic: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        key: Option<&Bound<'py, PyAny>>,
        headers: Option<&Bound<'py, PyAny>>,
        timestamp: Option<&Bound<'py, PyAny>>,
        partition: Option<Fit<i32>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let producer = self.inner.get()?;
        let record = Outgoing::new(value, key, headers, timestamp, partition)?;
        let borrowed = record.headers();
        let writer = self.writer(producer, topic)?;
        match quick(|| producer.try_send(&writer, record.message(&borrowed)))? {
            Sent::Taken(delivery) => Ok(Bound::new(py, Delivery::new(delivery))?.into_any()),
            Sent::Full(lane) => Ok(lane.into_pyobject(py)?.into_any()),
        }
    }

    /// Rings `bell` with `number` when there is room again where `_try_send` found none.
    #[pyo3(name = "_on_room")]
    fn on_room(
        &self,
        topic: Option<&Bound<'_, PyAny>>,
        lane: usize,
        bell: &Bell,
        number: u64,
    ) -> PyResult<()> {
        let producer = self.inner.get()?;
        let writer = topic.map(|t| self.writer(producer, t)).transpose()?;
        producer.on_room(writer.as_ref().map(|w| (&**w, lane)), bell.ringer(number));
        Ok(())
    }

    /// The error of a send that found no room in time.
    #[pyo3(name = "_no_room")]
    fn no_room(&self) -> PyResult<()> {
        Err(to_py(self.inner.get()?.no_room()))
    }

    /// Rings `bell` with `number` when all that was sent before is delivered or has failed.
    #[pyo3(name = "_on_flushed")]
    fn on_flushed(&self, bell: &Bell, number: u64) -> PyResult<()> {
        let producer = self.inner.get()?;
        quick(|| producer.on_flushed(bell.ringer(number)))
    }

    /// Raises the first failure that nobody has seen.
    #[pyo3(name = "_take_failure")]
    fn take_failure(&self) -> PyResult<()> {
        let producer = self.inner.get()?;
        quick(|| producer.take_failure())
    }

    /// How long a send waits for room.
    #[getter(_max_block)]
    fn max_block(&self) -> PyResult<f64> {
        Ok(self.inner.get()?.options().block_max.as_secs_f64())
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
        partition: Option<Fit<i32>>,
    ) -> PyResult<Bulk> {
        self.begin_many(topic, values, keys, timestamps, headers, partition)?
            .send_all(py)
    }

    /// The same in steps that do not wait.
    #[pyo3(name = "_begin_many")]
    #[pyo3(signature = (topic, values, *, keys=None, timestamps=None, headers=None, partition=None))]
    fn begin_many(
        &self,
        topic: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        keys: Option<&Bound<'_, PyAny>>,
        timestamps: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        partition: Option<Fit<i32>>,
    ) -> PyResult<Sending> {
        let producer = self.inner.get()?;
        let writer = self.writer(producer, topic)?;
        let rows = ValueRows::new(values, keys, timestamps, headers, partition.map(|p| p.0))?;
        Ok(Sending::new(
            producer,
            &writer,
            Rows::Values(Box::new(rows)),
        ))
    }

    #[pyo3(signature = (topic, data, *, keep_partitions=false))]
    fn send_arrow(
        &self,
        py: Python<'_>,
        topic: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        keep_partitions: bool,
    ) -> PyResult<Bulk> {
        self.begin_arrow(topic, data, keep_partitions)?.send_all(py)
    }

    /// The same in steps that do not wait for room.
    #[pyo3(name = "_begin_arrow")]
    #[pyo3(signature = (topic, data, *, keep_partitions=false))]
    fn begin_arrow(
        &self,
        topic: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        keep_partitions: bool,
    ) -> PyResult<Sending> {
        let producer = self.inner.get()?;
        let writer = self.writer(producer, topic)?;
        let rows = Box::new(ArrowRows::open(data, keep_partitions)?);
        Ok(Sending::new(producer, &writer, Rows::Arrow(rows)))
    }

    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let producer = self.inner.get()?;
        let limit = seconds(timeout)?;
        let sent = enter(py, || producer.begin_flush())?;
        settle(py, limit, &sent)
    }

    /// Flushes for `timeout` seconds at most, then ends. Ctrl-C ends the wait, not the delivery.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let producer = self.inner.get()?;
        let limit = seconds(timeout)?.unwrap_or(levada::embedded::Database::FLUSH_TIMEOUT);
        match enter(py, || Ok(producer.begin_close()))? {
            Some(sent) => settle(py, Some(limit), &sent),
            None => Ok(()),
        }
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
        record: Option<&Bound<'_, Record>>,
    ) -> PyResult<()> {
        let producer = self.inner.get()?;
        let chosen = chosen(offsets, record.map(Bound::get))?;
        let (group, offsets) = consumer.for_transaction(py, chosen)?;
        enter(py, || producer.send_offsets(&group, offsets))
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

/// Waits until what was on its way is settled.
fn settle(py: Python<'_>, limit: Option<Duration>, sent: &Flush) -> PyResult<()> {
    let deadline = Deadline::after(limit);
    let found = wait(py, limit, |slice| Ok(sent.wait_within(slice)))?;
    // What was delivered has its callbacks called, also when something else was not.
    let called = wait(py, deadline.left(), |slice| {
        Ok(callbacks::wait_within(slice))
    })?;
    match (found, called) {
        (Some(outcome), Some(())) => outcome.or_raise(),
        _ => Err(late(limit)),
    }
}

fn late(timeout: Option<Duration>) -> PyErr {
    let ms = timeout.unwrap_or_default().as_millis();
    to_py(Error::new(
        Kind::Timeout,
        format!("not all records were delivered within {ms} ms: they may still be; flush again"),
    ))
}
