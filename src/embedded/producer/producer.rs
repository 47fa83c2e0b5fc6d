//! The producer's face.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::budget::Budget;
use super::bulk::Bulk;
use super::delivery::Delivery;
use super::failures::Failures;
use super::flush::Flush;
use super::lane::{Lane, LaneShared, Pushed, Row};
use super::options::{Acks, ProducerOptions};
use super::sender::Sender;
use super::topic::TopicWriter;
use super::transaction::Transactional;
use crate::engine::Engine;
use crate::engine::txn::ProducerIdentity;
use crate::error::{Error, Kind, Result};
use crate::sync::RwLock;
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

/// A record to send, borrowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    /// `None`: by key, or the producer's choice.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
    /// `None`: now.
    pub timestamp: Option<Timestamp>,
}

/// What an attempt that must not wait came to.
#[derive(Debug)]
pub enum Sent {
    Taken(Delivery),
    /// No room: call [`Producer::make_room`], then try again.
    Full(usize),
}

/// Sends records to topics. Shared by threads; cheap to clone by `Arc`.
///
/// Records of one thread to one partition keep their order. With `levada.durability=disk` a delivery
/// that is done is on the disk. `close` delivers what is left; a producer that is dropped does too.
#[derive(Debug)]
pub struct Producer {
    pub(super) engine: Engine,
    pub(super) shared: Arc<LaneShared>,
    pub(super) sender: Arc<Sender>,
    /// Writers by topic name; replaced when the metadata has changed.
    topics: RwLock<HashMap<Arc<str>, Arc<TopicWriter>>>,
    closed: AtomicBool,
}

