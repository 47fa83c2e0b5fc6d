//! Locks and condition variables: the standard library's, without poisoning.
//!
//! Each stands for itself. Locks that keep the threads that wait for them in one table of the process do not
//! outlive a `fork`: the child has the table, with threads in it that are not there, and what they left is
//! overwritten by the child's own.

use std::fmt::{self, Debug};
use std::ops::{Deref, DerefMut};
use std::sync::{self, PoisonError, TryLockError};
use std::time::Duration;

pub use std::sync::{RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult};

/// Lets in one at a time. What a panic leaves behind is for whoever comes next.
#[derive(Default)]
pub struct Mutex<T>(sync::Mutex<T>);

/// A [`Mutex`] that is held.
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// `None` while [`MutexGuard::unlocked`] runs or a condition variable waits, when nobody has this guard.
    held: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex(sync::Mutex::new(value))
    }

    #[inline]
    fn hold(&self) -> sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            mutex: self,
            held: Some(self.hold()),
        }
    }

    /// `None` when another holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let held = match self.0.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard {
            mutex: self,
            held: Some(held),
        })
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Debug> Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a, T> MutexGuard<'a, T> {
    /// Runs `body` while others may hold the mutex.
    pub fn unlocked<R>(guard: &mut MutexGuard<'a, T>, body: impl FnOnce() -> R) -> R {
        /// Locks again also when `body` panics.
        struct Again<'g, 'a, T>(&'g mut MutexGuard<'a, T>);

        impl<T> Drop for Again<'_, '_, T> {
            fn drop(&mut self) {
                self.0.held = Some(self.0.mutex.hold());
            }
        }

        guard.held = None;
        let _again = Again(guard);
        body()
    }

    /// Gives what is held to `wait`, and takes it back.
    fn lend<R>(
        &mut self,
        wait: impl FnOnce(sync::MutexGuard<'a, T>) -> (sync::MutexGuard<'a, T>, R),
    ) -> R {
        let held = self.held.take().unwrap_or_else(|| self.mutex.hold());
        let (held, result) = wait(held);
        self.held = Some(held);
        result
    }
}

/// Whoever borrows from a guard holds it: it is empty only while `unlocked` or a wait has it for themselves.
#[cold]
fn not_held() -> ! {
    unreachable!("a guard is used by nobody while its mutex is unlocked")
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.held {
            Some(held) => held,
            None => not_held(),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.held {
            Some(held) => held,
            None => not_held(),
        }
    }
}

impl<T: Debug> Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Lets threads wait until another has changed what a [`Mutex`] holds.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    pub const fn new() -> Self {
        Condvar(sync::Condvar::new())
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits for a notification. There may be none: look at what was waited for.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        guard.lend(|held| {
            let held = self.0.wait(held);
            (held.unwrap_or_else(PoisonError::into_inner), ())
        });
    }

    /// The same, for `timeout` at most.
    pub fn wait_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        guard.lend(|held| {
            let outcome = self.0.wait_timeout(held, timeout);
            outcome.unwrap_or_else(PoisonError::into_inner)
        })
    }

    /// Waits as long as `condition` holds, for `timeout` at most; tells whether it holds still.
    pub fn wait_while_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        guard.lend(|held| {
            let outcome = self.0.wait_timeout_while(held, timeout, condition);
            outcome.unwrap_or_else(PoisonError::into_inner)
        })
    }
}

/// Lets in many who read or one who writes.
#[derive(Default)]
pub struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    pub const fn new(value: T) -> Self {
        RwLock(sync::RwLock::new(value))
    }

    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Debug> Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_panic_leaves_locks_usable() {
        let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _held = (mutex.lock(), lock.write());
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!((*mutex.lock(), *lock.read()), (1, 1));
        assert!(mutex.try_lock().is_some());
    }

    #[test]
    fn what_runs_unlocked_may_lock_and_panic() {
        let mutex = Mutex::new(0);
        let mut guard = mutex.lock();
        assert!(mutex.try_lock().is_none());
        MutexGuard::unlocked(&mut guard, || *mutex.lock() += 1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            MutexGuard::unlocked(&mut guard, || panic!("on purpose"));
        }));
        assert!(panicked.is_err());
        assert_eq!(*guard, 1);
        assert!(mutex.try_lock().is_none());
    }

    #[test]
    fn whoever_waits_hears_of_a_change_or_of_the_time() {
        let (mutex, changed) = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                *mutex.lock() = true;
                changed.notify_all();
            });
            let mut guard = mutex.lock();
            let is_late = changed
                .wait_while_for(&mut guard, |set| !*set, Duration::MAX)
                .timed_out();
            assert!(!is_late && *guard);
        });
        let mut guard = mutex.lock();
        let outcome = changed.wait_while_for(&mut guard, |_| true, Duration::from_millis(1));
        assert!(outcome.timed_out());
    }
}
