//! Sending records of one topic: batches by partition, a thread that delivers them in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::cluster::Cluster;
use super::sender;
use crate::clock::Clock;
use crate::codec::compression::{Compression, Level};
use crate::error::{Code, Error, Result};
use crate::record::{BatchBuilder, Sticky, partition_for_key};
use crate::sync::{Condvar, Mutex};
use crate::thread;
use crate::types::Timestamp;

/// How records are sent.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    pub compression: Compression,
    pub level: Level,
    /// -1: by all replicas in sync; 1: by the leader; 0: nobody says.
    pub acks: i16,
    /// A batch is sent when it has this many bytes, uncompressed.
    pub batch_bytes: usize,
    /// Or when its first record has waited this long.
    pub linger: Duration,
    /// How many bytes may wait; then `send` waits.
    pub buffer_bytes: usize,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        ProducerOptions {
            compression: Compression::None,
            level: None,
            acks: -1,
            batch_bytes: 256 << 10,
            linger: Duration::from_millis(50),
            buffer_bytes: 32 << 20,
        }
    }
}

/// A record to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outgoing<'a> {
    /// `None`: by key, else the producer's choice.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
    /// `None`: now.
    pub timestamp: Option<Timestamp>,
}

/// Sends records to one topic. Idempotent where the cluster is and acks are -1: a batch whose answer was
/// lost is sent again, and stored once.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    options: ProducerOptions,
    topic: String,
    sticky: Sticky,
    sender: Option<JoinHandle<()>>,
}

/// What the caller and the sender's thread both touch.
#[derive(Debug)]
pub(super) struct Shared {
    pub state: Mutex<State>,
    /// For the sender: something is to be sent.
    pub work: Condvar,
    /// For the caller: something was sent, or failed.
    pub done: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    /// One a partition.
    pub lanes: Vec<Lane>,
    /// What waits in the lanes and is being sent.
    pub bytes: usize,
    /// When the oldest record that is not sealed came.
    pub oldest: Option<Duration>,
    /// Batches that the sender has taken and not delivered.
    pub sending: usize,
    pub closing: bool,
    /// The first error; nothing is sent after it, because order would not hold.
    pub failed: Option<Error>,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub open: BatchBuilder,
    pub sealed: VecDeque<BatchBuilder>,
}

impl State {
    pub(super) fn seal_all(&mut self) {
        for lane in &mut self.lanes {
            lane.seal();
        }
        self.oldest = None;
    }

    pub(super) fn has_sealed(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.sealed.is_empty())
    }
}

impl Lane {
    fn seal(&mut self) {
        if !self.open.is_empty() {
            self.sealed.push_back(std::mem::take(&mut self.open));
        }
    }
}

impl Producer {
    /// Takes a cluster of its own, which its thread uses.
    ///
    /// Errors: NotFound when there is no such topic.
    pub fn start(mut cluster: Cluster, topic: &str, options: ProducerOptions) -> Result<Producer> {
        let partitions = cluster.topic(topic)?.partitions.len();
        let clock = cluster.clock().clone();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                lanes: (0..partitions).map(|_| Lane::default()).collect(),
                bytes: 0,
                oldest: None,
                sending: 0,
                closing: false,
                failed: None,
            }),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        let (of_thread, name, own) = (shared.clone(), topic.to_owned(), options.clone());
        let body = move || sender::run(cluster, &name, &own, &of_thread);
        let sender = thread::start("levada-client-sender", body)
            .map_err(|e| Error::io("start the sender's thread", e))?;
        Ok(Producer {
            shared,
            sticky: Sticky::new(clock.now().get().unsigned_abs()),
            clock,
            options,
            topic: topic.to_owned(),
            sender: Some(sender),
        })
    }

    /// Adds a record to its partition's batch; waits while the buffer is full.
    ///
    /// Errors: of this record; or what an earlier one came to, after which nothing is sent.
    pub fn send(&self, record: Outgoing<'_>) -> Result<()> {
        let (key, value) = (record.key, record.value);
        let headers = record.headers.iter();
        let headers = headers
            .map(|(k, v)| k.len() + v.map_or(0, <[u8]>::len) + 10)
            .sum();
        let size = BatchBuilder::size_bytes_upper(
            key.map_or(0, <[u8]>::len),
            value.map_or(0, <[u8]>::len),
            headers,
        );
        let mut state = self.shared.state.lock();
        while state.bytes > self.options.buffer_bytes && state.failed.is_none() {
            self.shared.done.wait(&mut state);
        }
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        let partitions = state.lanes.len();
        let partition = self.partition(&record, partitions)?;
        let lane = state.lanes.get_mut(partition);
        let lane = lane.ok_or_else(|| Error::internal("a partition that was chosen is gone"))?;
        let timestamp = record.timestamp.unwrap_or_else(|| self.clock.now());
        let mut sealed = false;
        if !lane.open.is_empty() && lane.open.size_bytes() + size > self.options.batch_bytes {
            lane.seal();
            sealed = true;
        }
        let before = lane.open.size_bytes();
        lane.open.push(timestamp, key, value, record.headers);
        let added = lane.open.size_bytes().saturating_sub(before);
        let idle = state.oldest.is_none();
        state.bytes += added;
        state.oldest.get_or_insert_with(|| self.clock.monotonic());
        drop(state);
        if sealed && record.partition.is_none() && key.is_none() {
            self.sticky.turn(partition, partitions);
        }
        if sealed || idle {
            self.shared.work.notify_one();
        }
        Ok(())
    }

    fn partition(&self, record: &Outgoing<'_>, partitions: usize) -> Result<usize> {
        let Some(named) = record.partition else {
            return Ok(match record.key {
                Some(key) => partition_for_key(key, partitions),
                None => self.sticky.partition(partitions),
            });
        };
        let found = usize::try_from(named).ok().filter(|at| *at < partitions);
        found.ok_or_else(|| {
            Error::coded(
                Code::UnknownTopicOrPartition,
                format!(
                    "topic {} has no partition {named}: it has {partitions}, counted from 0",
                    self.topic
                ),
            )
        })
    }

    /// Waits until everything sent before is acknowledged.
    pub fn flush(&self) -> Result<()> {
        let mut state = self.shared.state.lock();
        state.seal_all();
        self.shared.work.notify_one();
        while state.failed.is_none() && (state.sending > 0 || state.has_sealed()) {
            self.shared.done.wait(&mut state);
        }
        state.failed.clone().map_or(Ok(()), Err)
    }

    /// Flushes and ends the thread. Bounded by how long the sender tries.
    pub fn close(mut self) -> Result<()> {
        let flushed = self.flush();
        self.stop();
        flushed
    }

    fn stop(&mut self) {
        self.shared.state.lock().closing = true;
        self.shared.work.notify_one();
        if let Some(sender) = self.sender.take() {
            // It has noted what went wrong; a panic of it is a failure, see `sender::run`.
            let _ = sender.join();
        }
    }
}

/// What was sent and not flushed is given up.
impl Drop for Producer {
    fn drop(&mut self) {
        self.stop();
    }
}
