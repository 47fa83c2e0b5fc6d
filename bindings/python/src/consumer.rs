//! The consumer. Iterating reads ahead by one poll; every other call counts only what the iteration
//! has handed out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use levada::archive::arrow::Binary;
use levada::embedded::{COMMIT_TIMEOUT, CommitTicket};
use levada::embedded::{Consumer, ConsumerOptions, GroupMetadata, Start};
use levada::types::{Offset, Timestamp, TopicPartition};
use levada::{Error, Kind};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arrow::ArrowBatches;
use crate::bell::Bell;
use crate::convert::{Fit, settings};
use crate::database::Core;
use crate::enter::{Birth, Held, enter, quick, seconds, wait};
use crate::errors::to_py;
use crate::records::{Part, Record, Records};

type Name = (String, i32);

/// Records that were polled for the iteration and not handed out.
#[derive(Debug, Default)]
struct Ahead {
    parts: VecDeque<Arc<Part>>,
    /// Of the first part.
    next: usize,
}

#[pyclass(subclass, frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct ConsumerCore {
    inner: Held<Arc<Consumer>>,
    in_use: AtomicBool,
    woken: AtomicBool,
    ahead: Mutex<Ahead>,
    names: Mutex<HashMap<Arc<str>, Py<PyString>>>,
    /// How long an iteration waits for a record before it ends.
    idle: Option<Duration>,
}

/// One call at a time; see [`ConsumerCore::begin`].
struct InUse<'a>(&'a AtomicBool);

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl ConsumerCore {
    #[inline]
    fn begin(&self) -> PyResult<(&Consumer, InUse<'_>)> {
        let consumer = self.inner.get()?;
        if self.in_use.swap(true, Ordering::Acquire) {
            return Err(to_py(Error::new(
                Kind::Conflict,
                "the consumer is in use by another thread: give each thread its own",
            )));
        }
        Ok((consumer, InUse(&self.in_use)))
    }

    /// The first offset of each partition that was read ahead and not handed out.
    fn unused(&self) -> BTreeMap<TopicPartition, Offset> {
        let ahead = self.ahead.lock();
        let mut first = BTreeMap::new();
        for (at, part) in ahead.parts.iter().enumerate() {
            let index = if at == 0 { ahead.next } else { 0 };
            if let Some(span) = part.polled.span(index) {
                let name = part.polled.topic_partition().clone();
                first.entry(name).or_insert(span.offset);
            }
        }
        first
    }

    /// Takes back what was read ahead: the core stands where the iteration stands.
    fn give_back(&self, consumer: &Consumer) -> levada::Result<()> {
        let unused = self.unused();
        *self.ahead.lock() = Ahead::default();
        if unused.is_empty() || consumer.is_closed() {
            return Ok(());
        }
        consumer.rewind(&unused)
    }

    fn poll_parts(
        &self,
        py: Python<'_>,
        consumer: &Consumer,
        records_max: Option<usize>,
        timeout: Option<Duration>,
    ) -> PyResult<Vec<Arc<Part>>> {
        let polled = wait(py, timeout, |slice| {
            let found = consumer.poll(records_max, slice)?;
            Ok((!found.is_empty() || self.woken.swap(false, Ordering::SeqCst)).then_some(found))
        })?;
        let mut parts = Vec::new();
        let mut names = self.names.lock();
        for batch in polled.unwrap_or_default() {
            let topic = &batch.topic_partition().topic;
            let name = match names.get(topic) {
                Some(name) => name.clone_ref(py),
                None => {
                    let name = PyString::intern(py, topic).unbind();
                    names.insert(topic.clone(), name.clone_ref(py));
                    name
                }
            };
            parts.push(Part::new(batch, name));
        }
        Ok(parts)
    }

    #[inline]
    fn next_ahead(&self) -> Option<Record> {
        let mut ahead = self.ahead.lock();
        loop {
            let part = ahead.parts.front()?;
            if ahead.next < part.polled.len() {
                let record = Record::new(part.clone(), ahead.next);
                ahead.next += 1;
                if ahead.next == record_count(&ahead) {
                    ahead.parts.pop_front();
                    ahead.next = 0;
                }
                return Some(record);
            }
            ahead.parts.pop_front();
            ahead.next = 0;
        }
    }

    /// `None`: woken, or nothing came for as long as one may wait. It can go on later.
    #[inline]
    fn next_within(&self, py: Python<'_>, idle: Option<Duration>) -> PyResult<Option<Record>> {
        let (consumer, _alone) = self.begin()?;
        if let Some(record) = self.next_ahead() {
            return Ok(Some(record));
        }
        let parts = self.poll_parts(py, consumer, None, idle)?;
        self.ahead.lock().parts = parts.into();
        Ok(self.next_ahead())
    }

    /// Runs `call` alone, after what was read ahead was given back, without the interpreter lock.
    fn settled<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Consumer) -> levada::Result<T> + Send,
    ) -> PyResult<T> {
        let (consumer, _alone) = self.begin()?;
        enter(py, || {
            self.give_back(consumer)?;
            call(consumer)
        })
    }

    /// The offsets to commit: those given, or where the iteration stands.
    /// What a transaction takes of this consumer: its group, and where it stands or `offsets`.
    pub fn for_transaction(
        &self,
        py: Python<'_>,
        offsets: Option<Vec<(String, i32, i64)>>,
    ) -> PyResult<(GroupMetadata, BTreeMap<TopicPartition, Offset>)> {
        let (consumer, _alone) = self.begin()?;
        enter(py, || {
            let (group, positions) = consumer.group_positions()?;
            let offsets = self.to_commit(consumer, offsets)?;
            Ok((group, offsets.unwrap_or(positions)))
        })
    }

    fn to_commit(
        &self,
        consumer: &Consumer,
        offsets: Option<Vec<(String, i32, i64)>>,
    ) -> levada::Result<Option<BTreeMap<TopicPartition, Offset>>> {
        if let Some(offsets) = offsets {
            let named = offsets.into_iter();
            return Ok(Some(
                named
                    .map(|(t, p, o)| (TopicPartition::new(t, p), Offset(o)))
                    .collect(),
            ));
        }
        let unused = self.unused();
        if unused.is_empty() {
            return Ok(None);
        }
        let mut offsets = BTreeMap::new();
        for partition in consumer.assignment()? {
            let position = match unused.get(&partition) {
                Some(offset) => *offset,
                None => consumer.position(&partition)?,
            };
            offsets.insert(partition, position);
        }
        Ok(Some(offsets))
    }
}

