//! A transaction that is being ended: its decision becomes durable, its markers are written and become
//! durable, then it is complete. Each step is taken when the one before is done; nothing waits.

use std::sync::Arc;
use std::time::Duration;

use super::host::{State, Transactions, now};
use super::marker::{self, Marker};
use super::queue::{Queue, StepWake};
use crate::engine::durable::Durable;
use crate::engine::engine::Shared;
use crate::engine::groups::Now;
use crate::engine::wait::WaiterId;
use crate::error::{Error, Kind, Result};
use crate::types::TopicPartition;

/// How long to wait before a marker that could not be written is tried again: doubled each time.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Ending {
    id: Arc<str>,
    marker: Marker,
    /// Until it is durable, nothing is written.
    decision: Option<Durable>,
    waiter: WaiterId,
    targets: Vec<Target>,
    /// Monotonic: when to try again what failed.
    pub retry_at: Option<Duration>,
    retry_after: Duration,
}

#[derive(Debug)]
struct Target {
    partition: TopicPartition,
    written: Option<Durable>,
    waiter: WaiterId,
    done: bool,
}

/// What a step came to.
#[derive(Debug)]
enum Step {
    /// Somebody wakes it.
    Waiting,
    Retry,
    /// All markers are durable.
    Written,
    /// The log of the coordinator takes nothing any more: the next open carries it on.
    Lost(Error),
}

impl Transactions {
    /// Takes the end of `id`'s transaction as far as it goes now.
    pub(super) fn step(&self, engine: &Arc<Shared>, id: &Arc<str>) {
        let mut endings = self.endings.lock();
        if !endings.contains_key(id) {
            match self.begin_ending(engine, id) {
                Ok(Some(ending)) => drop(endings.insert(id.clone(), ending)),
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%id, %error, "a transaction cannot be ended");
                    return;
                }
            }
        }
        let Some(ending) = endings.get_mut(id) else {
            return;
        };
        let step = match ending.step(engine, &self.queue) {
            Step::Written => self.complete(ending),
            other => other,
        };
        let outcome = match step {
            Step::Waiting => return,
            Step::Retry => {
                ending.retry_at = Some(engine.parts.clock.monotonic() + ending.retry_after);
                ending.retry_after = (ending.retry_after * 2).min(RETRY_MAX);
                return;
            }
            Step::Written => Ok(()),
            Step::Lost(error) => Err(error),
        };
        endings.remove(id);
        drop(endings);
        self.tell(id, &outcome);
    }

    fn begin_ending(&self, engine: &Arc<Shared>, id: &Arc<str>) -> Result<Option<Ending>> {
        let (_, state) = self.enter()?;
        let Some(transaction) = state.coordinator.get(id) else {
            return Ok(None);
        };
        let Some(commit) = transaction.state.ending() else {
            return Ok(None);
        };
        let decision = self.decision(engine, &state, id)?;
        let target = |partition| Target {
            partition,
            written: None,
            waiter: WaiterId::next(),
            done: false,
        };
        Ok(Some(Ending {
            id: id.clone(),
            marker: Marker {
                producer: transaction.producer,
                commit,
                coordinator_epoch: 0,
            },
            decision,
            waiter: WaiterId::next(),
            targets: transaction.each_partition().map(target).collect(),
            retry_at: None,
            retry_after: RETRY_MIN,
        }))
    }

    /// Writes down that the transaction is over.
    fn complete(&self, ending: &Ending) -> Step {
        for target in &ending.targets {
            let lasting = target.written.as_ref().map(marker::make_lasting);
            if let Some(Err(error)) = lasting {
                tracing::warn!(id = %ending.id, partition = %target.partition, %error, "a marker is not durable yet");
                return Step::Retry;
            }
        }
        let completed = self.enter().and_then(|(engine, mut state)| {
            let now: Now = now(&engine);
            match state.coordinator.complete(&ending.id, now) {
                None => Ok(()),
                Some(plan) => self.carry_out(&engine, &mut state, plan).map(drop),
            }
        });
        match completed {
            Ok(()) => Step::Written,
            Err(error) if error.kind() == Kind::Closed => Step::Lost(error),
            Err(error) => {
                tracing::warn!(id = %ending.id, %error, "a transaction could not be completed yet");
                Step::Retry
            }
        }
    }

    /// Tells those who wait for the end of `id`'s transaction.
    fn tell(&self, id: &Arc<str>, outcome: &Result<()>) {
        let waiting = match self.enter() {
            Ok((_, mut state)) => state.waiting.remove(id),
            Err(_) => self.forgotten(|state: &mut State| state.waiting.remove(id)),
        };
        for waiting in waiting.into_iter().flatten() {
            (waiting.reply)(outcome.clone());
        }
    }
}

impl Ending {
    fn step(&mut self, engine: &Shared, queue: &Arc<Queue>) -> Step {
        self.retry_at = None;
        if let Some(decision) = &self.decision {
            self.marker.coordinator_epoch = decision.handle.leader_epoch().get();
            match decision.reached_or_wake(self.waiter, wake_of(&self.id, queue)) {
                Ok(true) => self.decision = None,
                Ok(false) => return Step::Waiting,
                Err(error) => return Step::Lost(error),
            }
        }
        let (mut waiting, mut failed) = (false, None);
        for target in self.targets.iter_mut().filter(|t| !t.done) {
            match target.step(engine, &self.marker, wake_of(&self.id, queue)) {
                Ok(done) => {
                    target.done = done;
                    waiting |= !done;
                }
                Err(error) if error.kind() == Kind::Closed => return Step::Lost(error),
                Err(error) => failed = Some((target.partition.clone(), error)),
            }
        }
        if let Some((partition, error)) = failed {
            tracing::warn!(id = %self.id, %partition, %error, "a marker could not be written yet");
            return Step::Retry;
        }
        match waiting {
            true => Step::Waiting,
            false => Step::Written,
        }
    }
}

fn wake_of(id: &Arc<str>, queue: &Arc<Queue>) -> Arc<StepWake> {
    Arc::new(StepWake {
        id: id.clone(),
        queue: queue.clone(),
    })
}

impl Target {
    /// Writes the marker when it is not; gives whether it is visible, or its partition gone.
    fn step(&mut self, engine: &Shared, marker: &Marker, wake: Arc<StepWake>) -> Result<bool> {
        if self.written.is_none() {
            self.written = match marker::write(engine, &self.partition, marker) {
                Ok(Some(written)) => Some(written),
                Ok(None) => return Ok(true),
                // A newer producer's marker is there already, by hand: this transaction has ended.
                Err(error) if error.kind() == Kind::Fenced => {
                    tracing::warn!(partition = %self.partition, %error, "a marker is not needed any more");
                    return Ok(true);
                }
                Err(error) => return Err(error),
            };
        }
        let Some(written) = &self.written else {
            return Ok(true);
        };
        match written.reached_or_wake(self.waiter, wake) {
            Ok(reached) => Ok(reached),
            Err(error) => {
                let now = marker::find(engine, &self.partition);
                let same = now.is_some_and(|now| Arc::ptr_eq(&now, &written.handle));
                // Written again when the partition takes records again.
                self.written = None;
                match same {
                    true => Err(error),
                    false => Ok(true),
                }
            }
        }
    }
}
