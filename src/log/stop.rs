//! Asking long work to end.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Set once, by who closes; looked at by long work between pieces that take a moment each.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    pub const fn new() -> Stop {
        Stop(AtomicBool::new(false))
    }

    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Closed when the work is to end.
    pub fn check(&self) -> Result<()> {
        match self.is_set() {
            true => Err(Error::closed("closing: the work at hand was given up")),
            false => Ok(()),
        }
    }
}
