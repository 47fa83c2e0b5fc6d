//! One partition as one producer sees it: the batch that is being filled, and the way of a full one
//! into the log.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::ack::AckQueue;
use super::budget::Budget;
use super::delivery::{BatchDelivery, Delivery, Placed};
use super::failures::Failures;
use super::options::{Acks, ProducerOptions};
use super::transaction::Transactional;
use crate::engine::PartitionHandle;
use crate::engine::txn::ProducerIdentity;
use crate::error::{Error, Result};
use crate::log::{Append, Appended};
use crate::record::{BatchBuilder, BuildOptions};
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
    /// reached `batch.size`.
    Taken {
        delivery: Delivery,
        first: bool,
        full: bool,
    },
    /// The batch cannot take this record: drain the lane, then push again.
    Full,
}

#[derive(Debug)]
struct Filling {
    builder: BatchBuilder,
    /// Made with the first record of a batch.
    delivery: Option<Arc<BatchDelivery>>,
    /// How much of the batch the budget knows of.
    budgeted_bytes: usize,
    /// When the first record came; `linger.ms` counts from here.
    since: Duration,
    /// The sender has this lane on its list of lingering ones.
    lingering: bool,
    /// The sender was told that this batch is full.
    full: bool,
}

#[derive(Debug)]
struct Draining {
    /// The buffer that is not being filled. The two swap.
    spare: BatchBuilder,
    next_sequence: i32,
    /// Whom the sequences belong to: another epoch starts them anew.
    producer: ProducerIdentity,
}

/// See the module. Two locks: `filling` for a record's time, `draining` for a batch's; whoever drains
/// takes `draining` first, so that batches reach the log in the order in which they were filled.
#[derive(Debug)]
pub(super) struct Lane {
    pub handle: Arc<PartitionHandle>,
    shared: Arc<LaneShared>,
    filling: Mutex<Filling>,
    draining: Mutex<Draining>,
    acks: Arc<AckQueue>,
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
            handle,
            shared,
            filling: Mutex::new(filling),
            draining: Mutex::new(draining),
            acks,
        })
    }

    /// Adds a record. `size_bytes_max` bounds the whole batch; `now` is asked for the first record of
    /// a batch alone. The hot path: one lock, one copy of the bytes, no allocation but one a batch.
    pub(super) fn push(
        &self,
        row: Row<'_>,
        size_bytes_max: usize,
        now: impl FnOnce() -> Duration,
    ) -> Pushed {
        let mut filling = self.filling.lock();
        let filling = &mut *filling;
        let first = filling.builder.is_empty();
        if !first && filling.builder.size_bytes() + row.size_bytes_upper() > size_bytes_max {
            return Pushed::Full;
        }
        if first {
            filling.since = now();
        }
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
            timestamp: row.timestamp,
        };
        let first = first && !std::mem::replace(&mut filling.lingering, true);
        let full =
            size >= self.shared.options.batch_bytes && !std::mem::replace(&mut filling.full, true);
        Pushed::Taken {
            delivery,
            first,
            full,
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
        let (delivery, bytes) = {
            let mut filling = self.filling.lock();
            if filling.builder.is_empty() {
                return;
            }
            std::mem::swap(&mut filling.builder, &mut draining.spare);
            filling.full = false;
            (
                filling.delivery.take(),
                std::mem::take(&mut filling.budgeted_bytes),
            )
        };
        let delivery = delivery.unwrap_or_default();
        match self.append(draining) {
            Ok(appended) => {
                let placed = Placed {
                    topic_partition: self.handle.name().clone(),
                    base_offset: appended.base_offset,
                    append_time: appended.append_time,
                };
                match self.shared.options.acks {
                    Acks::All => self
                        .acks
                        .wait_for(appended.last_offset, bytes, placed, delivery),
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

    fn append(&self, draining: &mut Draining) -> Result<Appended> {
        let count = draining.spare.count();
        let producer = self.shared.identity(&self.handle)?;
        if draining.producer != producer {
            draining.producer = producer;
            draining.next_sequence = 0;
        }
        let batch = draining.spare.finish(&BuildOptions {
            compression: self.shared.options.compression,
            level: self.shared.options.level,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            base_sequence: match producer.id.is_some() {
                true => draining.next_sequence,
                false => -1,
            },
            transactional: self.shared.transactional.is_some(),
            ..BuildOptions::default()
        })?;
        let epoch: LeaderEpoch = self.handle.leader_epoch();
        let append = Append {
            batches: batch,
            leader_epoch: epoch,
            internal: false,
            trusted: true,
        };
        let appended = self.handle.append(append);
        let appended = appended.map_err(|error| match &self.shared.transactional {
            Some(transactional) => transactional.noted(error),
            None => error,
        })?;
        // Sequences wrap to 0 after i32::MAX.
        draining.next_sequence = draining.next_sequence.wrapping_add(count) & i32::MAX;
        Ok(appended)
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

    /// The newest batch that is appended and not acknowledged: when it is, all before it are.
    pub(super) fn newest_unacknowledged(&self) -> Option<Delivery> {
        let batch = self.acks.newest()?;
        Some(Delivery {
            batch,
            index: 0,
            timestamp: Timestamp::NONE,
        })
    }
}
