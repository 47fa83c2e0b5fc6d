//! What became of a record: one shared result a batch, one small handle a record.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Kind, Result};
use crate::types::{Offset, Timestamp, TopicPartition};

/// Where a record went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    pub topic_partition: TopicPartition,
    pub offset: Offset,
    /// The record's own, or the append's with `message.timestamp.type=LogAppendTime`.
    pub timestamp: Timestamp,
}

/// Called once with the batch's outcome, on the thread that completes it. Must be quick.
pub type OnDelivered = Box<dyn FnOnce() + Send>;

/// The shared result of one batch.
#[derive(Default)]
pub(super) struct BatchDelivery {
    outcome: OnceLock<Result<Placed>>,
    waiting: Mutex<Vec<OnDelivered>>,
    done: Condvar,
    /// Somebody has asked for the outcome after it was known.
    seen: AtomicBool,
}

#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub topic_partition: TopicPartition,
    pub base_offset: Offset,
    /// `Timestamp::NONE`: each record keeps its own.
    pub append_time: Timestamp,
}

impl std::fmt::Debug for BatchDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchDelivery")
            .field("outcome", &self.outcome.get())
            .finish()
    }
}

impl BatchDelivery {
    pub(super) fn was_seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    pub(super) fn complete(&self, outcome: Result<Placed>) {
        let callbacks = {
            let mut waiting = self.waiting.lock();
            if self.outcome.set(outcome).is_err() {
                return;
            }
            self.done.notify_all();
            std::mem::take(&mut *waiting)
        };
        for callback in callbacks {
            callback();
        }
    }
}

/// A record on its way. Dropping it loses nothing: the record is delivered all the same.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(super) batch: Arc<BatchDelivery>,
    pub(super) index: u32,
    pub(super) timestamp: Timestamp,
}

impl Delivery {
    pub fn is_done(&self) -> bool {
        self.batch.outcome.get().is_some()
    }

    /// The outcome if it is known.
    pub fn get(&self) -> Option<Result<RecordMetadata>> {
        let outcome = self.batch.outcome.get()?;
        if outcome.is_err() {
            self.batch.seen.store(true, Ordering::Relaxed);
        }
        Some(
            outcome
                .as_ref()
                .map_err(Error::clone)
                .map(|placed| RecordMetadata {
                    topic_partition: placed.topic_partition.clone(),
                    offset: placed.base_offset.plus(i64::from(self.index)),
                    timestamp: if placed.append_time == Timestamp::NONE {
                        self.timestamp
                    } else {
                        placed.append_time
                    },
                }),
        )
    }

    /// Waits for the outcome; [`Kind::Timeout`] when it is not known in time.
    pub fn wait(&self, timeout: Duration) -> Result<RecordMetadata> {
        self.wait_unseen(timeout);
        self.get().unwrap_or_else(|| {
            let ms = timeout.as_millis();
            Err(Error::new(
                Kind::Timeout,
                format!("the record was not delivered within {ms} ms: it may still be"),
            ))
        })
    }

    /// Waits without counting as somebody who has seen the outcome; `None` when it is not known in time.
    pub(super) fn wait_unseen(&self, timeout: Duration) -> Option<()> {
        if !self.is_done() {
            let mut waiting = self.batch.waiting.lock();
            self.batch.done.wait_while_for(
                &mut waiting,
                |_| self.batch.outcome.get().is_none(),
                timeout,
            );
        }
        self.is_done().then_some(())
    }

    /// Calls `callback` when the outcome is known; at once when it is.
    pub fn on_done(&self, callback: OnDelivered) {
        let mut waiting = self.batch.waiting.lock();
        if self.is_done() {
            drop(waiting);
            callback();
        } else {
            waiting.push(callback);
        }
    }
}
