//! Callbacks of deliveries, on a thread of their own: a callback needs the interpreter lock and may
//! send, flush or take its time, and none of that must hold back the threads that sync.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use levada::{Error, Result};
use pyo3::prelude::*;

use crate::delivery::Delivery;

/// What is called, and with what.
#[derive(Debug)]
struct Job {
    number: u64,
    callback: Py<PyAny>,
    delivery: Py<Delivery>,
}

#[derive(Debug)]
struct Queue {
    /// Their deliveries are settled.
    ready: VecDeque<Job>,
    /// Every callback that has not returned, with its delivery.
    open: BTreeMap<u64, levada::embedded::Delivery>,
    next_number: u64,
    /// Started with the first callback; goes on as long as the process does.
    thread: Option<ThreadId>,
}

impl Queue {
    const fn new() -> Queue {
        Queue {
            ready: VecDeque::new(),
            open: BTreeMap::new(),
            next_number: 0,
            thread: None,
        }
    }
}

/// Never held while the interpreter lock is waited for. One of the standard library's, because it is
/// held across a fork and then unlocked in the child.
static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
/// A callback is ready, or has returned.
static CHANGED: Condvar = Condvar::new();

fn queue() -> MutexGuard<'static, Queue> {
    // What it guards is whole after every line.
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has `callback` called with `delivery` once that is settled.
pub fn add(
    callback: Py<PyAny>,
    delivery: Py<Delivery>,
    inner: &levada::embedded::Delivery,
) -> Result<()> {
    let number = {
        let mut queue = queue();
        start(&mut queue)?;
        queue.next_number += 1;
        let number = queue.next_number;
        queue.open.insert(number, inner.clone());
        number
    };
    let job = Job {
        number,
        callback,
        delivery,
    };
    inner.on_done(Box::new(move || {
        queue().ready.push_back(job);
        CHANGED.notify_all();
    }));
    Ok(())
}

/// Waits until the callbacks of all that is settled by now have returned; `None` when they have not
/// within `timeout`. At once in a callback: it cannot wait for itself.
pub fn wait_within(timeout: Duration) -> Option<()> {
    let queue = queue();
    let here = Some(std::thread::current().id());
    let settled = queue.open.iter().filter(|(_, d)| d.is_done());
    let Some(newest) = settled.map(|(number, _)| *number).max() else {
        return Some(());
    };
    if queue.thread == here {
        return Some(());
    }
    let waits = |queue: &mut Queue| queue.open.range(..=newest).any(|(_, d)| d.is_done());
    let waited = CHANGED.wait_timeout_while(queue, timeout, waits);
    let (_queue, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
    (!outcome.timed_out()).then_some(())
}

#[allow(clippy::disallowed_methods)] // a thread with a name
fn start(queue: &mut Queue) -> Result<()> {
    if queue.thread.is_some() {
        return Ok(());
    }
    let thread = std::thread::Builder::new().name("levada-callbacks".into());
    let thread = thread
        .spawn(serve)
        .map_err(|e| Error::io("start the callbacks' thread", e))?;
    queue.thread = Some(thread.thread().id());
    Ok(())
}

fn serve() {
    loop {
        let mut waiting = queue();
        let job = loop {
            if let Some(job) = waiting.ready.pop_front() {
                break job;
            }
            waiting = CHANGED
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(waiting);
        let number = job.number;
        // An interpreter that ends takes no more calls.
        Python::try_attach(|py| call(py, job));
        queue().open.remove(&number);
        CHANGED.notify_all();
    }
}

fn call(py: Python<'_>, job: Job) {
    let callback = job.callback.bind(py);
    if let Err(error) = callback.call1((job.delivery,)) {
        error.write_unraisable(py, Some(callback));
    }
}

/// Held across a fork, so that the child does not inherit it in the middle of a change.
#[derive(Debug)]
pub struct Fork(MutexGuard<'static, Queue>);

impl Fork {
    pub fn before() -> Fork {
        Fork(queue())
    }

    /// The parent calls what it was asked to; the child has no thread yet.
    pub fn in_child(mut self) {
        let parents = std::mem::replace(&mut *self.0, Queue::new());
        drop(self);
        // Its deliveries share locks with threads that are not here.
        std::mem::forget(parents);
    }
}
