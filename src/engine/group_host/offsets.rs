//! Offsets of groups as the broker calls them: with an outcome for each partition.

use std::sync::Arc;

use super::host::Groups;
use super::ticket::CommitTicket;
use crate::engine::groups::{CommitRequest, Committed, FetchAs, OffsetOutcome};
use crate::error::Result;

/// Outcomes in the order of the request, and the ticket that tells when they are durable; `None`
/// when nothing was written.
pub type Written = (Vec<OffsetOutcome>, Option<CommitTicket>);

impl Groups {
    /// OffsetCommit: partitions that are refused do not keep the others from counting.
    ///
    /// Errors, for all: as the coordinator's `commit_offsets`. Before version 9 clients know
    /// `IllegalGeneration` instead of `GroupIdNotFound`.
    pub fn commit_offsets(&self, request: &CommitRequest) -> Result<Written> {
        self.decide(|coordinator, view, now| coordinator.commit_offsets(request, view, now))
    }

    /// OffsetFetch, of the partitions named or of all.
    ///
    /// Errors, for all: `UnknownMemberId`, `StaleMemberEpoch`. One by one, with `stable`:
    /// `UnstableOffsetCommit`.
    pub fn fetch_offsets(
        &self,
        group: &Arc<str>,
        fetch_as: &FetchAs,
        wanted: Option<&[(Arc<str>, i32)]>,
        stable: bool,
    ) -> Result<Vec<OffsetOutcome<Option<Committed>>>> {
        let (_, state) = self.enter()?;
        state
            .coordinator
            .fetch_offsets(group, fetch_as, wanted, stable)
    }

    /// OffsetDelete.
    ///
    /// Errors, for all: `GroupIdNotFound`, `NonEmptyGroup`. One by one: `GroupSubscribedToTopic`.
    pub fn delete_offsets(&self, group: &Arc<str>, places: &[(Arc<str>, i32)]) -> Result<Written> {
        self.decide(|coordinator, _, _| coordinator.delete_offsets(group, places))
    }
}
