//! One partition as one producer sees it: the batch that is being filled, and the way of a full one
//! into the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::ack::{AckQueue, Pending};
use super::budget::Budget;
use super::delivery::{BatchDelivery, Delivery, Placed};
use super::failures::Failures;
use super::options::{Acks, ProducerOptions};
use super::split::{Parts, Refused, split};
use super::transaction::Transactional;
use crate::clock::Clock;
use crate::engine::PartitionHandle;
use crate::engine::txn::ProducerIdentity;
use crate::error::{Code, Error, Kind, Result};
use crate::log::{Append, Appended};
use crate::record::{BatchBuilder, BuildOptions, Rules};
use crate::sync::Mutex;
use crate::types::{LeaderEpoch, Timestamp};

/// Bytes are taken from the budget in steps of this size, so that a record costs no shared counter.
const BUDGET_STEP_BYTES: usize = 4096;

/// A buffer that one large value has blown up is not kept beyond this.
const SPARE_BYTES_MAX: usize = 4 << 20;

/// What every lane of a producer shares.
#[derive(Debug)]
pub(super) struct LaneShared {
    pub options: ProducerOptions,
    pub budget: Arc<Budget>,
    pub failures: Arc<Failures>,
    pub clock: Arc<dyn Clock>,
    /// Of a producer without transactions; id NONE when it is not idempotent.
    pub producer: ProducerIdentity,
    pub transactional: Option<Transactional>,
}

impl LaneShared {
    /// What the next batch to `handle` carries.
    fn identity(&self, handle: &PartitionHandle) -> Result<ProducerIdentity> {
        match &self.transactional {
            None => Ok(self.producer),
            Some(transactional) => transactional.enter(handle.name()),
        }
    }
}

/// A record, borrowed. Headers in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
}

impl Row<'_> {
    pub(super) fn size_bytes_upper(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(k, v)| k.len() + v.map_or(0, <[u8]>::len) + 10)
            .sum();
        let key = self.key.map_or(0, <[u8]>::len);
        BatchBuilder::size_bytes_upper(key, self.value.map_or(0, <[u8]>::len), headers)
    }
}

/// What a push did.
#[derive(Debug)]
pub(super) enum Pushed {
    /// Taken. What the sender must be told, once a batch: `first`, it has begun; `full`, it has
    /// reached `batch.size`. `turn`: keyless records had their share of this partition.
    Taken {
        delivery: Delivery,
        first: bool,
        full: bool,
        turn: bool,
    },
    /// Not taken: keyless records had their share of this partition, and nothing waits that this one
    /// would complete. Turn, then choose again.
    Turn,
    /// The batch cannot take this record: drain the lane, then push again. `turn` as above.
    Full { turn: bool },
}

#[derive(Debug)]
struct Filling {
    builder: BatchBuilder,
    /// Made with the first record of a batch.
    delivery: Option<Arc<BatchDelivery>>,
    /// How much of the batch the budget knows of.
    budgeted_bytes: usize,
    /// Bytes of keyless records since they last turned away from this partition, over batches.
    sticky_bytes: usize,
    /// When the first record came; `linger.ms` counts from here.
    since: Duration,
    /// The sender has this lane on its list of lingering ones.
    lingering: bool,
    /// The sender was told that this batch is full.
    full: bool,
}

impl Filling {
    /// Counts a keyless record; gives whether the next should go elsewhere. KIP-794: after
    /// `share_bytes`, once the batch is full; after twice as much in any case, so that a long
    /// `linger.ms` does not hold all records in one partition.
    #[inline]
    fn count_sticky(&mut self, bytes: usize, full: bool, share_bytes: usize) -> bool {
        self.sticky_bytes += bytes;
        let turn = self.sticky_bytes >= share_bytes && full
            || self.sticky_bytes >= share_bytes.saturating_mul(2);
        if turn {
            self.sticky_bytes = 0;
        }
        turn
    }
}

