//! Which call fails, and how full the disk is.

use std::io;

use super::random::Random;
use crate::sync::Mutex;

/// The error that a failing call answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// EIO: the device does not answer as it should.
    #[default]
    Io,
    /// ENOSPC: no space left.
    Full,
    /// EMFILE: the process has too many files open.
    Handles,
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Fault::Io => rustix::io::Errno::IO.into(),
            Fault::Full => rustix::io::Errno::NOSPC.into(),
            Fault::Handles => rustix::io::Errno::MFILE.into(),
        }
    }
}

/// What goes wrong, by seed. The default is a disk that works, but forgets on power loss what was
/// not synced.
///
/// Counted as a call is all that may fail: open, map, list, create, rename, remove, sync of a
/// directory, read, write, set_len, sync. `len` and `exists` are not counted.
///
/// ```
/// use levada::disk::{Fault, Faults, FaultyDisk};
///
/// let disk = FaultyDisk::with_faults(Faults::seeded(7).fail_at(100, Fault::Io).capacity(1 << 20));
/// assert_eq!(disk.calls(), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Decides how much of a failing write is done and what a failing sync loses.
    pub seed: u64,
    /// The call that fails, counted from 1, and how.
    pub fail_at: Option<(u64, Fault)>,
    /// All calls after the failing one fail as well: the device is gone.
    pub sticky: bool,
    /// The sync of a file that fails (EIO), counted from 1 among syncs of files.
    pub fail_sync_at: Option<u64>,
    /// The bytes that all files together may take; holes take none.
    pub capacity_bytes: Option<u64>,
}

impl Faults {
    /// A disk that works, with a seed for what is lost when it does not.
    pub fn seeded(seed: u64) -> Self {
        Faults {
            seed,
            ..Faults::default()
        }
    }

    /// Lets the `nth` call (from 1) fail.
    #[must_use]
    pub fn fail_at(mut self, nth: u64, fault: Fault) -> Self {
        self.fail_at = Some((nth, fault));
        self
    }

    /// Lets every call after the failing one fail too.
    #[must_use]
    pub fn sticky(mut self) -> Self {
        self.sticky = true;
        self
    }

    /// Lets the `nth` sync of a file (from 1) fail. What it should have made lasting is partly lost
    /// for good: a later sync that succeeds does not bring it back.
    #[must_use]
    pub fn fail_sync_at(mut self, nth: u64) -> Self {
        self.fail_sync_at = Some(nth);
        self
    }

    /// Bounds the bytes of all files together.
    #[must_use]
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity_bytes = Some(bytes);
        self
    }
}

/// The faults at work: shared by a disk and its open files, asked before each call.
#[derive(Debug)]
pub(super) struct Injector {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    faults: Faults,
    random: Random,
    calls: u64,
    syncs: u64,
    /// Errors answered so far, a full disk included.
    failures: u64,
    used_bytes: u64,
}

impl Injector {
    pub(super) fn new(faults: Faults) -> Self {
        let random = Random::new(faults.seed);
        Injector {
            state: Mutex::new(State {
                faults,
                random,
                calls: 0,
                syncs: 0,
                failures: 0,
                used_bytes: 0,
            }),
        }
    }

    /// Counts a call; the error when it is the one that fails.
    pub(super) fn call(&self) -> io::Result<()> {
        self.state.lock().call()
    }

    /// Counts a sync of a file.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.syncs += 1;
        let fails = state.faults.fail_sync_at == Some(state.syncs);
        state.call()?;
        if fails {
            return Err(state.fail(Fault::Io));
        }
        Ok(())
    }

    /// Numbers for the consequence of a failure.
    pub(super) fn fork(&self) -> Random {
        Random::new(self.state.lock().random.next())
    }

    /// The error of a disk that is full.
    pub(super) fn full(&self) -> io::Error {
        self.state.lock().fail(Fault::Full)
    }

    pub(super) fn free_bytes(&self) -> u64 {
        let state = self.state.lock();
        let capacity = state.faults.capacity_bytes.unwrap_or(u64::MAX);
        capacity.saturating_sub(state.used_bytes)
    }

    /// A file that took `before` bytes takes `after` now.
    pub(super) fn charge(&self, before: u64, after: u64) {
        let mut state = self.state.lock();
        state.used_bytes = (state.used_bytes + after).saturating_sub(before);
    }

    pub(super) fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    pub(super) fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    pub(super) fn failures(&self) -> u64 {
        self.state.lock().failures
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.state.lock().used_bytes
    }

    pub(super) fn faults(&self) -> Faults {
        self.state.lock().faults.clone()
    }

    /// Changes the plan; `change` is told how many calls and syncs there were.
    pub(super) fn change(&self, change: impl FnOnce(&mut Faults, u64, u64)) {
        let mut state = self.state.lock();
        let (calls, syncs) = (state.calls, state.syncs);
        change(&mut state.faults, calls, syncs);
    }
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.faults.fail_at {
            Some((nth, fault)) if self.calls == nth || self.faults.sticky && self.calls > nth => {
                Err(self.fail(fault))
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, fault: Fault) -> io::Error {
        self.failures += 1;
        fault.error()
    }
}
