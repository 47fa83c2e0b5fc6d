//! Reports on records, by callback or polled.
//!
//! Records of one batch are reported on together: what is added to the batch is one small entry a record,
//! one allocation and one call-back of the engine's a batch.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use levada::embedded::Delivery;
use levada::sync::{Condvar, Mutex};
use levada::{Error, Kind, Result};

use crate::error::levada_error;
use crate::handle::{Handle, Lent, View, kinds};
use crate::log::UserData;

/// So many records may be settled and not reported.
const WAITING_MAX: usize = 1 << 20;

/// Called with the outcome of a record: `tag` is what it was sent with, `error` is NULL when it was
/// delivered, and otherwise says why not; it ends with the call. Partition, offset and timestamp are -1 for a
/// record that failed.
pub type levada_delivery_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        tag: *mut c_void,
        partition: i32,
        offset: i64,
        timestamp_ms: i64,
        error: *const levada_error,
    ),
>;

pub type Call = unsafe extern "C" fn(*mut c_void, *mut c_void, i32, i64, i64, *const levada_error);

/// Outcomes of records. Free them with levada_reports_free().
pub struct levada_reports {
    rows: Vec<Row>,
}

struct Row {
    tag: UserData,
    partition: i32,
    offset: i64,
    timestamp: i64,
    error: Option<Lent<levada_error>>,
}

kinds! { levada_reports "reports" 16; }

impl Row {
    fn new(delivery: &Delivery, tag: UserData) -> Row {
        let outcome = delivery.get();
        let outcome =
            outcome.unwrap_or_else(|| Err(Error::internal("a report without an outcome")));
        match outcome {
            Ok(place) => Row {
                tag,
                partition: place.topic_partition.partition,
                offset: place.offset.get(),
                timestamp: place.timestamp.get(),
                error: None,
            },
            Err(error) => Row {
                tag,
                partition: -1,
                offset: -1,
                timestamp: -1,
                error: Some(Lent::new(levada_error::from(&error))),
            },
        }
    }

    fn error(&self) -> *const levada_error {
        let error = self.error.as_ref();
        error.map_or(std::ptr::null(), Lent::pointer)
    }
}

/// The records of one batch that are reported on.
pub struct Group {
    number: u64,
    /// `None` once they are being reported.
    records: Mutex<Option<Vec<(Delivery, UserData)>>>,
}

impl Group {
    /// Takes a record in if it is of the same batch and that is not reported yet; else gives it back.
    pub fn push(&self, delivery: Delivery, tag: UserData) -> std::result::Result<(), Delivery> {
        match &mut *self.records.lock() {
            Some(records)
                if records
                    .first()
                    .is_some_and(|(d, _)| d.shares_batch(&delivery)) =>
            {
                records.push((delivery, tag));
                Ok(())
            }
            _ => Err(delivery),
        }
    }

    fn take(&self) -> Vec<Row> {
        let records = self.records.lock().take().unwrap_or_default();
        records
            .iter()
            .map(|(delivery, tag)| Row::new(delivery, *tag))
            .collect()
    }

    fn len(&self) -> usize {
        self.records.lock().as_ref().map_or(0, Vec::len)
    }
}

#[derive(Default)]
struct State {
    next_number: u64,
    /// Groups whose batch is not settled; with a callback, also those that it was not called for.
    open: BTreeSet<u64>,
    /// Groups whose batch is settled.
    settled: VecDeque<Arc<Group>>,
    caller: Option<Caller>,
    closed: bool,
}

/// The thread that calls back.
struct Caller {
    thread: ThreadId,
    handle: Option<JoinHandle<()>>,
}

/// The reports of one producer. `state` is held for a few lines.
pub struct Reports {
    state: Mutex<State>,
    changed: Condvar,
    /// Records in `State::settled`, about. Changed with `state` held; a send looks without.
    waiting: AtomicUsize,
    /// The producer is freed: nobody is called any more.
    ended: AtomicBool,
    /// `max.block.ms`.
    block_max: Duration,
}

