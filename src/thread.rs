//! The engine's threads: each has a name, an owner and an end, and is deaf to signals.
//!
//! Signals are the program's. A handler that runs on one of our threads would surprise it (a run-time such as
//! Go's ends the process then), and a write to a socket whose client is gone must not end a program that does
//! not ignore SIGPIPE. What a fault or a profiler sends comes through. Threads that call into the program are
//! not made here: what it starts there would be deaf too.

use std::io;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Told to the thread that did something, or to whoever watches it.
const HEARD: [Signal; 7] = [
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGPROF,
    Signal::SIGSEGV,
    Signal::SIGTRAP,
];

fn unheard() -> SigSet {
    let mut signals = SigSet::all();
    HEARD.iter().for_each(|signal| signals.remove(*signal));
    signals
}

/// Makes this thread deaf, for good.
pub fn deafen() {
    if let Err(error) = unheard().thread_block() {
        tracing::warn!(%error, "a thread of the engine's hears signals");
    }
}

/// Has the threads that `start` starts be deaf from their first moment: they take over the mask of the thread
/// that starts them.
fn deafly<T>(start: impl FnOnce() -> T) -> T {
    let before = unheard().thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let started = start();
    match before.and_then(|mask| mask.thread_set_mask()) {
        Ok(()) => {}
        Err(error) => tracing::warn!(%error, "the mask of signals could not be changed"),
    }
    started
}

/// Starts a thread. The name has `levada-` in front.
pub fn start(
    name: impl Into<String>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    deafly(|| Builder::new().name(name.into()).spawn(body))
}

/// The same within a scope.
pub fn start_scoped<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: impl Into<String>,
    body: impl FnOnce() + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, ()>> {
    deafly(|| Builder::new().name(name.into()).spawn_scoped(scope, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(signal: Signal) -> bool {
        !SigSet::thread_get_mask().unwrap().contains(signal)
    }

    #[test]
    fn a_thread_of_the_engine_hears_of_faults_alone() {
        let thread = start("levada-test", || {
            assert!(!hears(Signal::SIGTERM) && !hears(Signal::SIGPIPE));
            assert!(hears(Signal::SIGSEGV));
        });
        thread.unwrap().join().unwrap();
        assert!(hears(Signal::SIGTERM), "whoever starts one hears as before");
    }
}
