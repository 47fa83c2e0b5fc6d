//! The consumer. Iterating reads ahead by one poll; what counts is what it has handed out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use levada::archive::arrow::Binary;
use levada::embedded::arrow::record_batches;
use levada::embedded::{CommitTicket, GroupMetadata, OffsetCommit};
use levada::embedded::{Consumer, ConsumerOptions, Handed, PolledBatch, SeekTo, Start};
use levada::sync::Mutex;
use levada::types::{Offset, Timestamp, TopicPartition};
use levada::{Error, Kind};
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::PyString;

use crate::arrow::ArrowBatches;
use crate::bell::Bell;
use crate::convert::{Fit, settings};
use crate::database::Core;
use crate::enter::{Birth, Held, enter, quick, seconds, wait};
use crate::errors::{OrRaise, to_py};
use crate::hears::Hears;
use crate::records::{Part, Record, Records};

type Name = (String, i32);

#[pyclass(subclass, frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct ConsumerCore {
    inner: Held<Arc<Consumer>>,
    in_use: AtomicBool,
    woken: AtomicBool,
    /// The batch that the iteration is in.
    current: Mutex<Option<Arc<Part>>>,
    names: Mutex<HashMap<Arc<str>, Py<PyString>>>,
    /// How long an iteration waits for a record before it ends.
    idle: Option<Duration>,
    hears: Arc<Hears>,
}

/// One call at a time; see [`ConsumerCore::begin`].
struct InUse<'a>(Option<&'a AtomicBool>);

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if let Some(in_use) = self.0 {
            in_use.store(false, Ordering::Release);
        }
    }
}

impl ConsumerCore {
    /// A listener of rebalances gets in: it is part of the call under way.
    #[inline]
    fn begin(&self) -> PyResult<(&Consumer, InUse<'_>)> {
        let consumer = self.inner.get()?;
        if !self.in_use.swap(true, Ordering::Acquire) {
            return Ok((consumer, InUse(Some(&self.in_use))));
        }
        if consumer.is_in_listener() {
            return Ok((consumer, InUse(None)));
        }
        Err(to_py(match consumer.is_closed() {
            true => Error::closed("the consumer is closed: make another"),
            false => Error::new(
                Kind::Conflict,
                "the consumer is in use by another thread: give each thread its own",
            ),
        }))
    }

