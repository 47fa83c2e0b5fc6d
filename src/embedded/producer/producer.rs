//! The producer's face.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::budget::Budget;
use super::bulk::Bulk;
use super::delivery::Delivery;
use super::failures::Failures;
use super::lane::{Lane, LaneShared, Pushed, Row};
use super::options::{Acks, ProducerOptions};
use super::sender::Sender;
use super::topic::TopicWriter;
use super::transaction::Transactional;
use crate::engine::Engine;
use crate::engine::txn::ProducerIdentity;
use crate::error::{Error, Kind, Result};
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
    sender: Arc<Sender>,
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
        let chosen = writer.choose(message.partition, message.key)?;
        if self.shared.budget.is_exceeded() {
            return Ok(Sent::Full(chosen));
        }
        let Some(lane) = writer.lanes.get(chosen) else {
            return Ok(Sent::Full(chosen));
        };
        match lane.push(row, writer.batch_bytes_max(), || {
            self.engine.clock().monotonic()
        }) {
            Pushed::Full => {
                writer.turn(chosen);
                Ok(Sent::Full(chosen))
            }
            Pushed::Taken {
                delivery,
                first,
                full,
            } => {
                self.announce(writer, chosen, lane, first, full);
                Ok(Sent::Taken(delivery))
            }
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
            loop {
                match self.try_send(&writer, message)? {
                    Sent::Taken(delivery) => {
                        bulk.add(delivery);
                        break;
                    }
                    Sent::Full(lane) => {
                        self.make_room(&writer, lane)?;
                        writer = self.topic(topic)?;
                    }
                }
            }
        }
        Ok(bulk)
    }

    /// Appends all that was sent before and waits until it is delivered.
    ///
    /// Errors: Timeout; and the first failed delivery that nobody has looked at yet.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.check_open()?;
        self.deliver_all(timeout)
    }

    /// Flushes and ends the producer's thread; a transaction that is open is aborted. A second close does nothing.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.sender.stop();
        self.abort_open(timeout);
        self.deliver_all(timeout)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Bytes that are sent and not delivered.
    pub fn buffered_bytes(&self) -> usize {
        self.shared.budget.used_bytes()
    }

    pub(super) fn deliver_all(&self, timeout: Duration) -> Result<()> {
        self.drain_all();
        let clock = self.engine.clock();
        let deadline = clock.monotonic().saturating_add(timeout);
        for lane in self.lanes() {
            if let Some(newest) = lane.newest_unacknowledged() {
                let left = deadline.saturating_sub(clock.monotonic());
                // Which error it was is told below, unless somebody has seen it.
                if newest.wait_unseen(left).is_none() {
                    let ms = timeout.as_millis();
                    let message = format!(
                        "{}: not all records were delivered within {ms} ms",
                        lane.handle.name()
                    );
                    return Err(Error::new(Kind::Timeout, message));
                }
            }
        }
        self.shared.failures.take_unseen()
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

    fn announce(
        &self,
        writer: &TopicWriter,
        chosen: usize,
        lane: &Arc<Lane>,
        first: bool,
        full: bool,
    ) {
        if full {
            writer.turn(chosen);
            self.sender.full(lane);
        }
        if first {
            self.sender.begun(lane);
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
