//! The one way from Python into the engine: the interpreter lock is released, Ctrl-C is answered, a
//! panic becomes `levada.InternalError`, and a handle that came here by `fork` is refused.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

pub use levada::embedded::Birth;
use levada::embedded::Fork;
use levada::error::panic_text;
use levada::{Error, Result};
use pyo3::prelude::*;

use crate::callbacks;
use crate::errors::{OrRaise, to_py};

/// How long a wait goes on before it looks whether Ctrl-C was pressed.
const SLICE: Duration = Duration::from_millis(50);

thread_local! {
    /// From before a fork until after it; the thread that forks is the one that the child has.
    static FORK: RefCell<Option<(Fork, callbacks::Fork)>> = const { RefCell::new(None) };
}

/// Called before a fork.
#[pyfunction]
pub fn before_fork() {
    FORK.with(|slot| {
        slot.borrow_mut()
            .get_or_insert_with(|| (Fork::before(), callbacks::Fork::before()));
    });
}

/// Called in the parent after a fork.
#[pyfunction]
pub fn forked_parent() {
    drop(FORK.with(|slot| slot.borrow_mut().take()));
}

/// Called in the child of a fork: every handle made before is refused from here on, and the
/// directories are the parent's alone.
#[pyfunction]
pub fn forked_child() {
    if let Some((locks, callbacks)) = FORK.with(|slot| slot.borrow_mut().take()) {
        locks.in_child();
        callbacks.in_child();
    }
}

/// Something of the engine that Python holds. It is let go without the interpreter lock (closing
/// waits for threads and disks), and in a forked child not at all: its threads are not there.
#[derive(Debug)]
pub struct Held<T: Send> {
    inner: Option<T>,
    birth: Birth,
}

impl<T: Send> Held<T> {
    pub fn new(inner: T) -> Held<T> {
        Held {
            inner: Some(inner),
            birth: Birth::now(),
        }
    }

    #[inline]
    pub fn get(&self) -> PyResult<&T> {
        self.birth.check().or_raise()?;
        self.inner
            .as_ref()
            .ok_or_else(|| to_py(Error::internal("the handle is empty")))
    }
}

impl<T: Send> Drop for Held<T> {
    fn drop(&mut self) {
        let inner = self.inner.take();
        if self.birth.check().is_err() {
            std::mem::forget(inner);
            return;
        }
        let mut inner = Some(inner);
        Python::try_attach(|py| {
            let taken = inner.take();
            py.detach(|| drop(taken));
        });
        drop(inner);
    }
}

/// Runs `call` without the interpreter lock.
pub fn enter<T: Send>(py: Python<'_>, call: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| guard(call)).map_err(to_py)
}

/// Runs `call`, which never waits, with the interpreter lock.
#[inline]
pub fn quick<T>(call: impl FnOnce() -> Result<T>) -> PyResult<T> {
    guard(call).map_err(to_py)
}

#[inline]
fn guard<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    // What `call` touches is behind locks that do not poison, or is dropped with it.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(Error::defect(panic_text(&*panic))))
}

/// Calls `step` with slices of `timeout` (`None`: for ever) until it gives something; `None` when the
/// time is over. Signals are handled in between, so that Ctrl-C ends the wait.
pub fn wait<T: Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut step: impl FnMut(Duration) -> Result<Option<T>> + Send,
) -> PyResult<Option<T>> {
    let deadline = Deadline::after(timeout);
    loop {
        let slice = deadline.left().map_or(SLICE, |left| left.min(SLICE));
        if let Some(found) = enter(py, || step(slice))? {
            return Ok(Some(found));
        }
        py.check_signals()?;
        if deadline.left().is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
    }
}

/// Runs `call` on a thread of its own and waits for it, so that Ctrl-C ends the wait. What runs then
/// goes on to the next point at which it looks at the flag, which says that nobody waits any more.
#[allow(clippy::disallowed_methods)] // a thread with a name; it ends with the call
pub fn aside<T: Send + 'static>(
    py: Python<'_>,
    call: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let (done, outcome) = sync_channel(1);
    let given_up = Arc::new(AtomicBool::new(false));
    let flag = given_up.clone();
    let thread = std::thread::Builder::new().name("levada-call".into());
    let body = move || {
        // Nobody listens when the wait was interrupted.
        let _ = done.send(guard(|| call(&flag)));
    };
    thread
        .spawn(body)
        .map_err(|e| to_py(Error::io("start a thread", e)))?;
    let waited = wait(py, None, move |slice| match outcome.recv_timeout(slice) {
        Ok(outcome) => outcome.map(Some),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Error::internal("a call went missing")),
    });
    let waited = waited.inspect_err(|_| given_up.store(true, Ordering::Relaxed))?;
    waited.ok_or_else(|| to_py(Error::internal("a wait without limit ended")))
}

/// A moment by which a caller wants to be back; none: he waits for ever.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    #[allow(clippy::disallowed_methods)] // the caller's own time
    pub fn after(timeout: Option<Duration>) -> Deadline {
        Deadline(timeout.and_then(|t| Instant::now().checked_add(t)))
    }

    #[allow(clippy::disallowed_methods)] // the caller's own time
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|at| at.saturating_duration_since(Instant::now()))
    }
}

/// Seconds as Python gives them; `None` is for ever.
pub fn seconds(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    match timeout {
        None => Ok(None),
        Some(s) if s.is_nan() || s < 0.0 => Err(to_py(Error::invalid(format!(
            "timeout {s} is no time: give seconds from 0 on, or None"
        )))),
        Some(s) => Ok(Duration::try_from_secs_f64(s).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use levada::Kind;

    #[test]
    fn a_panic_becomes_an_internal_error() {
        let text = guard::<()>(|| panic!("at {}", "noon"));
        let error = text.expect_err("it panicked");
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.message().contains("at noon"), "{error}");
    }
}