fn record_count(ahead: &Ahead) -> usize {
    ahead.parts.front().map_or(0, |p| p.polled.len())
}

fn named((topic, partition): Name) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn pairs(list: Vec<TopicPartition>) -> Vec<Name> {
    list.into_iter()
        .map(|tp| (tp.topic.to_string(), tp.partition))
        .collect()
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
            ahead: Mutex::default(),
            names: Mutex::default(),
            idle,
        })
    }

    #[pyo3(name = "_subscribe")]
    fn subscribe(&self, py: Python<'_>, topics: Vec<String>) -> PyResult<()> {
        self.settled(py, |c| {
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            c.subscribe(&topics)
        })
    }

    #[pyo3(name = "_subscribe_pattern")]
    fn subscribe_pattern(&self, py: Python<'_>, pattern: &str) -> PyResult<()> {
        self.settled(py, |c| c.subscribe_pattern(pattern))
    }

    fn unsubscribe(&self, py: Python<'_>) -> PyResult<()> {
        self.settled(py, Consumer::unsubscribe)
    }

    #[pyo3(name = "_assign")]
    fn assign(&self, py: Python<'_>, partitions: Vec<Name>) -> PyResult<()> {
        let partitions: Vec<_> = partitions.into_iter().map(named).collect();
        self.settled(py, |c| c.assign(&partitions))
    }

    fn assignment(&self, py: Python<'_>) -> PyResult<Vec<Name>> {
        let (consumer, _alone) = self.begin()?;
        enter(py, || consumer.assignment()).map(pairs)
    }

    fn subscription(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let (consumer, _alone) = self.begin()?;
        let names = enter(py, || consumer.subscription())?;
        Ok(names.iter().map(|n| n.to_string()).collect())
    }

    fn member(&self, py: Python<'_>) -> PyResult<Option<(String, i32)>> {
        let (consumer, _alone) = self.begin()?;
        let member = enter(py, || consumer.member())?;
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
        let (consumer, _alone) = self.begin()?;
        if max_records == Some(0) {
            return Err(to_py(Error::invalid(
                "max_records is 0: ask for one at least",
            )));
        }
        enter(py, || self.give_back(consumer))?;
        let parts = self.poll_parts(py, consumer, max_records, seconds(timeout)?)?;
        Ok(Records::new(parts))
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
        let (consumer, _alone) = self.begin()?;
        let timeout = seconds(timeout)?;
        enter(py, || self.give_back(consumer))?;
        let raw = wait(py, timeout, |slice| {
            let found = consumer.poll_raw(max_bytes, slice)?;
            Ok((!found.is_empty() || self.woken.swap(false, Ordering::SeqCst)).then_some(found))
        })?;
        let binary = if view { Binary::View } else { Binary::Large };
        enter(py, || {
            let several = consumer.reads_several_topics()?;
            crate::arrow::convert(raw.unwrap_or_default(), binary, several)
        })
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

    /// The next record of those that were read ahead.
    #[pyo3(name = "_next_ahead")]
    fn take_ahead(&self) -> PyResult<Option<Record>> {
        let (_, _alone) = self.begin()?;
        Ok(self.next_ahead())
    }

    /// Whether a poll has more to do than to read; then an event loop calls `_keep_up` elsewhere.
    #[pyo3(name = "_has_news")]
    fn has_news(&self) -> PyResult<bool> {
        let (consumer, _alone) = self.begin()?;
        quick(|| consumer.has_news())
    }

    #[pyo3(name = "_keep_up")]
    fn keep_up(&self, py: Python<'_>) -> PyResult<()> {
        self.settled(py, Consumer::keep_up)
    }

    /// Commits and waits until it is durable.
    #[pyo3(name = "_commit")]
    #[pyo3(signature = (offsets=None))]
    fn commit(&self, py: Python<'_>, offsets: Option<Vec<(String, i32, i64)>>) -> PyResult<()> {
        let (consumer, _alone) = self.begin()?;
        let ticket = enter(py, || {
            let offsets = self.to_commit(consumer, offsets)?;
            consumer.commit_async(offsets.as_ref())
        })?;
        ticket.map_or(Ok(()), |ticket| settled(py, &ticket, Some(COMMIT_TIMEOUT)))
    }

    /// Commits without waiting; `None` when there was nothing to commit.
    #[pyo3(name = "_commit_async")]
    #[pyo3(signature = (offsets=None))]
    fn commit_async(
        &self,
        py: Python<'_>,
        offsets: Option<Vec<(String, i32, i64)>>,
    ) -> PyResult<Option<Commit>> {
        let (consumer, _alone) = self.begin()?;
        let ticket = enter(py, || {
            let offsets = self.to_commit(consumer, offsets)?;
            consumer.commit_async(offsets.as_ref())
        })?;
        Ok(ticket.map(Commit::new))
    }

    #[pyo3(name = "_seek")]
    fn seek(&self, py: Python<'_>, partition: Name, offset: i64) -> PyResult<()> {
        let partition = named(partition);
        self.settled(py, |c| c.seek(&partition, Offset(offset)))
    }

    #[pyo3(name = "_seek_to_time")]
    fn seek_to_time(&self, py: Python<'_>, partition: Name, ms: i64) -> PyResult<i64> {
        let partition = named(partition);
        self.settled(py, |c| c.seek_to_time(&partition, Timestamp(ms)))
            .map(Offset::get)
    }

    #[pyo3(name = "_position")]
    fn position(&self, py: Python<'_>, partition: Name) -> PyResult<i64> {
        let (consumer, _alone) = self.begin()?;
        let partition = named(partition);
        if let Some(offset) = self.unused().get(&partition) {
            return Ok(offset.get());
        }
        enter(py, || consumer.position(&partition)).map(Offset::get)
    }

    #[pyo3(name = "_committed")]
    fn committed(&self, py: Python<'_>, partition: Name) -> PyResult<Option<i64>> {
        let (consumer, _alone) = self.begin()?;
        let partition = named(partition);
        let found = enter(py, || consumer.committed(&partition))?;
        Ok(found.map(|c| c.offset.get()))
    }

    #[pyo3(name = "_bounds")]
    fn bounds(&self, py: Python<'_>, partition: Name) -> PyResult<(i64, i64)> {
        let (consumer, _alone) = self.begin()?;
        let partition = named(partition);
        let (from, to) = enter(py, || consumer.bounds(&partition))?;
        Ok((from.get(), to.get()))
    }

    #[pyo3(name = "_lag")]
    fn lag(&self, py: Python<'_>) -> PyResult<Vec<(Name, i64)>> {
        let (consumer, _alone) = self.begin()?;
        let unused = self.unused();
        enter(py, || {
            let mut lags = Vec::new();
            for (partition, lag) in consumer.lag()? {
                let lag = match unused.get(&partition) {
                    Some(first) => lag + consumer.position(&partition)?.since(*first),
                    None => lag,
                };
                lags.push(((partition.topic.to_string(), partition.partition), lag));
            }
            Ok(lags)
        })
    }

    #[pyo3(name = "_pause")]
    fn pause(&self, py: Python<'_>, partitions: Vec<Name>) -> PyResult<()> {
        let partitions: Vec<_> = partitions.into_iter().map(named).collect();
        self.settled(py, |c| c.pause(&partitions))
    }

    #[pyo3(name = "_resume")]
    fn resume(&self, py: Python<'_>, partitions: Vec<Name>) -> PyResult<()> {
        let partitions: Vec<_> = partitions.into_iter().map(named).collect();
        self.settled(py, |c| c.resume(&partitions))
    }

    fn paused(&self, py: Python<'_>) -> PyResult<Vec<Name>> {
        let (consumer, _alone) = self.begin()?;
        enter(py, || consumer.paused()).map(pairs)
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
        let (consumer, _alone) = self.begin()?;
        let ringer = bell.ringer(number);
        enter(py, || consumer.on_ready(ringer))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let consumer = self.inner.get()?;
        self.woken.store(true, Ordering::SeqCst);
        consumer.wakeup();
        enter(py, || {
            // A call under way in another thread owns the position; it ends when `close` wakes it.
            let alone = !self.in_use.swap(true, Ordering::Acquire);
            let _alone = alone.then(|| InUse(&self.in_use));
            if alone && !consumer.is_closed() {
                self.give_back(consumer)?;
            }
            consumer.close()
        })
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

/// Waits until the offsets are durable.
fn settled(py: Python<'_>, ticket: &CommitTicket, timeout: Option<Duration>) -> PyResult<()> {
    let found = wait(py, timeout, |slice| ticket.wait_within(slice).transpose())?;
    found.ok_or_else(|| {
        to_py(Error::new(
            Kind::Timeout,
            "the offsets were not durable in time: they may still become so",
        ))
    })
}

/// A commit on its way.
#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct Commit {
    ticket: CommitTicket,
    birth: Birth,
}

impl Commit {
    fn new(ticket: CommitTicket) -> Commit {
        Commit {
            ticket,
            birth: Birth::now(),
        }
    }
}

#[pymethods]
impl Commit {
    fn done(&self) -> bool {
        self.ticket.is_done()
    }

    /// Waits until the offsets are durable.
    #[pyo3(signature = (timeout=None))]
    fn result(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        self.birth.check()?;
        settled(py, &self.ticket, seconds(timeout)?)
    }

    fn notify(&self, bell: &Bell, number: u64) -> PyResult<()> {
        self.birth.check()?;
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
