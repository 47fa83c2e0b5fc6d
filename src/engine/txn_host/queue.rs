//! What waits for the coordinator's thread.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::wait::Wake;
use crate::error::Result;
use crate::sync::{Condvar, Mutex};
use crate::types::Offset;

/// What would make its caller wait.
pub(super) type Call = Box<dyn FnOnce() + Send>;

/// What there is to do.
#[derive(Default)]
pub(super) struct Work {
    /// The ends of these ids' transactions may go a step further.
    pub steps: BTreeSet<Arc<str>>,
    pub calls: Vec<Call>,
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("steps", &self.steps)
            .field("calls", &self.calls.len())
            .finish()
    }
}

#[derive(Debug, Default)]
struct Waiting {
    work: Work,
    stopped: bool,
}

/// Its lock is the last to be taken: wakes come from any thread, under any lock but a partition's.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

impl Queue {
    /// Once stopped, nothing happens: the next open carries it on.
    pub fn step(&self, id: Arc<str>) {
        let mut waiting = self.waiting.lock();
        if !waiting.stopped && waiting.work.steps.insert(id) {
            self.more.notify_one();
        }
    }

    /// Gives the call back when nobody will make it any more.
    pub fn call(&self, call: Call) -> Option<Call> {
        let mut waiting = self.waiting.lock();
        if waiting.stopped {
            return Some(call);
        }
        waiting.work.calls.push(call);
        self.more.notify_one();
        None
    }

    pub fn take(&self) -> Work {
        std::mem::take(&mut self.waiting.lock().work)
    }

    /// Waits for work, for `timeout` at most; `None` once stopped.
    pub fn next(&self, timeout: Duration) -> Option<Work> {
        let mut waiting = self.waiting.lock();
        let idle = waiting.work.steps.is_empty() && waiting.work.calls.is_empty();
        if idle && !waiting.stopped {
            self.more.wait_for(&mut waiting, timeout);
        }
        match waiting.stopped {
            true => None,
            false => Some(std::mem::take(&mut waiting.work)),
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.waiting.lock().stopped
    }

    pub fn stop(&self) {
        self.waiting.lock().stopped = true;
        self.more.notify_all();
    }
}

/// Left with a partition: puts the id on the queue when the partition has got there.
#[derive(Debug)]
pub(super) struct StepWake {
    pub id: Arc<str>,
    pub queue: Arc<Queue>,
}

impl Wake for StepWake {
    fn wake(&self, _outcome: &Result<Offset>) {
        self.queue.step(self.id.clone());
    }
}