#[derive(Debug)]
struct Draining {
    /// The buffer that is not being filled. The two swap.
    spare: BatchBuilder,
    next_sequence: i32,
    /// Whom the sequences belong to: another epoch starts them anew.
    producer: ProducerIdentity,
}

impl Draining {
    /// `count` records are in the log. Sequences wrap to 0 after i32::MAX.
    fn advance(&mut self, count: i32) {
        self.next_sequence = self.next_sequence.wrapping_add(count) & i32::MAX;
    }
}

/// See the module. Two locks: `filling` for a record's time, `draining` for a batch's; whoever drains
/// takes `draining` first, so that batches reach the log in the order in which they were filled.
#[derive(Debug)]
pub(super) struct Lane {
    pub handle: Arc<PartitionHandle>,
    /// The partition's.
    number: u32,
    shared: Arc<LaneShared>,
    filling: Mutex<Filling>,
    draining: Mutex<Draining>,
    acks: Arc<AckQueue>,
    /// The sender looks after the age of what is not acknowledged. Touched by its thread alone.
    pub watched: AtomicBool,
}

impl Lane {
    pub(super) fn new(handle: Arc<PartitionHandle>, shared: Arc<LaneShared>) -> Arc<Lane> {
        let acks = AckQueue::new(
            handle.clone(),
            shared.budget.clone(),
            shared.failures.clone(),
        );
        let filling = Filling {
            builder: BatchBuilder::default(),
            delivery: None,
            budgeted_bytes: 0,
            sticky_bytes: 0,
            since: Duration::ZERO,
            lingering: false,
            full: false,
        };
        let draining = Draining {
            spare: BatchBuilder::default(),
            next_sequence: 0,
            producer: shared.producer,
        };
        Arc::new(Lane {
            number: handle.name().partition.unsigned_abs(),
            handle,
            shared,
            filling: Mutex::new(filling),
            draining: Mutex::new(draining),
            acks,
            watched: AtomicBool::new(false),
        })
    }

    /// Adds a record. `sticky`: it came here for want of a key; `size_bytes_max` bounds the whole
    /// batch; `now` is asked for the first record of a batch alone. The hot path: one lock, one copy
    /// of the bytes, no allocation but one a batch.
    pub(super) fn push(
        &self,
        row: Row<'_>,
        sticky: bool,
        size_bytes_max: usize,
        now: impl FnOnce() -> Duration,
    ) -> Pushed {
        let mut filling = self.filling.lock();
        let filling = &mut *filling;
        let first = filling.builder.is_empty();
        if !first && filling.builder.size_bytes() + row.size_bytes_upper() > size_bytes_max {
            let share = self.shared.options.batch_bytes.min(size_bytes_max);
            let bytes = row.size_bytes_upper();
            let turn = sticky && filling.sticky_bytes + bytes >= share;
            if turn {
                filling.sticky_bytes = 0;
            }
            return Pushed::Full { turn };
        }
        if first {
            if sticky && filling.sticky_bytes >= self.shared.options.batch_bytes {
                filling.sticky_bytes = 0;
                return Pushed::Turn;
            }
            filling.since = now();
        }
        let before = if first {
            0
        } else {
            filling.builder.size_bytes()
        };
        filling
            .builder
            .push(row.timestamp, row.key, row.value, row.headers);
        let size = filling.builder.size_bytes();
        if size > filling.budgeted_bytes {
            let more = (size - filling.budgeted_bytes).next_multiple_of(BUDGET_STEP_BYTES);
            self.shared.budget.take(more);
            filling.budgeted_bytes += more;
        }
        let batch = filling.delivery.get_or_insert_with(Arc::default).clone();
        let index = (filling.builder.count() - 1) as u32;
        let delivery = Delivery {
            batch,
            index,
            lane: self.number,
            timestamp: row.timestamp,
        };
        let first = first && !std::mem::replace(&mut filling.lingering, true);
        let batch_bytes = self.shared.options.batch_bytes;
        let full = size >= batch_bytes && !std::mem::replace(&mut filling.full, true);
        Pushed::Taken {
            delivery,
            first,
            full,
            turn: sticky && filling.count_sticky(size - before, size >= batch_bytes, batch_bytes),
        }
    }

