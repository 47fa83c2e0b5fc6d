//! Telling the user which partitions come and go.

use std::fmt::Debug;
use std::sync::Arc;
use std::thread::ThreadId;

use super::Consumer;
use super::consumer::Guard;
use crate::error::{Error, Kind, Result};
use crate::sync::{Mutex, MutexGuard};
use crate::types::TopicPartition;

/// What happened to the partitions that a listener is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// They are this member's from now on; their positions may still be sought.
    Assigned,
    /// They are about to go to others: the last moment to commit for them. With `enable.auto.commit`
    /// that was done already.
    Revoked,
    /// The group put this member out: others may have them already.
    Lost,
}

/// Called on the thread that polls, subscribes or closes, within that call. It may use the consumer:
/// seek, commit, pause; not poll it, and not subscribe to something else.
///
/// An error does not undo the change; the call that it was made from gives it.
pub type OnRebalance = Arc<dyn Fn(Rebalance, &[TopicPartition]) -> Result<()> + Send + Sync>;

#[derive(Default)]
pub(super) struct Listener {
    call: Mutex<Option<OnRebalance>>,
    /// The thread that the listener is running on.
    running: Mutex<Option<ThreadId>>,
}

impl Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

/// Ends when the listener returns or panics.
struct Running<'a>(&'a Listener);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.running.lock() = None;
    }
}

impl Listener {
    pub(super) fn set(&self, call: Option<OnRebalance>) {
        *self.call.lock() = call;
    }

    /// Whether it runs, and on this thread.
    pub(super) fn runs_here(&self) -> Option<bool> {
        let running = *self.running.lock();
        running.map(|thread| thread == std::thread::current().id())
    }
}

impl Consumer {
    /// Has `listener` told which partitions come and go; `None` ends that. Replaces the one before.
    ///
    /// Errors: Invalid without a group, Conflict (two threads), Closed.
    pub fn on_rebalance(&self, listener: Option<OnRebalance>) -> Result<()> {
        if listener.is_some() && self.options.group.is_none() {
            return Err(Error::invalid(
                "a listener of rebalances needs a group: without one partitions do not come and go",
            ));
        }
        let _state = self.enter()?;
        self.listener.set(listener);
        Ok(())
    }

    /// Whether this is called from within the listener.
    pub fn is_in_listener(&self) -> bool {
        self.listener.runs_here() == Some(true)
    }

    /// Calls the listener. The consumer is unlocked meanwhile, and whoever calls it on this thread gets
    /// in: look again at everything afterwards.
    pub(super) fn tell(
        &self,
        state: &mut Guard<'_>,
        what: Rebalance,
        partitions: &[TopicPartition],
    ) -> Result<()> {
        let call = self.listener.call.lock().clone();
        let Some(call) = call.filter(|_| !partitions.is_empty()) else {
            return Ok(());
        };
        *self.listener.running.lock() = Some(std::thread::current().id());
        let running = Running(&self.listener);
        MutexGuard::unlocked(state, move || {
            let _running = running;
            call(what, partitions)
        })
    }

    /// The way in for calls that a listener must not make.
    pub(super) fn enter_outside(&self) -> Result<Guard<'_>> {
        if self.is_in_listener() {
            return Err(Error::new(
                Kind::Conflict,
                "a listener of rebalances may seek, commit and pause, not poll, subscribe or assign: do that after it has returned",
            ));
        }
        self.enter()
    }
}
