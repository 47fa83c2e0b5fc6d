//! What was appended and is to be answered when it is durable, without a thread that waits.

use std::fmt;
use std::sync::Arc;

use super::partition::PartitionHandle;
use super::wait::{WaiterId, Wake};
use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::types::Offset;

/// Called once with an answer, on the thread that has it: often the one that synced. Must be quick and
/// must not wait.
pub type Reply<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// Up to where a partition must be durable.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    pub handle: Arc<PartitionHandle>,
    pub last_offset: Offset,
}

impl Durable {
    /// Whether it is. Errors: why it never will be.
    pub fn reached(&self) -> Result<bool> {
        Ok(self.handle.state()? > self.last_offset)
    }

    /// As [`Durable::reached`]; when it is not, `wake` is woken once it is, or never will be. Asking
    /// again under the same id replaces.
    pub fn reached_or_wake(&self, id: WaiterId, wake: Arc<dyn Wake>) -> Result<bool> {
        if self.reached()? {
            return Ok(true);
        }
        self.handle.wait_beyond(id, self.last_offset, wake);
        // The end may have moved, or the log failed, between the first look and the registration.
        let reached = self.reached();
        if !matches!(reached, Ok(false)) {
            self.handle.stop_waiting(id);
        }
        reached
    }

    /// Calls `reply` when it is durable, at once when it is already.
    pub fn then(&self, reply: Reply<()>) {
        let answer = Arc::new(Answer(Mutex::new(Some(reply))));
        match self.reached_or_wake(WaiterId::next(), answer.clone()) {
            Ok(false) => {}
            Ok(true) => answer.give(Ok(())),
            Err(error) => answer.give(Err(error)),
        }
    }
}

/// A reply that is given once, whoever comes first.
struct Answer(Mutex<Option<Reply<()>>>);

impl Answer {
    fn give(&self, outcome: Result<()>) {
        let reply = self.0.lock().take();
        if let Some(reply) = reply {
            reply(outcome);
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("given", &self.0.lock().is_none())
            .finish()
    }
}

impl Wake for Answer {
    fn wake(&self, outcome: &Result<Offset>) {
        self.give(outcome.as_ref().map(drop).map_err(Error::clone));
    }
}
