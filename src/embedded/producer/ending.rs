//! Transactions, as the producer's user has them.

use std::time::Duration;

use super::producer::Producer;
use super::transaction::{Transactional, overtaken};
use crate::embedded::consumer::{Consumer, GroupMetadata};
use crate::engine::groups::OffsetCommit;
use crate::error::{Error, Kind, Result};

impl Producer {
    /// Whether it was made with a transactional id.
    pub fn is_transactional(&self) -> bool {
        self.shared.transactional.is_some()
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        let transactional = self.shared.transactional.as_ref();
        transactional.is_some_and(Transactional::is_open)
    }

    /// Begins a transaction: what is sent from here on is read by read-committed consumers once it is
    /// committed, all of it or nothing.
    ///
    /// Errors: Invalid (no transactional id), Conflict (one is open), Fenced.
    pub fn begin(&self) -> Result<()> {
        self.check_open()?;
        let transactional = self.transactional()?;
        let _one = transactional.control();
        transactional.begin()
    }

    /// Delivers what was sent in the transaction and commits it. When this returns the decision is
    /// durable, and read-committed consumers see the records.
    ///
    /// Errors: the first failed delivery (abort then), Fenced, Conflict (none is open), Timeout: commit
    /// again, it may have come true.
    pub fn commit(&self, timeout: Duration) -> Result<()> {
        let clock = self.engine.clock();
        let deadline = clock.monotonic().saturating_add(timeout);
        self.decide_commit(timeout)?;
        let left = deadline.saturating_sub(clock.monotonic());
        self.until_visible(left.max(Duration::from_millis(1)));
        Ok(())
    }

    /// The first half of [`Producer::commit`]: the decision is durable when this returns.
    pub fn decide_commit(&self, timeout: Duration) -> Result<()> {
        self.check_open()?;
        let transactional = self.transactional()?;
        let _one = transactional.control();
        if transactional.start_commit()? {
            transactional.flushed(self.deliver_all(timeout))?;
            // What others sent meanwhile; and nobody is in the middle of an append after this.
            self.discard_all();
        }
        transactional.end(true, timeout)
    }

    /// The second half: waits until readers see what was decided. It is decided either way.
    pub fn until_visible(&self, timeout: Duration) -> bool {
        let seen = self
            .transactional()
            .and_then(|transactional| transactional.until_visible(timeout));
        if let Err(error) = &seen {
            tracing::debug!(%error, "a transaction has ended and is not visible yet");
        }
        seen.is_ok()
    }

    /// Gives the transaction up: nothing of it is ever read by read-committed consumers. Records that are
    /// still in the buffer are not written at all; their deliveries fail.
    ///
    /// Errors: Fenced, Conflict (none is open, or a commit that timed out has come true), Timeout: abort
    /// again.
    pub fn abort(&self, timeout: Duration) -> Result<()> {
        self.check_open()?;
        self.give_up(timeout)
    }

    fn give_up(&self, timeout: Duration) -> Result<()> {
        let transactional = self.transactional()?;
        let _one = transactional.control();
        transactional.seal()?;
        self.discard_all();
        transactional.end(false, timeout)
    }

    /// Commits a group's offsets as part of the transaction: they count when it commits. `offsets` are
    /// the next records to read.
    ///
    /// Errors: Conflict (none is open, the group has moved on), Fenced, NotFound (partition).
    pub fn send_offsets(&self, group: &GroupMetadata, offsets: Vec<OffsetCommit>) -> Result<()> {
        self.check_open()?;
        self.transactional()?.send_offsets(group, offsets)
    }

    /// The same with the positions of a consumer, which must not commit by itself.
    ///
    /// Errors: Invalid (no group, or auto-commit), and as [`Producer::send_offsets`].
    pub fn send_positions(&self, consumer: &Consumer) -> Result<()> {
        let (group, offsets) = consumer.group_offsets(None)?;
        self.send_offsets(&group, offsets)
    }

    /// On close: what is open is given up.
    pub(super) fn abort_open(&self, timeout: Duration) {
        if !self.in_transaction() {
            return;
        }
        match self.give_up(timeout) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), Kind::Fenced | Kind::Closed) => {}
            Err(error) => {
                tracing::warn!(%error, "a transaction could not be aborted: it will time out");
            }
        }
    }

    fn discard_all(&self) {
        let why = overtaken();
        self.lanes().iter().for_each(|lane| lane.discard(&why));
    }

    fn transactional(&self) -> Result<&Transactional> {
        let none = || {
            Error::invalid("the producer has no transactional.id: make one with an id of its own")
        };
        self.shared.transactional.as_ref().ok_or_else(none)
    }
}