impl Producer {
    pub(crate) fn new(engine: Engine, options: ProducerOptions) -> Result<Producer> {
        let budget = Arc::new(Budget::new(options.buffer_bytes));
        let failures = Arc::new(Failures::default());
        let (producer, transactional) = identify(&engine, &options, &failures)?;
        let sender = Sender::start(engine.clock().clone(), options.linger)?;
        let shared = Arc::new(LaneShared {
            options,
            budget,
            failures,
            clock: engine.clock().clone(),
            producer,
            transactional,
        });
        Ok(Producer {
            engine,
            shared,
            sender,
            topics: RwLock::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// Sends one record; waits for room up to `max.block.ms` when the buffer is full.
    ///
    /// Errors: Invalid (too large, bad timestamp, no key on a compacted topic), NotFound (topic or
    /// partition), Timeout (no room in time), Closed.
    pub fn send(&self, topic: &str, message: Message<'_>) -> Result<Delivery> {
        loop {
            let writer = self.topic(topic)?;
            match self.try_send(&writer, message)? {
                Sent::Taken(delivery) => return Ok(delivery),
                Sent::Full(lane) => self.make_room(&writer, lane)?,
            }
        }
    }

    /// A topic to send to, as it is now. Cheap while the metadata stays the same.
    pub fn topic(&self, name: &str) -> Result<Arc<TopicWriter>> {
        let version = self.engine.metadata_version();
        let known = self.topics.read().get(name).cloned();
        match known {
            Some(writer) if writer.version() == version => Ok(writer),
            _ => self.refresh(name, version),
        }
    }

    /// Whether `writer` still describes its topic.
    pub fn is_current(&self, writer: &TopicWriter) -> bool {
        writer.version() == self.engine.metadata_version()
    }

    /// Sends without ever waiting or touching the disk.
    pub fn try_send(&self, writer: &TopicWriter, message: Message<'_>) -> Result<Sent> {
        self.check_open()?;
        if let Some(transactional) = &self.shared.transactional {
            transactional.check_may_send()?;
        }
        let timestamp = message
            .timestamp
            .unwrap_or_else(|| self.engine.clock().now());
        let row = Row {
            timestamp,
            key: message.key,
            value: message.value,
            headers: message.headers,
        };
        writer.check(&row, &**self.engine.clock(), message.timestamp.is_some())?;
        let sticky = message.partition.is_none() && message.key.is_none();
        loop {
            let chosen = writer.choose(message.partition, message.key)?;
            if self.shared.budget.is_exceeded() {
                return Ok(Sent::Full(chosen));
            }
            let Some(lane) = writer.lanes.get(chosen) else {
                return Ok(Sent::Full(chosen));
            };
            match lane.push(row, sticky, writer.batch_bytes_max(), || {
                self.engine.clock().monotonic()
            }) {
                Pushed::Full { turn } => {
                    if turn {
                        writer.turn(chosen);
                    }
                    return Ok(Sent::Full(chosen));
                }
                // Its count begins anew, so that it takes the record if it is chosen again.
                Pushed::Turn => writer.turn(chosen),
                Pushed::Taken {
                    delivery,
                    first,
                    full,
                    turn,
                } => {
                    if turn {
                        writer.turn(chosen);
                    }
                    self.announce(lane, first, full);
                    return Ok(Sent::Taken(delivery));
                }
            }
        }
    }

    /// The same for one record of many: takes it into `bulk`, or says which lane is full.
    pub fn offer(
        &self,
        writer: &TopicWriter,
        message: Message<'_>,
        bulk: &mut Bulk,
    ) -> Result<Option<usize>> {
        match self.try_send(writer, message)? {
            Sent::Taken(delivery) => {
                bulk.add(delivery);
                Ok(None)
            }
            Sent::Full(lane) => Ok(Some(lane)),
        }
    }

    /// Appends what waits for lane `lane`, and waits until the buffer has room again.
    pub fn make_room(&self, writer: &TopicWriter, lane: usize) -> Result<()> {
        let timeout = self.shared.options.block_max;
        if self.make_room_within(writer, lane, timeout) {
            return Ok(());
        }
        Err(self.no_room())
    }

    /// The same for a caller that waits in slices; gives whether there is room.
    pub fn make_room_within(&self, writer: &TopicWriter, lane: usize, timeout: Duration) -> bool {
        if let Some(lane) = writer.lanes.get(lane) {
            lane.drain();
        }
        self.room_within(timeout)
    }

    /// Waits until the buffer has room; gives whether it has.
    pub fn room_within(&self, timeout: Duration) -> bool {
        if !self.shared.budget.is_exceeded() {
            return true;
        }
        self.drain_all();
        self.shared.budget.wait_for_room(timeout)
    }

    /// The error of a send that found no room within `max.block.ms`.
    pub fn no_room(&self) -> Error {
        let (used, ms) = (
            self.shared.budget.used_bytes(),
            self.shared.options.block_max.as_millis(),
        );
        let message = format!(
            "no room in the producer's buffer within {ms} ms ({used} bytes wait for the disk): send slower, or raise buffer.memory"
        );
        Error::new(Kind::Timeout, message)
    }

    pub fn options(&self) -> &ProducerOptions {
        &self.shared.options
    }

    /// Sends many records with one handle for all; waits for room as [`Producer::send`] does. Records
    /// without key or partition fill one batch after the other.
    pub fn send_all<'a>(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = Message<'a>>,
    ) -> Result<Bulk> {
        let mut bulk = Bulk::default();
        let mut writer = self.topic(topic)?;
        for message in messages {
            while let Some(lane) = self.offer(&writer, message, &mut bulk)? {
                self.make_room(&writer, lane)?;
                writer = self.topic(topic)?;
            }
        }
        Ok(bulk)
    }

    /// Appends all that was sent before and waits until it is delivered.
    ///
    /// Errors: Timeout; and the first failed delivery that nobody has looked at yet.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.begin_flush()?.wait(timeout)
    }

    /// The same for a caller that waits in slices: appends all that was sent before; wait on what it
    /// gives.
    pub fn begin_flush(&self) -> Result<Flush> {
        self.check_open()?;
        Ok(self.on_its_way())
    }

    /// Flushes and ends the producer's thread; a transaction that is open is aborted. A second close
    /// waits for what the first had no time for.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        let flush = self.end(timeout).unwrap_or_else(|| self.on_its_way());
        flush.wait(timeout)
    }

