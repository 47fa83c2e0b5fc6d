//! Heartbeat: the member lives; it hears when a rebalance began.

use super::draft::{Draft, rebalancing};
use super::group::ClassicGroup;
use super::requests::ClassicHeartbeat;
use super::seats::{check_generation, known};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::GroupState;
use crate::engine::groups::plan::{Now, Plan};
use crate::error::Result;

impl Coordinator {
    /// Takes in a sign of life. The plan's answer is the member's: also one with an error
    /// (`RebalanceInProgress`) keeps the member in the group.
    ///
    /// Errors: `InvalidGroupId`, `UnknownMemberId`, `FencedInstanceId`, `IllegalGeneration`.
    pub fn heartbeat_classic(
        &self,
        request: &ClassicHeartbeat,
        now: Now,
    ) -> Result<Plan<Result<()>>> {
        if let Some(group) = self.with_members(&request.group) {
            return self.beat_as_guest(group, request, now);
        }
        let group = self.classic_group(&request.group, &request.member)?;
        self.beat_in_classic(group, request, now)
    }

    fn beat_in_classic(
        &self,
        group: &ClassicGroup,
        request: &ClassicHeartbeat,
        now: Now,
    ) -> Result<Plan<Result<()>>> {
        let id = known(
            group,
            &request.group,
            &request.member,
            request.instance_id.as_ref(),
        )?;
        check_generation(group, &request.group, request.generation)?;
        let mut draft = Draft::new(&request.group, Some(group), &self.settings, now);
        let new = group.member(&id).is_some_and(|(_, m)| m.is_new);
        if !new {
            draft.heard(&id);
        }
        let answer = match group.state {
            GroupState::PreparingRebalance => Err(rebalancing(&request.group)),
            _ => Ok(()),
        };
        Ok(draft.finish(answer))
    }
}
