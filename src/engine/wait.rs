//! Waiting without polling: whoever wants a partition's visible end to pass an offset leaves a
//! [`Wake`] there, and the append or sync that moves the end calls it.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex};
use crate::types::Offset;

/// Called once when what was waited for has come, or never will. Must be quick and must not call back
/// into the partition: it runs on the thread that moved the end.
pub trait Wake: Send + Sync + Debug {
    /// The visible end now, or why it will not come.
    fn wake(&self, outcome: &Result<Offset>);
}

/// Tells waiters of one partition apart, so that waiting again replaces and giving up removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaiterId(u64);

impl WaiterId {
    pub fn next() -> WaiterId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        WaiterId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct Waiter {
    id: WaiterId,
    /// Woken when the visible end is above this.
    beyond: Offset,
    wake: Arc<dyn Wake>,
}

/// The waiters of one partition.
#[derive(Debug)]
pub struct Waiters {
    /// The least `beyond` of the list: an append that nobody waits for costs one load.
    least: AtomicI64,
    list: Mutex<Vec<Waiter>>,
}

impl Default for Waiters {
    fn default() -> Self {
        Waiters {
            least: AtomicI64::new(i64::MAX),
            list: Mutex::default(),
        }
    }
}

impl Waiters {
    /// Leaves `wake` until the visible end is above `beyond`. The caller reads the end again after
    /// this call, and calls [`Waiters::advanced`] if it has passed meanwhile.
    pub fn add(&self, id: WaiterId, beyond: Offset, wake: Arc<dyn Wake>) {
        let mut list = self.list.lock();
        list.retain(|w| w.id != id);
        list.push(Waiter { id, beyond, wake });
        self.publish(&list);
    }

    pub fn remove(&self, id: WaiterId) {
        let mut list = self.list.lock();
        list.retain(|w| w.id != id);
        self.publish(&list);
    }

    /// The visible end is now `visible`.
    pub fn advanced(&self, visible: Offset) {
        // Pairs with the store in `publish`: either this load sees the waiter, or the waiter's second
        // look at the end sees `visible`.
        if self.least.load(Ordering::SeqCst) >= visible.get() {
            return;
        }
        let ready: Vec<Waiter> = {
            let mut list = self.list.lock();
            let ready = list.extract_if(.., |w| w.beyond < visible).collect();
            self.publish(&list);
            ready
        };
        for waiter in ready {
            waiter.wake.wake(&Ok(visible));
        }
    }

    /// Nothing will come any more: the log failed, was closed or deleted.
    pub fn fail(&self, error: &Error) {
        let all = {
            let mut list = self.list.lock();
            let all = std::mem::take(&mut *list);
            self.publish(&list);
            all
        };
        for waiter in all {
            waiter.wake.wake(&Err(error.clone()));
        }
    }

    fn publish(&self, list: &[Waiter]) {
        let least = list
            .iter()
            .map(|w| w.beyond.get())
            .min()
            .unwrap_or(i64::MAX);
        self.least.store(least, Ordering::SeqCst);
    }
}

/// What runs when a [`Signal`] is set, instead of or beside a waiting thread.
pub type OnSignal = Box<dyn FnOnce() + Send>;

/// Something to wait on that many partitions can set: by a thread ([`Signal::wait`]) or by a
/// callback ([`Signal::on_set`]), as an event loop needs it.
#[derive(Default)]
pub struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Default)]
struct SignalState {
    set: bool,
    /// Called, and forgotten, when the signal is set.
    callbacks: Vec<OnSignal>,
}

impl Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signal")
            .field("set", &self.state.lock().set)
            .finish()
    }
}

impl Signal {
    pub fn set(&self) {
        let callbacks = {
            let mut state = self.state.lock();
            state.set = true;
            self.changed.notify_all();
            std::mem::take(&mut state.callbacks)
        };
        for callback in callbacks {
            callback();
        }
    }

    /// Forgets an earlier `set`. Look at what is waited for after this, not before.
    pub fn clear(&self) {
        self.state.lock().set = false;
    }

    /// Waits until set, for `timeout` at most; gives whether it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.set {
            self.changed.wait_while_for(&mut state, |s| !s.set, timeout);
        }
        state.set
    }

    /// Calls `callback` when the signal is set; at once when it is.
    pub fn on_set(&self, callback: OnSignal) {
        let mut state = self.state.lock();
        if state.set {
            drop(state);
            callback();
        } else {
            state.callbacks.push(callback);
        }
    }
}

impl Wake for Signal {
    fn wake(&self, _outcome: &Result<Offset>) {
        self.set();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_is_woken_once_when_the_end_passes_its_offset() {
        let waiters = Waiters::default();
        let signal = Arc::new(Signal::default());
        waiters.add(WaiterId::next(), Offset(5), signal.clone());
        waiters.advanced(Offset(5));
        assert!(!signal.wait(Duration::ZERO));
        waiters.advanced(Offset(6));
        assert!(signal.wait(Duration::ZERO));
        signal.clear();
        waiters.advanced(Offset(7));
        assert!(!signal.wait(Duration::ZERO));
    }

    #[test]
    fn waiting_again_replaces_and_removing_forgets() {
        let waiters = Waiters::default();
        let (id, signal) = (WaiterId::next(), Arc::new(Signal::default()));
        waiters.add(id, Offset(5), signal.clone());
        waiters.add(id, Offset(9), signal.clone());
        waiters.advanced(Offset(6));
        assert!(!signal.wait(Duration::ZERO));
        waiters.remove(id);
        waiters.advanced(Offset(100));
        assert!(!signal.wait(Duration::ZERO));
    }

    #[test]
    fn a_failed_log_wakes_everybody() {
        let waiters = Waiters::default();
        let signal = Arc::new(Signal::default());
        waiters.add(WaiterId::next(), Offset(5), signal.clone());
        waiters.fail(&Error::closed("closed"));
        assert!(signal.wait(Duration::ZERO));
    }

    #[test]
    fn a_callback_left_on_a_set_signal_runs_at_once() {
        let signal = Signal::default();
        let hits = Arc::new(AtomicI64::new(0));
        let count = |h: &Arc<AtomicI64>| {
            let h = h.clone();
            Box::new(move || {
                h.fetch_add(1, Ordering::SeqCst);
            })
        };
        signal.on_set(count(&hits));
        assert_eq!(hits.load(Ordering::SeqCst), 0);
        signal.set();
        signal.on_set(count(&hits));
        assert_eq!(hits.load(Ordering::SeqCst), 2);
    }
}