    /// Whether the sender must come back for this lane: drains it when it has lingered long enough.
    /// Gives when to look again, `None` when nothing waits.
    pub(super) fn linger(&self, now: Duration) -> Option<Duration> {
        {
            let mut filling = self.filling.lock();
            let due = filling.since + self.shared.options.linger;
            if !filling.builder.is_empty() && due > now {
                return Some(due);
            }
            filling.lingering = false;
        }
        self.drain();
        None
    }

    /// Appends what has gathered. Errors go to the deliveries of the batch.
    pub(super) fn drain(&self) {
        let mut draining = self.draining.lock();
        let draining = &mut *draining;
        let (delivery, bytes, since) = {
            let mut filling = self.filling.lock();
            if filling.builder.is_empty() {
                return;
            }
            std::mem::swap(&mut filling.builder, &mut draining.spare);
            filling.full = false;
            (
                filling.delivery.take(),
                std::mem::take(&mut filling.budgeted_bytes),
                filling.since,
            )
        };
        let delivery = delivery.unwrap_or_default();
        match self.append_or_report(draining) {
            Ok((appended, refused)) => {
                if let Some((_, error)) = refused.first() {
                    self.shared.failures.note(error, &delivery);
                }
                let placed = Placed {
                    topic_partition: self.handle.name().clone(),
                    base_offset: appended.base_offset,
                    append_time: appended.append_time,
                    refused,
                };
                match self.shared.options.acks {
                    Acks::All => self.acks.wait_for(Pending {
                        last_offset: appended.last_offset,
                        bytes,
                        since,
                        placed,
                        delivery,
                    }),
                    Acks::Leader => {
                        self.shared.budget.give_back(bytes);
                        delivery.complete(Ok(placed));
                    }
                }
            }
            Err(error) => self.fail(&error, bytes, &delivery),
        }
        draining.spare.clear();
        if draining.spare.capacity_bytes() > SPARE_BYTES_MAX {
            draining.spare = BatchBuilder::default();
        }
    }

    /// A defect must not take away the thread that drains, nor leave its deliveries without an answer.
    fn append_or_report(&self, draining: &mut Draining) -> Result<(Appended, Vec<Refused>)> {
        let work = std::panic::AssertUnwindSafe(|| self.append(draining));
        std::panic::catch_unwind(work).unwrap_or_else(|_| {
            Err(Error::internal(format!(
                "{}: appending panicked; the records may or may not be in the log",
                self.handle.name()
            )))
        })
    }

    fn append(&self, draining: &mut Draining) -> Result<(Appended, Vec<Refused>)> {
        let producer = self.shared.identity(&self.handle)?;
        if draining.producer != producer {
            draining.producer = producer;
            draining.next_sequence = 0;
        }
        let options = self.build_options(producer, draining.next_sequence);
        let count = draining.spare.count();
        match self.append_batches(draining.spare.finish(&options)?) {
            Err(error) if error.code() == Code::MessageTooLarge && count > 1 => {}
            Err(error) => return Err(error),
            Ok(appended) => {
                draining.advance(count);
                return Ok((appended, Vec::new()));
            }
        }
        let Parts {
            bytes,
            count,
            mut refused,
        } = self.split(&draining.spare, &options)?;
        if bytes.is_empty() {
            return Err(refused.swap_remove(0).1);
        }
        let appended = self.append_batches(&bytes)?;
        draining.advance(count);
        Ok((appended, refused))
    }

    fn build_options(&self, producer: ProducerIdentity, next_sequence: i32) -> BuildOptions {
        BuildOptions {
            compression: self.shared.options.compression,
            level: self.shared.options.level,
            only_if_smaller: true,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            base_sequence: match producer.id.is_some() {
                true => next_sequence,
                false => -1,
            },
            transactional: self.shared.transactional.is_some(),
            ..BuildOptions::default()
        }
    }

