//! What the library says while it works, for programs that want to hear it. Nothing is printed.
//!
//! Loggers stand side by side: two parts of a process that both use the library do not take each other's
//! away.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use levada::sync::{RwLock, RwLockWriteGuard};
use levada::{Error, Result};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::arg::{Made, c_string};
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle, kinds};
use crate::status::levada_status;

/// How much a logger hears: its level and those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(non_camel_case_types)]
pub enum levada_log_level {
    /// Something is lost or broken.
    LEVADA_LOG_ERROR = 1,
    /// Something went wrong and was dealt with.
    LEVADA_LOG_WARN = 2,
    /// What a person who runs the program wants to know.
    LEVADA_LOG_INFO = 3,
    /// What a person who looks for a fault wants to know.
    LEVADA_LOG_DEBUG = 4,
    /// Everything.
    LEVADA_LOG_TRACE = 5,
}

use levada_log_level::*;

/// Called for each line of the log, on whichever thread it comes up on: be quick, and call nothing of the
/// library that waits. `target` says which part speaks, `message` is one line of UTF-8; both end with the
/// call. What the callback itself makes the library say is not given to anybody.
#[allow(non_camel_case_types)]
pub type levada_log_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: levada_log_level,
        target: *const c_char,
        message: *const c_char,
    ),
>;

/// Somebody who hears the log of the library. Free it with levada_logger_free().
pub struct levada_logger {
    listener: Arc<Listener>,
}

kinds! { levada_logger "logger" 6; }

/// A pointer of the program's that comes back to it in callbacks.
#[derive(Clone, Copy)]
pub struct UserData(pub *mut c_void);

// SAFETY: the library never looks at what it points to; by the header's rules the program's callback may be
// called with it on any thread.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

type Call = unsafe extern "C" fn(*mut c_void, levada_log_level, *const c_char, *const c_char);

struct Listener {
    level: Level,
    call: Call,
    user_data: UserData,
    /// Until the logger is freed.
    live: AtomicBool,
    /// Held for reading by calls under way.
    calls: RwLock<()>,
}

impl Listener {
    fn hear(&self, level: levada_log_level, target: &CStr, message: &CStr) {
        let _call = self.calls.read();
        if self.live.load(Ordering::Acquire) {
            // SAFETY: the program gave the function for this, and says so by the header's rules until the
            // logger is freed; the texts outlive the call.
            unsafe {
                (self.call)(self.user_data.0, level, target.as_ptr(), message.as_ptr());
            }
        }
    }

    /// No call begins any more. Waits for calls under way; in a callback not, it would wait for itself.
    fn end(&self) {
        self.live.store(false, Ordering::Release);
        if !SPEAKING.get() {
            drop(self.calls.write());
        }
    }
}

/// Locked for a few lines, and never while a callback runs.
static LISTENERS: RwLock<Vec<Arc<Listener>>> = RwLock::new(Vec::new());
static INSTALLED: Once = Once::new();

thread_local! {
    /// This thread is in a callback.
    static SPEAKING: Cell<bool> = const { Cell::new(false) };
}

/// Held around a fork; see `handle::Quiet`.
pub struct Quiet {
    listeners: RwLockWriteGuard<'static, Vec<Arc<Listener>>>,
}

pub fn quiet() -> Quiet {
    Quiet {
        listeners: LISTENERS.write(),
    }
}

impl Quiet {
    /// The child has no way to free its parent's loggers: they hear nothing of it.
    pub fn in_child(mut self) {
        self.listeners.clear();
    }
}

const LEVELS: [(levada_log_level, Level); 5] = [
    (LEVADA_LOG_ERROR, Level::ERROR),
    (LEVADA_LOG_WARN, Level::WARN),
    (LEVADA_LOG_INFO, Level::INFO),
    (LEVADA_LOG_DEBUG, Level::DEBUG),
    (LEVADA_LOG_TRACE, Level::TRACE),
];

/// Hands events to the listeners.
struct Hub;

fn most() -> LevelFilter {
    let listeners = LISTENERS.read();
    let most = listeners.iter().map(|l| l.level).max();
    most.map_or(LevelFilter::OFF, LevelFilter::from_level)
}

impl Subscriber for Hub {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= most()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(most())
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Never asked for: spans are not enabled.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if SPEAKING.get() {
            return;
        }
        let level = *event.metadata().level();
        let mut line = Line::default();
        event.record(&mut line);
        let (target, message) = (
            c_string(event.metadata().target()),
            c_string(&line.finish()),
        );
        let said = LEVELS.iter().find(|(_, own)| *own == level);
        let said = said.map_or(LEVADA_LOG_TRACE, |(said, _)| *said);
        let listeners = LISTENERS.read().clone();
        SPEAKING.set(true);
        for listener in listeners.iter().filter(|l| level <= l.level) {
            listener.hear(said, &target, &message);
        }
        SPEAKING.set(false);
    }
}

/// An event as one line: its message, then its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message.replace('\n', " ")
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// Has `callback` hear what the library does from now on, up to `level` (one of levada_log_level), with
/// `user_data` each time. Several loggers hear side by side. Without one nothing is said, and nothing is
/// ever printed.
///
/// The logger belongs to the caller: free it with levada_logger_free(). LEVADA_INVALID: no callback, a level
/// that is none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_logger_new(
    level: i32,
    callback: levada_log_callback,
    user_data: *mut c_void,
    out_logger: Made<levada_logger>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let out = out_logger.get("out_logger")?;
        let call = callback.ok_or_else(|| Error::invalid("callback is NULL"))?;
        let level = level_of(level)?;
        let listener = Arc::new(Listener {
            level,
            call,
            user_data: UserData(user_data),
            live: AtomicBool::new(true),
            calls: RwLock::new(()),
        });
        LISTENERS.write().push(listener.clone());
        INSTALLED.call_once(|| {
            // Fails where a Rust program with a subscriber of its own links this crate: that one hears it.
            let _ = tracing::subscriber::set_global_default(Hub);
        });
        tracing::callsite::rebuild_interest_cache();
        out.set(handle::make(levada_logger { listener }));
        Ok(())
    })
}

fn level_of(level: i32) -> Result<Level> {
    let found = LEVELS.iter().find(|(said, _)| *said as i32 == level);
    let found = found.map(|(_, level)| *level);
    found.ok_or_else(|| Error::invalid(format!("{level} is no level of the log: there are 1 to 5")))
}

/// Frees a logger. When this returns, its callback has ended and is not called again; made from a log callback,
/// calls under way go on. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_logger_free(logger: Handle<levada_logger>) {
    if let Some(logger) = logger.free() {
        LISTENERS
            .write()
            .retain(|l| !Arc::ptr_eq(l, &logger.listener));
        tracing::callsite::rebuild_interest_cache();
        logger.listener.end();
    }
}