    /// Runs `call` alone and without the interpreter lock.
    fn alone<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Consumer) -> levada::Result<T> + Send,
    ) -> PyResult<T> {
        let (consumer, _alone) = self.begin()?;
        enter(py, || call(consumer)).map_err(|e| self.hears.or_raised(e))
    }

    /// The same for a call that waits: in slices, until it gives something or somebody wakes it.
    fn waiting<T: Send>(
        &self,
        py: Python<'_>,
        timeout: Option<Duration>,
        mut call: impl FnMut(&Consumer, Duration) -> levada::Result<Option<T>> + Send,
    ) -> PyResult<Option<T>> {
        let (consumer, _alone) = self.begin()?;
        let found = wait(py, timeout, |slice| {
            let found = call(consumer, slice)?;
            let over = found.is_some() || self.woken.swap(false, Ordering::SeqCst);
            Ok(over.then_some(found))
        });
        found
            .map(Option::flatten)
            .map_err(|e| self.hears.or_raised(e))
    }

    /// What a transaction takes of this consumer: its group, and where it stands or what is `chosen`.
    pub fn for_transaction(
        &self,
        py: Python<'_>,
        chosen: Option<Vec<OffsetCommit>>,
    ) -> PyResult<(GroupMetadata, Vec<OffsetCommit>)> {
        self.alone(py, |c| c.group_offsets(chosen))
    }

    fn part(&self, py: Python<'_>, batch: PolledBatch) -> Arc<Part> {
        let mut names = self.names.lock();
        let topic = &batch.topic_partition().topic;
        let name = match names.get(topic) {
            Some(name) => name.clone_ref(py),
            None => {
                let name = PyString::intern(py, topic).unbind();
                names.insert(topic.clone(), name.clone_ref(py));
                name
            }
        };
        Part::new(batch, name)
    }

    #[inline]
    fn record(&self, py: Python<'_>, handed: Handed) -> PyResult<Record> {
        let mut current = self.current.lock();
        if let Some(batch) = handed.batch {
            *current = Some(self.part(py, batch));
        }
        let part = current.clone();
        let part = part.ok_or_else(|| to_py(Error::internal("a record without its batch")))?;
        Ok(Record::new(part, handed.index))
    }

    /// `None`: woken, or nothing came for as long as one may wait. It can go on later.
    #[inline]
    fn next_within(&self, py: Python<'_>, idle: Option<Duration>) -> PyResult<Option<Record>> {
        let ready = {
            let (consumer, _alone) = self.begin()?;
            consumer.next_ahead()
        };
        let handed = match ready {
            Some(handed) => Some(handed),
            None => self.waiting(py, idle, |c, slice| c.next(slice))?,
        };
        handed.map(|handed| self.record(py, handed)).transpose()
    }

    fn commit_what(
        &self,
        py: Python<'_>,
        offsets: Option<Vec<(String, i32, i64)>>,
        record: Option<&Record>,
    ) -> PyResult<Option<Commit>> {
        let chosen = chosen(offsets, record)?;
        let ticket = self.alone(py, |c| match chosen {
            Some(offsets) => c.commit_offsets(offsets),
            None => c.commit_async(None),
        })?;
        let timeout = self.inner.get()?.options().default_timeout;
        Ok(ticket.map(|ticket| Commit {
            ticket,
            timeout,
            birth: Birth::now(),
        }))
    }

    fn end(&self, py: Python<'_>, failed: bool) -> PyResult<()> {
        let consumer = self.inner.get()?;
        self.woken.store(true, Ordering::SeqCst);
        consumer.wakeup();
        let closed = enter(py, || match failed {
            true => consumer.close_after_failure(),
            false => consumer.close(),
        });
        *self.current.lock() = None;
        let closed = closed.map_err(|e| self.hears.or_raised(e));
        self.hears.set(None);
        closed
    }
}

/// The offsets that were named, and that behind a record; `None` when there are neither.
pub fn chosen(
    offsets: Option<Vec<(String, i32, i64)>>,
    record: Option<&Record>,
) -> PyResult<Option<Vec<OffsetCommit>>> {
    let mut chosen = offsets.map(|offsets| {
        let offsets = offsets.into_iter();
        offsets
            .map(|(t, p, o)| OffsetCommit::new(t, p, Offset(o)))
            .collect::<Vec<_>>()
    });
    if let Some(record) = record {
        chosen.get_or_insert_default().push(record.behind()?);
    }
    Ok(chosen)
}

fn named((topic, partition): Name) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn pairs(list: Vec<TopicPartition>) -> Vec<Name> {
    list.into_iter()
        .map(|tp| (tp.topic.to_string(), tp.partition))
        .collect()
}

fn not_empty<T>(found: Vec<T>) -> Option<Vec<T>> {
    (!found.is_empty()).then_some(found)
}

