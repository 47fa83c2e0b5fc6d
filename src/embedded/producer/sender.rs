//! The producer's one thread: drains lanes that are full, and those that have lingered long enough.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::lane::Lane;
use crate::clock::Clock;
use crate::error::{Error, Result};

#[derive(Debug, Default)]
struct Work {
    /// Their batch is full: drain now.
    full: Vec<Arc<Lane>>,
    /// Their batch has begun: drain when `linger.ms` is over.
    lingering: Vec<Arc<Lane>>,
    /// When the first of `lingering` is due; the thread sleeps until then.
    due: Option<Duration>,
    stopped: bool,
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
    #[allow(clippy::disallowed_methods)] // a thread with a name and an owner
    pub(super) fn start(clock: Arc<dyn Clock>, linger: Duration) -> Result<Arc<Sender>> {
        let sender = Arc::new(Sender {
            clock,
            linger,
            work: Mutex::default(),
            more: Condvar::new(),
            thread: Mutex::new(None),
        });
        let body = sender.clone();
        let thread = std::thread::Builder::new()
            .name("levada-sender".into())
            .spawn(move || body.run());
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
        while let Some(lanes) = self.next() {
            match lanes {
                Next::Full(lanes) => {
                    Lane::prepare(&lanes);
                    lanes.iter().for_each(|lane| lane.drain());
                }
                Next::Due(lanes) => {
                    Lane::prepare(&lanes);
                    self.linger(lanes);
                }
            }
        }
    }

    fn next(&self) -> Option<Next> {
        let mut work = self.work.lock();
        loop {
            if work.stopped {
                return None;
            }
            if !work.full.is_empty() {
                return Some(Next::Full(std::mem::take(&mut work.full)));
            }
            let Some(due) = work.due else {
                self.more.wait(&mut work);
                continue;
            };
            let now = self.clock.monotonic();
            if due <= now {
                work.due = None;
                return Some(Next::Due(std::mem::take(&mut work.lingering)));
            }
            self.more.wait_for(&mut work, due - now);
        }
    }

    fn linger(&self, lanes: Vec<Arc<Lane>>) {
        let now = self.clock.monotonic();
        let mut earliest: Option<Duration> = None;
        let mut again = Vec::new();
        for lane in lanes {
            if let Some(due) = lane.linger(now) {
                earliest = Some(earliest.map_or(due, |e| e.min(due)));
                again.push(lane);
            }
        }
        if let Some(due) = earliest {
            let mut work = self.work.lock();
            work.due = Some(work.due.map_or(due, |d| d.min(due)));
            work.lingering.append(&mut again);
        }
    }
}

enum Next {
    Full(Vec<Arc<Lane>>),
    Due(Vec<Arc<Lane>>),
}
