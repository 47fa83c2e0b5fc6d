//! A process that forks keeps its threads to itself: in the child, handles of the parent are refused.
//!
//! `pthread_atfork` says when. It is asked once, with the first database; the child of a `vfork` or of a bare
//! `clone` hears nothing of it, and may do nothing but `exec`.

use std::cell::RefCell;
use std::sync::Once;

use levada::embedded::Fork;

use crate::handle::{self, Quiet};
use crate::log;

static WATCHING: Once = Once::new();

thread_local! {
    /// From before a fork until after it; the thread that forks is the one that the child has.
    static HELD: RefCell<Option<(Fork, Quiet, log::Quiet)>> = const { RefCell::new(None) };
}

/// Has forks noticed from here on.
pub fn watch() {
    WATCHING.call_once(|| {
        // SAFETY: the three functions live as long as the library, which is never unloaded, and do not
        // unwind: what they call does not panic.
        let failed = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        if failed != 0 {
            tracing::warn!(
                failed,
                "forks go unnoticed: a child must not use handles of its parent"
            );
        }
    });
}

extern "C" fn before() {
    let held = (Fork::before(), handle::quiet(), log::quiet());
    HELD.with(|slot| slot.borrow_mut().replace(held));
}

extern "C" fn in_parent() {
    drop(HELD.with(|slot| slot.borrow_mut().take()));
}

extern "C" fn in_child() {
    if let Some((locks, _handles, loggers)) = HELD.with(|slot| slot.borrow_mut().take()) {
        locks.in_child();
        loggers.in_child();
    }
}