#[pymethods]
impl ConsumerCore {
    /// `start_ms` and `start_offsets` go before `auto.offset.reset`.
    #[new]
    fn new(
        py: Python<'_>,
        core: &Core,
        config: Vec<(String, String)>,
        start_ms: Option<i64>,
        start_offsets: Vec<(String, i32, i64)>,
        idle_timeout: Option<f64>,
    ) -> PyResult<ConsumerCore> {
        let database = core.database()?;
        let own = settings(config);
        let idle = seconds(idle_timeout)?;
        let inner = enter(py, || {
            let now = database.engine().clock().now();
            let mut options = ConsumerOptions::from_settings(&own, now)?;
            if let Some(ms) = start_ms {
                options.start = Start::Time(Timestamp(ms));
            }
            options.start_offsets = start_offsets
                .into_iter()
                .map(|(t, p, o)| (TopicPartition::new(t, p), Offset(o)))
                .collect();
            database.consumer(options)
        })?;
        Ok(ConsumerCore {
            inner: Held::new(Arc::new(inner)),
            in_use: AtomicBool::new(false),
            woken: AtomicBool::new(false),
            current: Mutex::default(),
            names: Mutex::default(),
            idle,
            hears: Arc::default(),
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.hears.traverse(&visit)
    }

    fn __clear__(&self) {
        self.hears.set(None);
    }

    /// Has `callback` hear of rebalances from now on; `None`: nobody.
    #[pyo3(name = "_hear")]
    fn hear(&self, py: Python<'_>, callback: Option<Py<PyAny>>) -> PyResult<()> {
        let some = callback.is_some();
        let hears = self.hears.clone();
        self.alone(py, |c| {
            c.on_rebalance(some.then(|| -> levada::embedded::OnRebalance {
                Arc::new(move |what, partitions| hears.hear(what, partitions))
            }))
        })?;
        self.hears.set(callback);
        Ok(())
    }

    #[pyo3(name = "_subscribe")]
    fn subscribe(&self, py: Python<'_>, topics: Vec<String>) -> PyResult<()> {
        self.alone(py, |c| {
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            c.subscribe(&topics)
        })
    }

    #[pyo3(name = "_subscribe_pattern")]
    fn subscribe_pattern(&self, py: Python<'_>, pattern: &str) -> PyResult<()> {
        self.alone(py, |c| c.subscribe_pattern(pattern))
    }

    fn unsubscribe(&self, py: Python<'_>) -> PyResult<()> {
        self.alone(py, Consumer::unsubscribe)
    }

    #[pyo3(name = "_assign")]
    fn assign(&self, py: Python<'_>, partitions: Vec<Name>) -> PyResult<()> {
        let partitions: Vec<_> = partitions.into_iter().map(named).collect();
        self.alone(py, |c| c.assign(&partitions))
    }

    fn assignment(&self, py: Python<'_>) -> PyResult<Vec<Name>> {
        self.alone(py, Consumer::assignment).map(pairs)
    }

    fn subscription(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let names = self.alone(py, Consumer::subscription)?;
        Ok(names.iter().map(|n| n.to_string()).collect())
    }

    fn member(&self, py: Python<'_>) -> PyResult<Option<(String, i32)>> {
        let member = self.alone(py, Consumer::member)?;
        Ok(member.map(|(id, epoch)| (id.to_string(), epoch)))
    }

    #[pyo3(signature = (max_records=None, timeout=1.0))]
    fn poll(
        &self,
        py: Python<'_>,
        max_records: Option<Fit<usize>>,
        timeout: Option<f64>,
    ) -> PyResult<Records> {
        let max_records = max_records.map(|n| n.0);
        if max_records == Some(0) {
            return Err(to_py(Error::invalid(
                "max_records is 0: ask for one at least",
            )));
        }
        let polled = self.waiting(py, seconds(timeout)?, |c, slice| {
            c.poll(max_records, slice).map(not_empty)
        })?;
        let parts = polled.unwrap_or_default().into_iter();
        Ok(Records::new(
            parts.map(|batch| self.part(py, batch)).collect(),
        ))
    }

    #[pyo3(signature = (max_bytes=None, timeout=1.0, *, view=true))]
    fn poll_arrow(
        &self,
        py: Python<'_>,
        max_bytes: Option<Fit<usize>>,
        timeout: Option<f64>,
        view: bool,
    ) -> PyResult<ArrowBatches> {
        let max_bytes = max_bytes.map(|n| n.0);
        let raw = self.waiting(py, seconds(timeout)?, |c, slice| {
            c.poll_raw(max_bytes, slice).map(not_empty)
        })?;
        let binary = if view { Binary::View } else { Binary::Large };
        self.alone(py, |c| {
            let several = c.reads_several_topics()?;
            record_batches(raw.unwrap_or_default(), binary, several)
        })
        .map(|(schema, batches)| ArrowBatches::new(schema, batches))
    }

    fn __iter__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        self.next_within(py, self.idle)
    }

    /// The next record if it is there.
    #[pyo3(name = "_next_ready")]
    fn next_ready(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        self.next_within(py, Some(Duration::ZERO))
    }

    /// The next record if it was read ahead and nothing else must be done first.
    #[pyo3(name = "_next_ahead")]
    fn take_ahead(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        let (consumer, _alone) = self.begin()?;
        let handed = consumer.next_ahead();
        handed.map(|handed| self.record(py, handed)).transpose()
    }

    /// Whether a poll has more to do than to read; then an event loop calls `_keep_up` elsewhere.
    #[pyo3(name = "_has_news")]
    fn has_news(&self) -> PyResult<bool> {
        let (consumer, _alone) = self.begin()?;
        quick(|| consumer.has_news())
    }

    #[pyo3(name = "_keep_up")]
    fn keep_up(&self, py: Python<'_>) -> PyResult<()> {
        self.alone(py, Consumer::keep_up)
    }

    /// Commits and waits until it is durable.
    #[pyo3(name = "_commit")]
    #[pyo3(signature = (offsets=None, record=None))]
    fn commit(
        &self,
        py: Python<'_>,
        offsets: Option<Vec<(String, i32, i64)>>,
        record: Option<&Bound<'_, Record>>,
    ) -> PyResult<()> {
        match self.commit_what(py, offsets, record.map(Bound::get))? {
            Some(commit) => commit.result(py, None),
            None => Ok(()),
        }
    }

    /// Commits without waiting; `None` when there was nothing to commit.
    #[pyo3(name = "_commit_async")]
    #[pyo3(signature = (offsets=None, record=None))]
    fn commit_async(
        &self,
        py: Python<'_>,
        offsets: Option<Vec<(String, i32, i64)>>,
        record: Option<&Bound<'_, Record>>,
    ) -> PyResult<Option<Commit>> {
        self.commit_what(py, offsets, record.map(Bound::get))
    }

    /// In one partition, or in all; so do the three that follow.
    #[pyo3(name = "_seek")]
    fn seek(&self, py: Python<'_>, partition: Option<Name>, offset: i64) -> PyResult<()> {
        self.seek_to(py, partition, SeekTo::Offset(Offset(offset)))
    }

    #[pyo3(name = "_seek_to_time")]
    fn seek_to_time(&self, py: Python<'_>, partition: Option<Name>, ms: i64) -> PyResult<()> {
        self.seek_to(py, partition, SeekTo::Time(Timestamp(ms)))
    }

    #[pyo3(name = "_seek_to_beginning")]
    fn seek_to_beginning(&self, py: Python<'_>, partition: Option<Name>) -> PyResult<()> {
        self.seek_to(py, partition, SeekTo::Beginning)
    }

    #[pyo3(name = "_seek_to_end")]
    fn seek_to_end(&self, py: Python<'_>, partition: Option<Name>) -> PyResult<()> {
        self.seek_to(py, partition, SeekTo::End)
    }

    #[pyo3(name = "_position")]
    fn position(&self, py: Python<'_>, partition: Name) -> PyResult<i64> {
        let partition = named(partition);
        self.alone(py, |c| c.position(&partition)).map(Offset::get)
    }

    #[pyo3(name = "_committed")]
    fn committed(&self, py: Python<'_>, partition: Name) -> PyResult<Option<i64>> {
        let partition = named(partition);
        let found = self.alone(py, |c| c.committed(&partition))?;
        Ok(found.map(|c| c.offset.get()))
    }

    #[pyo3(name = "_bounds")]
    fn bounds(&self, py: Python<'_>, partition: Name) -> PyResult<(i64, i64)> {
        let partition = named(partition);
        let (from, to) = self.alone(py, |c| c.bounds(&partition))?;
        Ok((from.get(), to.get()))
    }

    #[pyo3(name = "_lag")]
    fn lag(&self, py: Python<'_>) -> PyResult<Vec<(Name, i64)>> {
        let lags = self.alone(py, Consumer::lag)?;
        let row = |(p, lag): (TopicPartition, i64)| ((p.topic.to_string(), p.partition), lag);
        Ok(lags.into_iter().map(row).collect())
    }

    /// These partitions, or all.
    #[pyo3(name = "_pause")]
    fn pause(&self, py: Python<'_>, partitions: Option<Vec<Name>>) -> PyResult<()> {
        let names = partitions.map(|p| p.into_iter().map(named).collect::<Vec<_>>());
        self.alone(py, |c| names.map_or_else(|| c.pause_all(), |n| c.pause(&n)))
    }

    #[pyo3(name = "_resume")]
    fn resume(&self, py: Python<'_>, partitions: Option<Vec<Name>>) -> PyResult<()> {
        let names = partitions.map(|p| p.into_iter().map(named).collect::<Vec<_>>());
        self.alone(py, |c| {
            names.map_or_else(|| c.resume_all(), |n| c.resume(&n))
        })
    }

    fn paused(&self, py: Python<'_>) -> PyResult<Vec<Name>> {
        self.alone(py, Consumer::paused).map(pairs)
    }

    /// Makes a poll or an iteration that waits return; from any thread.
    fn wakeup(&self) -> PyResult<()> {
        let consumer = self.inner.get()?;
        self.woken.store(true, Ordering::SeqCst);
        consumer.wakeup();
        Ok(())
    }

    /// Rings `bell` with `number` once when a poll may find something.
    fn notify(&self, py: Python<'_>, bell: &Bell, number: u64) -> PyResult<()> {
        let ringer = bell.ringer(number);
        self.alone(py, |c| c.on_ready(ringer))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py, false)
    }

