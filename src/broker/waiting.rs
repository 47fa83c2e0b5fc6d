//! Waiting for the engine: its threads ring, the runtime's tasks wake.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::engine::{CommitTicket, PartitionHandle, WaiterId, Wake};
use crate::error::{Error, Kind, Result};
use crate::types::Offset;

/// Rung by any of several partitions.
#[derive(Debug, Default)]
pub(super) struct Bell(Notify);

impl Bell {
    /// Ends when it was rung since the last time, or when it is.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

impl Wake for Bell {
    fn wake(&self, _: &Result<Offset>) {
        self.0.notify_one();
    }
}

/// A bell hung up at partitions; taken down when dropped, also when nobody wants the answer any more.
#[derive(Debug)]
pub(super) struct Watch {
    id: WaiterId,
    pub bell: Arc<Bell>,
    at: Vec<Arc<PartitionHandle>>,
}

impl Watch {
    pub fn new() -> Watch {
        Watch {
            id: WaiterId::next(),
            bell: Arc::default(),
            at: Vec::new(),
        }
    }

    /// Rings when the visible end of `handle` is above `beyond`. Look at the end after this call.
    pub fn beyond(&mut self, handle: &Arc<PartitionHandle>, beyond: Offset) {
        handle.wait_beyond(self.id, beyond, self.bell.clone());
        self.at.push(handle.clone());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for handle in &self.at {
            handle.stop_waiting(self.id);
        }
    }
}

/// Ends when the commit is durable. Errors: Timeout after `timeout`, or what the log failed with.
pub(super) async fn committed(ticket: CommitTicket, timeout: Duration) -> Result<()> {
    let done = Arc::new(Notify::new());
    let tell = done.clone();
    ticket.on_done(Box::new(move || tell.notify_one()));
    if tokio::time::timeout(timeout, done.notified())
        .await
        .is_err()
        && !ticket.is_done()
    {
        let message = "the offsets were not durable in time: they may still become so";
        return Err(Error::new(Kind::Timeout, message));
    }
    ticket.wait_for(Duration::ZERO)
}