impl Reports {
    pub fn new(block_max: Duration) -> Arc<Reports> {
        Arc::new(Reports {
            state: Mutex::default(),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            block_max,
        })
    }

    /// Waits until one more report has room; in a program that polls it must do that first.
    pub fn check_room(&self) -> Result<()> {
        let is_full = || self.waiting.load(Ordering::Relaxed) >= WAITING_MAX;
        if !is_full() {
            return Ok(());
        }
        let mut state = self.state.lock();
        if state.caller.is_none() {
            return Err(Error::unavailable(format!(
                "{WAITING_MAX} reports wait: poll them, then send again"
            )));
        }
        if state.is_here() {
            return Ok(());
        }
        match self
            .changed
            .wait_while_for(&mut state, |_| is_full(), self.block_max)
            .timed_out()
        {
            false => Ok(()),
            true => Err(Error::new(
                Kind::Timeout,
                "the delivery callback is behind by a million records: send slower",
            )),
        }
    }

    /// Begins with the first record of a batch.
    pub fn begin(self: &Arc<Self>, first: Delivery, tag: UserData) -> Arc<Group> {
        let number = {
            let mut state = self.state.lock();
            state.next_number += 1;
            let number = state.next_number;
            state.open.insert(number);
            number
        };
        let group = Arc::new(Group {
            number,
            records: Mutex::new(Some(vec![(first.clone(), tag)])),
        });
        let (reports, settled) = (self.clone(), group.clone());
        // Called at once when the batch is settled already.
        first.on_done(Box::new(move || reports.settled(settled)));
        group
    }

    fn settled(&self, group: Arc<Group>) {
        let mut state = self.state.lock();
        if state.caller.is_none() {
            state.open.remove(&group.number);
        }
        self.waiting.fetch_add(group.len(), Ordering::Relaxed);
        state.settled.push_back(group);
        self.changed.notify_all();
    }

