//! The coordinator's thread.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::host::{State, Transactions, now};
use super::queue::{Queue, Work};
use crate::engine::engine::Shared;
use crate::error::{Code, Error, Result};
use crate::thread;

impl Transactions {
    pub(super) fn start_thread(&self) -> Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_some() || self.queue.is_stopped() {
            return Ok(());
        }
        let (engine, queue) = (self.weak(), self.queue.clone());
        let started = thread::start("levada-txn", move || run(&engine, &queue));
        let started =
            started.map_err(|e| Error::io("start the transaction coordinator's thread", e))?;
        *thread = Some(started);
        Ok(())
    }

    /// Ends the thread. Whoever waits is told that the engine is closed.
    pub(in crate::engine) fn stop(&self) {
        self.queue.stop();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            // A panic there was reported by the panic hook; nothing is left to undo here.
            let _ = thread.join();
        }
        for call in self.queue.take().calls {
            call();
        }
        let waiting = self.forgotten(|state| std::mem::take(&mut state.waiting));
        for waiting in waiting.into_values().flatten() {
            (waiting.reply)(Err(Error::closed("the engine is closed: open it again")));
        }
    }

    /// Does what is due now, on this thread: for tests that turn the clock.
    pub fn tick(&self) -> Result<()> {
        let engine = self.engine()?.shared;
        drop(self.enter()?);
        self.round(&engine, self.queue.take());
        Ok(())
    }

    /// One round; gives how long to sleep.
    fn round(&self, engine: &Arc<Shared>, work: Work) -> Duration {
        for call in work.calls {
            call();
        }
        for id in work.steps {
            self.step(engine, &id);
        }
        let mut sleep = self.intervals.timeouts;
        if !self.is_ready() {
            return sleep;
        }
        if let Some(due) = self.retry(engine) {
            sleep = sleep.min(due);
        }
        match self.look_at_clock(engine) {
            Ok(Some(due)) => sleep = sleep.min(due),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "transactions could not be looked after"),
        }
        sleep
    }

    /// Tries again what failed, where it is time; gives when the next is due.
    fn retry(&self, engine: &Arc<Shared>) -> Option<Duration> {
        let now = engine.parts.clock.monotonic();
        let due: Vec<Arc<str>> = {
            let endings = self.endings.lock();
            let over = endings
                .iter()
                .filter(|(_, e)| e.retry_at.is_some_and(|at| at <= now));
            over.map(|(id, _)| id.clone()).collect()
        };
        for id in due {
            self.step(engine, &id);
        }
        let endings = self.endings.lock();
        let next = endings.values().filter_map(|e| e.retry_at).min();
        next.map(|at| at.saturating_sub(now))
    }

    /// Aborts what is open for too long, forgets who is not used, tells who waited for too long; gives
    /// when to come again.
    fn look_at_clock(&self, engine: &Arc<Shared>) -> Result<Option<Duration>> {
        let at = now(engine);
        let (late, next) = {
            let (_, mut state) = self.enter()?;
            for plan in state.coordinator.timed_out(at) {
                tracing::info!(id = %plan.transactional_id(), "a transaction is open for too long and is aborted");
                self.carry_out(engine, &mut state, plan)?;
            }
            if self.is_time_to_sweep(at.monotonic) {
                for plan in state.coordinator.expired(at) {
                    self.carry_out(engine, &mut state, plan)?;
                }
            }
            let late = take_late(&mut state, at.monotonic);
            let waits = state.waiting.values().flatten().map(|w| w.until).min();
            let waits = waits.map(|until| until.saturating_sub(at.monotonic));
            let deadline = state.coordinator.next_deadline().map(|deadline| {
                let ms = deadline.get().saturating_sub(at.wall.get());
                Duration::from_millis(ms.max(0).unsigned_abs())
            });
            (late, waits.into_iter().chain(deadline).min())
        };
        for (id, waiting) in late {
            let what = format!("the last transaction of {id} is still being ended: retry");
            (waiting.reply)(Err(Error::coded(Code::ConcurrentTransactions, what)));
        }
        Ok(next)
    }

    fn is_time_to_sweep(&self, now: Duration) -> bool {
        let mut swept_at = self.swept_at.lock();
        let due = now >= *swept_at + self.intervals.expiration;
        if due {
            *swept_at = now;
        }
        due
    }
}

impl Drop for Transactions {
    /// An engine that was let go without closing it: its thread goes too.
    fn drop(&mut self) {
        self.queue.stop();
    }
}

fn take_late(state: &mut State, now: Duration) -> Vec<(Arc<str>, super::host::Waiting)> {
    let mut late = Vec::new();
    for (id, waiting) in &mut state.waiting {
        let over = waiting.extract_if(.., |w| w.until <= now);
        late.extend(over.map(|w| (id.clone(), w)));
    }
    state.waiting.retain(|_, waiting| !waiting.is_empty());
    late
}

fn run(engine: &Weak<Shared>, queue: &Queue) {
    let mut sleep = Duration::ZERO;
    while let Some(work) = queue.next(sleep) {
        // The engine is held for the round only: whoever lets its last handle go without closing it
        // ends this thread too.
        let Some(shared) = engine.upgrade() else {
            return;
        };
        sleep = shared.transactions.round(&shared, work);
    }
}
