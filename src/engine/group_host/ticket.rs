//! A commit that is appended and not yet durable.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::durable::Durable;
use crate::engine::partition::PartitionHandle;
use crate::engine::wait::{OnSignal, Signal, WaiterId};
use crate::error::{Error, Kind, Result};
use crate::types::Offset;

/// How long a commit may take before it counts as failed; it may still become durable.
pub const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Tells when what was appended up to `last_offset` is durable.
#[derive(Clone, Debug)]
pub struct CommitTicket {
    handle: Arc<PartitionHandle>,
    last_offset: Offset,
}

impl CommitTicket {
    pub(super) fn new(handle: Arc<PartitionHandle>, last_offset: Offset) -> Self {
        CommitTicket {
            handle,
            last_offset,
        }
    }

    /// The same for who does not wait on a thread.
    pub(in crate::engine) fn durable(&self) -> Durable {
        Durable {
            handle: self.handle.clone(),
            last_offset: self.last_offset,
        }
    }

    pub fn is_done(&self) -> bool {
        self.handle
            .state()
            .map_or(true, |visible| visible > self.last_offset)
    }

    /// Waits until the commit is durable. Errors: Timeout, or the one that the log failed with.
    pub fn wait(&self) -> Result<()> {
        self.wait_for(COMMIT_TIMEOUT)
    }

    /// The same for `timeout` at most.
    pub fn wait_for(&self, timeout: Duration) -> Result<()> {
        self.wait_within(timeout).unwrap_or_else(|| {
            Err(Error::new(
                Kind::Timeout,
                "the offsets were not durable in time: they may still become so",
            ))
        })
    }

    /// The same for a caller that waits in slices; `None` when it is not known in time.
    pub fn wait_within(&self, timeout: Duration) -> Option<Result<()>> {
        let signal = Arc::new(Signal::default());
        let id = WaiterId::next();
        self.handle
            .wait_beyond(id, self.last_offset, signal.clone());
        let done = self.is_done() || signal.wait(timeout);
        self.handle.stop_waiting(id);
        match self.handle.state() {
            Err(error) => Some(Err(error)),
            Ok(visible) if visible > self.last_offset => Some(Ok(())),
            Ok(_) if done => Some(Err(Error::unavailable(
                "the offsets could not be made durable: reopen, then commit again",
            ))),
            Ok(_) => None,
        }
    }

    /// Calls `callback` when the commit is durable or has failed; look with [`CommitTicket::wait`].
    pub fn on_done(&self, callback: OnSignal) {
        let signal = Arc::new(Signal::default());
        signal.on_set(callback);
        self.handle
            .wait_beyond(WaiterId::next(), self.last_offset, signal.clone());
        if self.is_done() {
            signal.set();
        }
    }
}