    fn append_batches(&self, batches: &[u8]) -> Result<Appended> {
        let epoch: LeaderEpoch = self.handle.leader_epoch();
        let appended = self.handle.append(Append {
            batches,
            leader_epoch: epoch,
            internal: false,
            trusted: true,
        });
        appended.map_err(|error| match &self.shared.transactional {
            Some(transactional) => transactional.noted(error),
            None => error,
        })
    }

    #[cold]
    fn split(&self, whole: &BatchBuilder, options: &BuildOptions) -> Result<Parts> {
        let rules = Rules {
            config: &self.handle.config(),
            now: self.shared.clock.now(),
            internal: false,
            trusted: true,
        };
        split(whole, options, &rules).map_err(|e| e.at(self.handle.name()))
    }

    /// Gives up what has gathered; waits for an append that is under way.
    pub(super) fn discard(&self, why: &Error) {
        let _draining = self.draining.lock();
        let (delivery, bytes) = {
            let mut filling = self.filling.lock();
            if filling.builder.is_empty() {
                return;
            }
            filling.builder.clear();
            filling.full = false;
            (
                filling.delivery.take(),
                std::mem::take(&mut filling.budgeted_bytes),
            )
        };
        self.shared.budget.give_back(bytes);
        delivery.unwrap_or_default().complete(Err(why.clone()));
    }

    /// Takes the partitions of all lanes that have something into the transaction at once, where there is
    /// one: each lane would ask by itself, one after the other. What goes wrong, each finds out.
    pub(super) fn prepare(lanes: &[Arc<Lane>]) {
        let Some(shared) = lanes.first().map(|lane| &lane.shared) else {
            return;
        };
        let Some(transactional) = &shared.transactional else {
            return;
        };
        let filled = lanes
            .iter()
            .filter(|l| !l.filling.lock().builder.is_empty());
        let names: Vec<_> = filled.map(|lane| lane.handle.name().clone()).collect();
        if let Err(error) = transactional.add(&names) {
            tracing::debug!(%error, "partitions were not added to the transaction");
        }
    }

    fn fail(&self, error: &Error, bytes: usize, delivery: &Arc<BatchDelivery>) {
        self.shared.budget.give_back(bytes);
        self.shared.failures.note(error, delivery);
        delivery.complete(Err(error.clone()));
    }

    /// Whether the sender must look after this lane from now on; gives when the oldest batch that is
    /// not acknowledged is too old.
    pub(super) fn watch(&self) -> Option<Duration> {
        if self.watched.load(Ordering::Relaxed) {
            return None;
        }
        let oldest = self.acks.oldest()?;
        self.watched.store(true, Ordering::Relaxed);
        Some(oldest.saturating_add(self.shared.options.delivery_timeout))
    }

    /// Fails what is older than `delivery.timeout.ms`; gives when the next is. `None`: nothing waits,
    /// and the lane is not looked after any more.
    pub(super) fn expire(&self, now: Duration) -> Option<Duration> {
        let timeout = self.shared.options.delivery_timeout;
        let oldest = match now.checked_sub(timeout) {
            None => self.acks.oldest(),
            Some(until) => self.acks.expire(until, || {
                let (name, ms) = (self.handle.name(), timeout.as_millis());
                let message = format!(
                    "{name}: not delivered within {ms} ms (delivery.timeout.ms): it may still be"
                );
                Error::new(Kind::Timeout, message)
            }),
        };
        if oldest.is_none() {
            self.watched.store(false, Ordering::Relaxed);
        }
        Some(oldest?.saturating_add(timeout))
    }

    /// The newest batch that is appended and not acknowledged: when it is, all before it are.
    pub(super) fn newest_unacknowledged(&self) -> Option<Delivery> {
        let batch = self.acks.newest()?;
        Some(Delivery {
            batch,
            index: 0,
            lane: self.number,
            timestamp: Timestamp::NONE,
        })
    }
}
