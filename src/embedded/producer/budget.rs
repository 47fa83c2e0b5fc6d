//! `buffer.memory`: how many bytes may wait for delivery.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::delivery::OnDelivered;
use crate::sync::{Condvar, Mutex};

/// Counts bytes that are taken in and not delivered. Taking never waits; whoever finds the budget
/// exceeded waits in [`Budget::wait_for_room`] before taking more.
pub(super) struct Budget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
    /// How many wait; returning bytes costs no lock while nobody does.
    waiting: AtomicUsize,
    /// What to call when there is room; counted in `waiting` too.
    callbacks: Mutex<Vec<OnDelivered>>,
    room: Condvar,
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget")
            .field("limit_bytes", &self.limit_bytes)
            .field("used_bytes", &self.used_bytes)
            .finish_non_exhaustive()
    }
}

impl Budget {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Budget {
            limit_bytes,
            used_bytes: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            callbacks: Mutex::default(),
            room: Condvar::new(),
        }
    }

    pub(super) fn take(&self, bytes: usize) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.tell();
        }
    }

    /// Calls `callback` once there is room; at once when there is.
    pub(super) fn on_room(&self, callback: OnDelivered) {
        self.callbacks.lock().push(callback);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.tell();
    }

    fn tell(&self) {
        let ready = {
            let mut callbacks = self.callbacks.lock();
            self.room.notify_all();
            if self.is_exceeded() {
                return;
            }
            self.waiting.fetch_sub(callbacks.len(), Ordering::SeqCst);
            std::mem::take(&mut *callbacks)
        };
        for callback in ready {
            callback();
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
        let mut held = self.callbacks.lock();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.room
            .wait_while_for(&mut held, |_| self.is_exceeded(), timeout);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        !self.is_exceeded()
    }
}
