//! Batches of one lane that are appended and not yet acknowledged.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::budget::Budget;
use super::delivery::{BatchDelivery, Placed};
use super::failures::Failures;
use crate::engine::{PartitionHandle, WaiterId, Wake};
use crate::error::{Error, Result};
use crate::sync::Mutex;
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
    /// The lock is taken before that of the partition's waiters, and before its log's.
    pending: Mutex<Line>,
    this: Weak<AckQueue>,
}

#[derive(Debug, Default)]
struct Line {
    /// Ascending by offset.
    batches: VecDeque<Pending>,
    /// The newest of the batches that a thread completes just now. Others leave theirs to it, so that
    /// callbacks are called in the order of the offsets.
    finishing: Option<Arc<BatchDelivery>>,
}

impl Line {
    fn take_ready(&mut self, visible: Offset) -> Vec<Pending> {
        let done = self.batches.partition_point(|p| p.last_offset < visible);
        self.batches.drain(..done).collect()
    }
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
        let mut line = self.pending.lock();
        if line.batches.is_empty() && line.finishing.is_none() && visible > batch.last_offset {
            line.finishing = Some(batch.delivery.clone());
            drop(line);
            self.finish(batch);
            self.finish_rest();
            return;
        }
        line.batches.push_back(batch);
        self.register(&line);
        drop(line);
        // The end may have moved between the first look and the registration.
        match self.handle.state() {
            Ok(visible) => self.acknowledge(visible),
            Err(error) => self.wake(&Err(error)),
        }
    }

    /// The newest batch that waits, or is being completed.
    pub(super) fn newest(&self) -> Option<Arc<BatchDelivery>> {
        let line = self.pending.lock();
        let waiting = line.batches.back().map(|p| p.delivery.clone());
        waiting.or_else(|| line.finishing.clone())
    }

    /// When the oldest batch that waits was begun.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.pending.lock().batches.front().map(|p| p.since)
    }

    /// Fails what was begun at `until` or before; gives when the oldest of the rest was.
    pub(super) fn expire(&self, until: Duration, why: impl Fn() -> Error) -> Option<Duration> {
        let mut line = self.pending.lock();
        let overdue = line.batches.partition_point(|p| p.since <= until);
        let overdue: Vec<Pending> = line.batches.drain(..overdue).collect();
        let oldest = line.batches.front().map(|p| p.since);
        self.register(&line);
        drop(line);
        for batch in overdue {
            self.fail(batch, &why());
        }
        oldest
    }

    fn register(&self, line: &Line) {
        if let (Some(oldest), Some(this)) = (line.batches.front(), self.this.upgrade()) {
            self.handle.wait_beyond(self.id, oldest.last_offset, this);
        }
    }

    fn acknowledge(&self, visible: Offset) {
        let mut line = self.pending.lock();
        if line.finishing.is_some() {
            return;
        }
        let ready = line.take_ready(visible);
        let Some(newest) = ready.last() else { return };
        line.finishing = Some(newest.delivery.clone());
        self.register(&line);
        drop(line);
        ready.into_iter().for_each(|p| self.finish(p));
        self.finish_rest();
    }

    /// Completes what became ready meanwhile, until nothing is left.
    fn finish_rest(&self) {
        loop {
            let mut line = self.pending.lock();
            // Looked at under the lock: who moved the end before found `finishing` and went away.
            let ready = line.take_ready(self.handle.visible());
            line.finishing = ready.last().map(|p| p.delivery.clone());
            if ready.is_empty() {
                return;
            }
            self.register(&line);
            drop(line);
            ready.into_iter().for_each(|p| self.finish(p));
        }
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
                let all = std::mem::take(&mut self.pending.lock().batches);
                all.into_iter().for_each(|batch| self.fail(batch, error));
            }
        }
    }
}
