//! Batches of one lane that are appended and not yet acknowledged.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::budget::Budget;
use super::delivery::{BatchDelivery, Placed};
use super::failures::Failures;
use crate::engine::{PartitionHandle, WaiterId, Wake};
use crate::error::{Error, Result};
use crate::types::Offset;

/// A batch that is appended.
#[derive(Debug)]
pub(super) struct Pending {
    pub last_offset: Offset,
    pub bytes: usize,
    /// When its first record came.
    pub since: Duration,
    pub placed: Placed,
    pub delivery: Arc<BatchDelivery>,
}

/// Woken by the partition when its visible end passes the oldest batch that waits.
#[derive(Debug)]
pub(super) struct AckQueue {
    handle: Arc<PartitionHandle>,
    id: WaiterId,
    budget: Arc<Budget>,
    failures: Arc<Failures>,
    /// Ascending by offset. The lock is taken before that of the partition's waiters.
    pending: Mutex<VecDeque<Pending>>,
    this: Weak<AckQueue>,
}

impl AckQueue {
    pub(super) fn new(
        handle: Arc<PartitionHandle>,
        budget: Arc<Budget>,
        failures: Arc<Failures>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| AckQueue {
            handle,
            id: WaiterId::next(),
            budget,
            failures,
            pending: Mutex::default(),
            this: this.clone(),
        })
    }

    /// Completes the batch when its last offset is visible.
    pub(super) fn wait_for(&self, batch: Pending) {
        let visible = self.handle.visible();
        let mut pending = self.pending.lock();
        if pending.is_empty() && visible > batch.last_offset {
            drop(pending);
            self.finish(batch);
            return;
        }
        pending.push_back(batch);
        self.register(&pending);
        drop(pending);
        // The end may have moved between the first look and the registration.
        match self.handle.state() {
            Ok(visible) => self.acknowledge(visible),
            Err(error) => self.wake(&Err(error)),
        }
    }

    /// The newest batch that waits.
    pub(super) fn newest(&self) -> Option<Arc<BatchDelivery>> {
        self.pending.lock().back().map(|p| p.delivery.clone())
    }

    /// When the oldest batch that waits was begun.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.pending.lock().front().map(|p| p.since)
    }

    /// Fails what was begun at `until` or before; gives when the oldest of the rest was.
    pub(super) fn expire(&self, until: Duration, why: impl Fn() -> Error) -> Option<Duration> {
        let mut pending = self.pending.lock();
        let overdue = pending.partition_point(|p| p.since <= until);
        let overdue: Vec<Pending> = pending.drain(..overdue).collect();
        let oldest = pending.front().map(|p| p.since);
        self.register(&pending);
        drop(pending);
        for batch in overdue {
            self.fail(batch, &why());
        }
        oldest
    }

    fn register(&self, pending: &VecDeque<Pending>) {
        if let (Some(oldest), Some(this)) = (pending.front(), self.this.upgrade()) {
            self.handle.wait_beyond(self.id, oldest.last_offset, this);
        }
    }

    fn acknowledge(&self, visible: Offset) {
        let mut pending = self.pending.lock();
        let done = pending.partition_point(|p| p.last_offset < visible);
        if done == 0 {
            return;
        }
        let ready: Vec<Pending> = pending.drain(..done).collect();
        self.register(&pending);
        drop(pending);
        ready.into_iter().for_each(|p| self.finish(p));
    }

    fn finish(&self, pending: Pending) {
        self.budget.give_back(pending.bytes);
        pending.delivery.complete(Ok(pending.placed));
    }

    fn fail(&self, pending: Pending, error: &Error) {
        self.budget.give_back(pending.bytes);
        self.failures.note(error, &pending.delivery);
        pending.delivery.complete(Err(error.clone()));
    }
}

impl Wake for AckQueue {
    fn wake(&self, outcome: &Result<Offset>) {
        match outcome {
            Ok(visible) => {
                self.acknowledge(*visible);
                // A wake consumes the registration; what still waits needs it again.
                self.register(&self.pending.lock());
                if self.handle.visible() > *visible {
                    self.acknowledge(self.handle.visible());
                }
            }
            Err(error) => {
                let all = std::mem::take(&mut *self.pending.lock());
                all.into_iter().for_each(|batch| self.fail(batch, error));
            }
        }
    }
}
