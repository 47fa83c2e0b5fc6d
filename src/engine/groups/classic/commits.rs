//! What classic groups say to commits and removals of offsets.

use std::sync::Arc;

use super::draft::{rebalancing, unknown_member};
use super::group::ClassicGroup;
use super::seats::{check_generation, known};
use crate::engine::groups::group::GroupState;
use crate::engine::groups::requests::CommitRequest;
use crate::error::{Code, Error, Result};
use crate::types::Timestamp;

impl ClassicGroup {
    /// Whether a commit comes from a member of this generation, or from outside while nobody is in.
    ///
    /// Errors: `UnknownMemberId`, `FencedInstanceId`, `IllegalGeneration`, `RebalanceInProgress`.
    pub fn may_commit(&self, request: &CommitRequest, in_transaction: bool) -> Result<()> {
        let id = &request.group;
        if request.epoch < 0 && self.state == GroupState::Empty {
            return Ok(());
        }
        let instance = request.instance_id.as_ref();
        if request.epoch >= 0 || !request.member.is_empty() || instance.is_some() {
            known(self, id, &request.member, instance)?;
            check_generation(self, id, request.epoch)?;
        } else if !in_transaction {
            return Err(unknown_member(id, &request.member));
        }
        // It knows the generation and not yet its partitions: what it commits is from before.
        if !in_transaction && self.state == GroupState::CompletingRebalance {
            return Err(rebalancing(id));
        }
        Ok(())
    }

    /// Errors: `NonEmptyGroup` while there are members of which nobody can tell what they read.
    pub fn may_delete_offsets(&self, id: &Arc<str>) -> Result<()> {
        if self.state == GroupState::Empty || self.is_of_consumers() {
            return Ok(());
        }
        Err(Error::coded(
            Code::NonEmptyGroup,
            format!("group {id} has members: stop them first"),
        ))
    }

    /// From when the age of an offset counts; `None`: it does not age now.
    pub fn ages_from(&self, topic: &str, committed_at: Timestamp) -> Option<Timestamp> {
        match (&self.protocol_type, self.state) {
            (None, _) => Some(committed_at),
            // The group was used until it became empty.
            (Some(_), GroupState::Empty) => Some(match self.since {
                Timestamp::NONE => committed_at,
                since => since,
            }),
            (Some(_), GroupState::Stable) if self.subscribed.is_some() => {
                Some(committed_at).filter(|_| !self.reads_topic(topic))
            }
            _ => None,
        }
    }
}