    /// The same for a caller that waits in slices. From here on the producer is closed; what was sent
    /// is delivered whether somebody waits or not. `None` when it was closed before.
    pub fn begin_close(&self) -> Option<Flush> {
        self.end(self.shared.options.block_max)
    }

    /// `timeout` is for the abort of a transaction that is open.
    fn end(&self, timeout: Duration) -> Option<Flush> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return None;
        }
        self.sender.stop();
        self.abort_open(timeout);
        Some(self.on_its_way())
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Bytes that are sent and not delivered.
    pub fn buffered_bytes(&self) -> usize {
        self.shared.budget.used_bytes()
    }

    /// Appends all that was sent before and waits until it is settled.
    pub(super) fn deliver_all(&self, timeout: Duration) -> Result<()> {
        self.on_its_way().wait(timeout)
    }

    fn on_its_way(&self) -> Flush {
        self.drain_all();
        let lanes = self.lanes();
        Flush {
            newest: lanes
                .iter()
                .filter_map(|lane| lane.newest_unacknowledged())
                .collect(),
            failures: self.shared.failures.clone(),
        }
    }

    fn drain_all(&self) {
        let lanes = self.lanes();
        Lane::prepare(&lanes);
        lanes.iter().for_each(|lane| lane.drain());
    }

    pub(super) fn lanes(&self) -> Vec<Arc<Lane>> {
        self.topics
            .read()
            .values()
            .flat_map(|w| w.lanes.iter().cloned())
            .collect()
    }

    #[inline]
    fn announce(&self, lane: &Arc<Lane>, first: bool, full: bool) {
        if full {
            self.sender.full(lane);
        }
        if first {
            self.sender.begun(lane);
        }
        // Closed between the look at it and the push: nobody else comes for this record.
        if self.is_closed() {
            lane.drain();
        }
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.is_closed() {
            Err(Error::closed("the producer is closed: make another"))
        } else {
            Ok(())
        }
    }

    fn refresh(&self, name: &str, version: u64) -> Result<Arc<TopicWriter>> {
        self.check_open()?;
        let topic = self.engine.topic(name);
        let mut topics = self.topics.write();
        let before = topics.get(name).cloned();
        match topic {
            Ok(topic) => {
                let writer = Arc::new(TopicWriter::new(
                    &topic,
                    version,
                    &self.shared,
                    before.as_deref(),
                ));
                topics.insert(writer.name().clone(), writer.clone());
                Ok(writer)
            }
            Err(error) => {
                // Its records fail with the partition's own error.
                let gone = topics.remove(name);
                drop(topics);
                gone.iter()
                    .flat_map(|w| &w.lanes)
                    .for_each(|lane| lane.drain());
                Err(error)
            }
        }
    }
}

/// Who the producer is: nobody, one of its own, or the holder of a transactional id.
fn identify(
    engine: &Engine,
    options: &ProducerOptions,
    failures: &Arc<Failures>,
) -> Result<(ProducerIdentity, Option<Transactional>)> {
    let nobody = ProducerIdentity {
        id: ProducerId::NONE,
        epoch: ProducerEpoch::NONE,
    };
    if let Some(id) = &options.transactional_id {
        if !options.idempotent || options.acks != Acks::All {
            return Err(Error::invalid(
                "a transactional producer is idempotent, and its acks are all",
            ));
        }
        let transactional = Transactional::new(engine, id, options, failures.clone())?;
        return Ok((nobody, Some(transactional)));
    }
    if !options.idempotent {
        return Ok((nobody, None));
    }
    let own = ProducerIdentity {
        id: engine.allocate_producer_id()?,
        epoch: ProducerEpoch(0),
    };
    Ok((own, None))
}

impl Drop for Producer {
    fn drop(&mut self) {
        if let Err(error) = self.close(self.shared.options.block_max) {
            tracing::warn!(%error, "a producer was dropped with records that could not be delivered");
        }
    }
}