    /// Has a thread call back from here on.
    #[allow(clippy::disallowed_methods)] // a thread with a name; it ends with the producer
    pub fn call_back(self: &Arc<Self>, call: Call, user_data: UserData) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::closed("the producer is closed: make another"));
        }
        if state.caller.is_some() || state.next_number > 0 {
            return Err(Error::new(
                Kind::Conflict,
                "a delivery callback is set once, before the first record that is reported on",
            ));
        }
        let reports = self.clone();
        let thread = std::thread::Builder::new().name("levada-reports".into());
        let body = move || reports.serve(call, user_data);
        let handle = thread
            .spawn(body)
            .map_err(|e| Error::io("start a thread", e))?;
        state.caller = Some(Caller {
            thread: handle.thread().id(),
            handle: Some(handle),
        });
        Ok(())
    }

    fn serve(&self, call: Call, user_data: UserData) {
        while let Some(group) = self.next() {
            for row in group.take() {
                if self.ended.load(Ordering::Acquire) {
                    return;
                }
                // SAFETY: the program gave the function for this and keeps it until the producer is freed;
                // the error lives until the end of this turn.
                unsafe {
                    call(
                        user_data.0,
                        row.tag.0,
                        row.partition,
                        row.offset,
                        row.timestamp,
                        row.error(),
                    );
                }
            }
            self.state.lock().open.remove(&group.number);
            self.changed.notify_all();
        }
    }

    /// The next group to call back for; `None` when the producer is closed and all is reported.
    fn next(&self) -> Option<Arc<Group>> {
        let mut state = self.state.lock();
        loop {
            if self.ended.load(Ordering::Acquire) {
                return None;
            }
            if let Some(group) = state.settled.pop_front() {
                // Records came to the group since it was counted in.
                let left = self.waiting.load(Ordering::Relaxed);
                let left = left.saturating_sub(group.len());
                self.waiting.store(left, Ordering::Relaxed);
                self.changed.notify_all();
                return Some(group);
            }
            if state.closed && state.open.is_empty() {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Takes what is settled, or waits for some; `None` when nothing came.
    pub fn poll(&self, time: Duration) -> Result<Option<levada_reports>> {
        let groups = {
            let mut state = self.state.lock();
            if state.caller.is_some() {
                return Err(Error::new(
                    Kind::Conflict,
                    "the producer has a delivery callback: there is nothing to poll",
                ));
            }
            let is_nothing = |state: &mut State| {
                state.settled.is_empty() && !(state.closed && state.open.is_empty())
            };
            self.changed.wait_while_for(&mut state, is_nothing, time);
            self.waiting.store(0, Ordering::Relaxed);
            std::mem::take(&mut state.settled)
        };
        let rows: Vec<Row> = groups.iter().flat_map(|group| group.take()).collect();
        Ok((!rows.is_empty()).then_some(levada_reports { rows }))
    }

    /// Waits until all that was sent before can be polled, or the callback was called for it. On the
    /// callback's thread there is nothing to wait for. Timeout when it was not in time.
    pub fn settle(&self, time: Duration) -> Result<()> {
        let mut state = self.state.lock();
        if state.is_here() {
            return Ok(());
        }
        let last = state.next_number;
        let is_behind = |state: &mut State| state.open.first().is_some_and(|n| *n <= last);
        match self
            .changed
            .wait_while_for(&mut state, is_behind, time)
            .timed_out()
        {
            false => Ok(()),
            true => Err(Error::new(
                Kind::Timeout,
                "not all records were reported on in time, the delivery callback is behind: they may still be",
            )),
        }
    }

    /// Ends the thread once all is reported, and waits for it, unless this is that thread.
    pub fn close(&self, time: Duration) -> Result<()> {
        let settled = self.settle(time);
        self.state.lock().closed = true;
        self.changed.notify_all();
        if settled.is_ok() {
            self.join();
        }
        settled
    }

    /// Calls nobody any more: waits for a call under way, unless this is made from it.
    pub fn end(&self) {
        {
            let mut state = self.state.lock();
            state.closed = true;
            self.ended.store(true, Ordering::Release);
            self.changed.notify_all();
        }
        self.join();
    }

    fn join(&self) {
        let thread = {
            let mut state = self.state.lock();
            let is_here = state.is_here();
            let thread = state.caller.as_mut().filter(|_| !is_here);
            thread.and_then(|caller| caller.handle.take())
        };
        if let Some(thread) = thread {
            // Its panic was logged by the hook.
            let _ = thread.join();
        }
    }
}

impl State {
    fn is_here(&self) -> bool {
        let here = std::thread::current().id();
        self.caller.as_ref().is_some_and(|c| c.thread == here)
    }
}

fn of<T>(reports: View<levada_reports>, index: usize, read: impl FnOnce(&Row) -> T) -> Option<T> {
    reports.get().ok().and_then(|r| r.rows.get(index).map(read))
}

/// How many records the reports are on.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_count(reports: View<levada_reports>) -> usize {
    reports.get().map_or(0, |r| r.rows.len())
}

/// What the record at `index` was sent with; NULL beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_tag(reports: View<levada_reports>, index: usize) -> *mut c_void {
    of(reports, index, |row| row.tag.0).unwrap_or(std::ptr::null_mut())
}

/// The partition that the record at `index` went to; -1 when it failed, and beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_partition(reports: View<levada_reports>, index: usize) -> i32 {
    of(reports, index, |row| row.partition).unwrap_or(-1)
}

/// The offset of the record at `index`; -1 when it failed, and beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_offset(reports: View<levada_reports>, index: usize) -> i64 {
    of(reports, index, |row| row.offset).unwrap_or(-1)
}

/// The timestamp of the record at `index`, in milliseconds; -1 when it failed, and beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_timestamp(reports: View<levada_reports>, index: usize) -> i64 {
    of(reports, index, |row| row.timestamp).unwrap_or(-1)
}

/// Why the record at `index` was not delivered; NULL when it was, and beyond the end.
///
/// Borrowed: valid until `reports` is freed; do not free it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_error(
    reports: View<levada_reports>,
    index: usize,
) -> *const levada_error {
    of(reports, index, Row::error).unwrap_or(std::ptr::null())
}

/// Frees reports. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_reports_free(reports: Handle<levada_reports>) {
    drop(reports.free());
}