    /// What was handed out last is not committed.
    #[pyo3(name = "_close_after_failure")]
    fn close_after_failure(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py, true)
    }

    /// Seconds after which whoever waits with a bell polls nevertheless.
    #[getter(_look_again_after)]
    fn look_again_after(&self) -> PyResult<f64> {
        Ok(self.inner.get()?.look_again_after().as_secs_f64())
    }

    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.inner.get()?.is_closed())
    }

    #[getter]
    fn group_id(&self) -> PyResult<Option<String>> {
        Ok(self.inner.get()?.options().group.clone())
    }
}

impl ConsumerCore {
    fn seek_to(&self, py: Python<'_>, partition: Option<Name>, to: SeekTo) -> PyResult<()> {
        let partition = partition.map(named);
        self.alone(py, |c| c.seek_to(partition.as_ref(), to))
    }
}

/// A commit on its way.
#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct Commit {
    ticket: CommitTicket,
    /// `default.api.timeout.ms`.
    timeout: Duration,
    birth: Birth,
}

#[pymethods]
impl Commit {
    fn done(&self) -> bool {
        self.ticket.is_done()
    }

    /// Waits until the offsets are durable.
    #[pyo3(signature = (timeout=None))]
    fn result(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        self.birth.check().or_raise()?;
        let timeout = seconds(timeout)?.unwrap_or(self.timeout);
        let done = wait(py, Some(timeout), |slice| {
            self.ticket.wait_within(slice).transpose()
        })?;
        done.ok_or_else(|| {
            to_py(Error::new(
                Kind::Timeout,
                "the offsets were not durable in time: they may still become so",
            ))
        })
    }

    /// Seconds that it may take.
    #[getter(_timeout)]
    fn timeout(&self) -> f64 {
        self.timeout.as_secs_f64()
    }

    fn notify(&self, bell: &Bell, number: u64) -> PyResult<()> {
        self.birth.check().or_raise()?;
        self.ticket.on_done(bell.ringer(number));
        Ok(())
    }

    fn __repr__(&self) -> String {
        let state = if self.ticket.is_done() {
            "done"
        } else {
            "pending"
        };
        format!("<levada.Commit {state}>")
    }
}
