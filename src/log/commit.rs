//! Group commit: whoever waits for the disk shares a round of syncs with all who wait.

use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::sync::{Condvar, Mutex};
use crate::thread;

/// Something that has appended bytes to sync. The engine's partition is one: it syncs its log, moves
/// the visible end and wakes those who wait.
pub trait Commit: Send + Sync + Debug {
    /// Called on a flusher thread. Handles its own failure (poisons the log, fails the waiters).
    fn commit(&self);
}

/// What waits, and the threads that serve it.
#[derive(Debug, Default)]
struct Queue {
    /// In the order of their requests.
    waiting: VecDeque<Arc<dyn Commit>>,
    /// The addresses of what waits: a request for one of them is answered already.
    named: HashSet<usize>,
    stopping: bool,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held for a few lines; never while something commits.
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// One per data directory. `request` is cheap and idempotent while a request waits.
///
/// While a commit runs, further requests for the same thing gather into one: what is written during
/// a sync shares the next.
#[derive(Debug)]
pub struct Flusher {
    shared: Arc<Shared>,
    /// Taken by [`stop`](Self::stop).
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Flusher {
    /// `threads` (at least one) named threads that sync in parallel within a round.
    pub fn start(threads: usize) -> Arc<Flusher> {
        let shared = Arc::new(Shared::default());
        let mut handles = Vec::new();
        for number in 0..threads.max(1) {
            let shared = shared.clone();
            match thread::start(format!("levada-flush-{number}"), move || shared.serve()) {
                Ok(handle) => handles.push(handle),
                Err(error) => tracing::error!(%error, "a flusher thread could not be started"),
            }
        }
        Arc::new(Flusher {
            shared,
            threads: Mutex::new(handles),
        })
    }

    /// Asks for a `commit` of `what` in the next round. After [`stop`](Self::stop), and where no
    /// thread could be started, it is committed here and now.
    pub fn request(&self, what: Arc<dyn Commit>) {
        let served = !self.threads.lock().is_empty();
        {
            let mut queue = self.shared.queue.lock();
            if served && !queue.stopping {
                if queue.named.insert(address(&what)) {
                    queue.waiting.push_back(what);
                    self.shared.changed.notify_one();
                }
                return;
            }
        }
        what.commit();
    }

    /// How many requests wait; those that are served right now are not among them.
    pub fn waiting(&self) -> usize {
        self.shared.queue.lock().waiting.len()
    }

    /// Finishes what was asked for and ends the threads.
    pub fn stop(&self) {
        self.shared.queue.lock().stopping = true;
        self.shared.changed.notify_all();
        let handles = std::mem::take(&mut *self.threads.lock());
        let own = std::thread::current().id();
        for handle in handles {
            // A commit may hold the last reference to what owns this flusher.
            if handle.thread().id() != own && handle.join().is_err() {
                tracing::error!("a flusher thread panicked");
            }
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.stop();
    }
}

fn address(what: &Arc<dyn Commit>) -> usize {
    Arc::as_ptr(what).cast::<()>().addr()
}

impl Shared {
    fn serve(&self) {
        while let Some(what) = self.next() {
            // One that panics must not end the commits of all others.
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| what.commit()));
            if outcome.is_err() {
                tracing::error!(?what, "a commit panicked");
            }
        }
    }

    /// The next to commit; `None` when all is done and the flusher stops.
    fn next(&self) -> Option<Arc<dyn Commit>> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(what) = queue.waiting.pop_front() {
                queue.named.remove(&address(&what));
                return Some(what);
            }
            if queue.stopping {
                return None;
            }
            self.changed.wait(&mut queue);
        }
    }
}
