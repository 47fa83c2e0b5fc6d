//! `buffer.memory`: how many bytes may wait for delivery.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Counts bytes that are taken in and not delivered. Taking never waits; whoever finds the budget
/// exceeded waits in [`Budget::wait_for_room`] before taking more.
#[derive(Debug)]
pub(super) struct Budget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
    /// How many wait; returning bytes costs no lock while nobody does.
    waiting: AtomicUsize,
    lock: Mutex<()>,
    room: Condvar,
}

impl Budget {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Budget {
            limit_bytes,
            used_bytes: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            lock: Mutex::new(()),
            room: Condvar::new(),
        }
    }

    pub(super) fn take(&self, bytes: usize) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _held = self.lock.lock();
            self.room.notify_all();
        }
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.used_bytes.load(Ordering::SeqCst) > self.limit_bytes
    }

    pub(super) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::SeqCst)
    }

    /// Waits until the budget is kept again; gives whether it is.
    pub(super) fn wait_for_room(&self, timeout: Duration) -> bool {
        let mut held = self.lock.lock();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.room
            .wait_while_for(&mut held, |_| self.is_exceeded(), timeout);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        !self.is_exceeded()
    }
}
