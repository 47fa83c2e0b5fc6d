//! What became of a record: one shared result a batch, one small handle a record.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::split::Refused;
use crate::error::{Error, Kind, Result};
use crate::sync::{Condvar, Mutex};
use crate::types::{Offset, Timestamp, TopicPartition};

/// Where a record went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    pub topic_partition: TopicPartition,
    pub offset: Offset,
    /// The record's own, or the append's with `message.timestamp.type=LogAppendTime`.
    pub timestamp: Timestamp,
}

/// Called once with the batch's outcome, on the thread that completes it, in the order in which it was
/// asked for. Must be quick.
pub type OnDelivered = Box<dyn FnOnce() + Send>;

/// The shared result of one batch.
#[derive(Default)]
pub(super) struct BatchDelivery {
    outcome: OnceLock<Result<Placed>>,
    waiting: Mutex<Callbacks>,
    done: Condvar,
    /// Somebody has asked for the outcome after it was known.
    seen: AtomicBool,
}

/// What is called with the outcome, in the order in which it was left.
#[derive(Default)]
struct Callbacks {
    left: Vec<OnDelivered>,
    /// The outcome is known and nothing is left: who comes now is called at once.
    called: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub topic_partition: TopicPartition,
    pub base_offset: Offset,
    /// `Timestamp::NONE`: each record keeps its own.
    pub append_time: Timestamp,
    /// Records that the topic did not take; those behind them moved up. Nearly always none.
    pub refused: Vec<Refused>,
}

impl Placed {
    /// The offset of the record at `index`, or why it has none.
    fn offset_of(&self, index: u32) -> Result<Offset> {
        match self.refused.binary_search_by_key(&index, |(at, _)| *at) {
            Ok(at) => Err(self.refused.get(at).map_or_else(
                || Error::internal("a refused record is not there"),
                |(_, error)| error.clone(),
            )),
            Err(before) => Ok(self.base_offset.plus(i64::from(index) - before as i64)),
        }
    }
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
        {
            let _waiting = self.waiting.lock();
            if self.outcome.set(outcome).is_err() {
                return;
            }
            self.done.notify_all();
        }
        loop {
            let callbacks = {
                let mut waiting = self.waiting.lock();
                let left = std::mem::take(&mut waiting.left);
                waiting.called = left.is_empty();
                left
            };
            if callbacks.is_empty() {
                return;
            }
            callbacks.into_iter().for_each(|callback| callback());
        }
    }
}

/// A record on its way. Dropping it loses nothing: the record is delivered all the same.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(super) batch: Arc<BatchDelivery>,
    pub(super) index: u32,
    /// Which partition the batch goes to.
    pub(super) lane: u32,
    pub(super) timestamp: Timestamp,
}

impl Delivery {
    /// Whether both records are of one batch, whose outcome is known for both at once.
    pub fn shares_batch(&self, other: &Delivery) -> bool {
        Arc::ptr_eq(&self.batch, &other.batch)
    }

    /// The partition that the record goes to.
    pub fn partition(&self) -> i32 {
        i32::try_from(self.lane).unwrap_or(i32::MAX)
    }

    pub fn is_done(&self) -> bool {
        self.batch.outcome.get().is_some()
    }

    /// The outcome if it is known.
    pub fn get(&self) -> Option<Result<RecordMetadata>> {
        let outcome = match self.batch.outcome.get()? {
            Ok(placed) => self.metadata(placed),
            Err(error) => Err(error.clone()),
        };
        if outcome.is_err() {
            self.batch.seen.store(true, Ordering::Relaxed);
        }
        Some(outcome)
    }

    fn metadata(&self, placed: &Placed) -> Result<RecordMetadata> {
        Ok(RecordMetadata {
            topic_partition: placed.topic_partition.clone(),
            offset: placed.offset_of(self.index)?,
            timestamp: if placed.append_time == Timestamp::NONE {
                self.timestamp
            } else {
                placed.append_time
            },
        })
    }

    /// As [`get`](Self::get), for this record and those of its batch before it: an error when one of
    /// them was refused.
    pub(super) fn get_all(&self) -> Option<Result<RecordMetadata>> {
        if let Ok(placed) = self.batch.outcome.get()?
            && let Some((at, error)) = placed.refused.first()
            && *at <= self.index
        {
            self.batch.seen.store(true, Ordering::Relaxed);
            return Some(Err(error.clone()));
        }
        self.get()
    }

    /// Waits for the outcome; [`Kind::Timeout`] when it is not known in time.
    pub fn wait(&self, timeout: Duration) -> Result<RecordMetadata> {
        self.wait_unseen(timeout);
        self.get().unwrap_or_else(|| late(timeout))
    }

    /// As [`wait`](Self::wait); `None` when the outcome is not known in time, so that an outcome that
    /// is a timeout itself can be told from one that is still to come.
    pub fn wait_within(&self, timeout: Duration) -> Option<Result<RecordMetadata>> {
        self.wait_unseen(timeout);
        self.get()
    }

    /// The same for this record and those of its batch before it.
    pub(super) fn wait_all(&self, timeout: Duration) -> Option<Result<RecordMetadata>> {
        self.wait_unseen(timeout);
        self.get_all()
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
        if waiting.called {
            drop(waiting);
            callback();
        } else {
            waiting.left.push(callback);
        }
    }
}

pub(super) fn late<T>(timeout: Duration) -> Result<T> {
    let ms = timeout.as_millis();
    Err(Error::new(
        Kind::Timeout,
        format!("the record was not delivered within {ms} ms: it may still be"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_completes_as_a_slice_ends_is_no_timeout() {
        for micros in 0..300 {
            let batch = Arc::new(BatchDelivery::default());
            let delivery = Delivery {
                batch: batch.clone(),
                index: 0,
                lane: 0,
                timestamp: Timestamp(1),
            };
            let placed = Placed {
                topic_partition: TopicPartition::new("t", 0),
                base_offset: Offset(7),
                append_time: Timestamp::NONE,
                refused: Vec::new(),
            };
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_micros(200));
                    batch.complete(Ok(placed));
                });
                let slice = Duration::from_micros(100 + micros);
                let found = std::iter::repeat_with(|| delivery.wait_within(slice)).find_map(|f| f);
                assert_eq!(found.unwrap().unwrap().offset, Offset(7));
            });
        }
    }
}
