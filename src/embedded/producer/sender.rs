//! The producer's one thread: drains lanes that are full, and those that have lingered long enough;
//! fails what was not delivered within `delivery.timeout.ms`.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::delivery::OnDelivered;
use super::lane::Lane;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex};
use crate::thread;

#[derive(Default)]
struct Work {
    /// What callers that must not wait have left; done first, also when the producer ends.
    errands: Vec<OnDelivered>,
    /// Their batch is full: drain now.
    full: Vec<Arc<Lane>>,
    /// Their batch has begun: drain when `linger.ms` is over.
    lingering: Vec<Arc<Lane>>,
    /// When the first of `lingering` is due; the thread sleeps until then.
    due: Option<Duration>,
    stopped: bool,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work")
            .field("full", &self.full.len())
            .field("lingering", &self.lingering.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Sender {
    clock: Arc<dyn Clock>,
    linger: Duration,
    work: Mutex<Work>,
    more: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sender {
    pub(super) fn start(clock: Arc<dyn Clock>, linger: Duration) -> Result<Arc<Sender>> {
        let sender = Arc::new(Sender {
            clock,
            linger,
            work: Mutex::default(),
            more: Condvar::new(),
            thread: Mutex::new(None),
        });
        let body = sender.clone();
        let thread = thread::start("levada-sender", move || body.run());
        let thread = thread.map_err(|e| Error::io("start the producer's thread", e))?;
        *sender.thread.lock() = Some(thread);
        Ok(sender)
    }

    /// A batch has begun in `lane`.
    pub(super) fn begun(&self, lane: &Arc<Lane>) {
        let mut work = self.work.lock();
        work.lingering.push(lane.clone());
        if work.due.is_none() {
            work.due = Some(self.clock.monotonic() + self.linger);
            self.more.notify_one();
        }
    }

    /// The batch in `lane` is full.
    pub(super) fn full(&self, lane: &Arc<Lane>) {
        let mut work = self.work.lock();
        work.full.push(lane.clone());
        if work.full.len() == 1 {
            self.more.notify_one();
        }
    }

    /// Does `errand` on the producer's thread; on the caller's when that has ended.
    pub(super) fn run_errand(&self, errand: OnDelivered) {
        let mut work = self.work.lock();
        if work.stopped {
            drop(work);
            return errand();
        }
        work.errands.push(errand);
        self.more.notify_one();
    }

    /// Ends the thread; what it has not drained stays in the lanes.
    pub(super) fn stop(&self) {
        self.work.lock().stopped = true;
        self.more.notify_all();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // A panic there was reported by the panic hook; nothing is left to undo here.
            let _ = thread.join();
        }
    }

    fn run(&self) {
        let mut watched = Watched::default();
        while let Some(next) = self.next(watched.due) {
            match next {
                Next::Errands(errands) => errands.into_iter().for_each(|errand| errand()),
                Next::Full(lanes) => {
                    Lane::prepare(&lanes);
                    lanes.iter().for_each(|lane| lane.drain());
                }
                Next::Due(lanes) => {
                    Lane::prepare(&lanes);
                    self.linger(lanes, &mut watched);
                }
                Next::Overdue => watched.expire(self.clock.monotonic()),
            }
        }
    }

    fn next(&self, overdue: Option<Duration>) -> Option<Next> {
        let mut work = self.work.lock();
        loop {
            if !work.errands.is_empty() {
                return Some(Next::Errands(std::mem::take(&mut work.errands)));
            }
            if work.stopped {
                return None;
            }
            if !work.full.is_empty() {
                return Some(Next::Full(std::mem::take(&mut work.full)));
            }
            let now = self.clock.monotonic();
            if work.due.is_some_and(|due| due <= now) {
                work.due = None;
                return Some(Next::Due(std::mem::take(&mut work.lingering)));
            }
            if overdue.is_some_and(|due| due <= now) {
                return Some(Next::Overdue);
            }
            match work.due.into_iter().chain(overdue).min() {
                Some(due) => {
                    self.more.wait_for(&mut work, due - now);
                }
                None => self.more.wait(&mut work),
            }
        }
    }

    fn linger(&self, lanes: Vec<Arc<Lane>>, watched: &mut Watched) {
        let now = self.clock.monotonic();
        let mut earliest: Option<Duration> = None;
        let mut again = Vec::new();
        for lane in lanes {
            if let Some(due) = lane.linger(now) {
                earliest = Some(earliest.map_or(due, |e| e.min(due)));
                again.push(lane.clone());
            }
            // Every batch passes here, whoever drains it: what began puts its lane on the list.
            watched.add(lane);
        }
        if let Some(due) = earliest {
            let mut work = self.work.lock();
            work.due = Some(work.due.map_or(due, |d| d.min(due)));
            work.lingering.append(&mut again);
        }
    }
}

enum Next {
    Errands(Vec<OnDelivered>),
    Full(Vec<Arc<Lane>>),
    Due(Vec<Arc<Lane>>),
    /// Something that is watched may be too old.
    Overdue,
}

/// Lanes with batches that are appended and not acknowledged. Costs a look when a lane has lingered,
/// and one each time that the oldest could be too old.
#[derive(Default)]
struct Watched {
    lanes: Vec<Arc<Lane>>,
    due: Option<Duration>,
}

impl Watched {
    fn add(&mut self, lane: Arc<Lane>) {
        if let Some(due) = lane.watch() {
            self.lanes.push(lane);
            self.due = Some(self.due.map_or(due, |d| d.min(due)));
        }
    }

    fn expire(&mut self, now: Duration) {
        self.due = None;
        self.lanes.retain(|lane| match lane.expire(now) {
            Some(due) => {
                self.due = Some(self.due.map_or(due, |d| d.min(due)));
                true
            }
            None => false,
        });
    }
}
