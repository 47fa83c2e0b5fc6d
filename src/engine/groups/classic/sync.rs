//! SyncGroup: the leader brings the assignments, the others fetch theirs.

use std::sync::Arc;

use super::alarms::Alarm;
use super::draft::{Draft, rebalancing, unknown_member};
use super::group::ClassicGroup;
use super::requests::{SyncAnswer, SyncRequest, WaiterToken};
use super::seats::{check_generation, known};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::GroupState;
use crate::engine::groups::plan::{Now, Plan};
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};

impl Coordinator {
    /// Takes in a SyncGroup; `token` is answered by this plan or a later one. When the leader's
    /// assignments could not be appended, drop the plan and answer `token` with that error: the
    /// group waits for the leader to come again.
    ///
    /// Answers with `InvalidGroupId`, `UnknownMemberId`, `FencedInstanceId`, `IllegalGeneration`,
    /// `InconsistentGroupProtocol`, `RebalanceInProgress`.
    pub fn sync(
        &self,
        request: &SyncRequest,
        token: WaiterToken,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Plan<()> {
        let synced = match self.with_members(&request.group) {
            Some(group) => self.sync_as_guest(group, request, token, topics),
            None => self
                .classic_group(&request.group, &request.member)
                .and_then(|group| self.sync_in(group, request, token, now)),
        };
        synced.unwrap_or_else(|error| {
            let mut draft = self.silent_draft(&request.group, now);
            draft.answer_sync(token, Err(error));
            draft.finish(())
        })
    }

    /// A draft that changes nothing, for an answer alone.
    pub(super) fn silent_draft(&self, id: &Arc<str>, now: Now) -> Draft<'_> {
        let classic = self.groups.get(id).and_then(|g| g.classic.as_ref());
        Draft::new(id, classic, &self.settings, now)
    }

    fn sync_in(
        &self,
        group: &ClassicGroup,
        request: &SyncRequest,
        token: WaiterToken,
        now: Now,
    ) -> Result<Plan<()>> {
        let instance = request.instance_id.as_ref();
        let id = known(group, &request.group, &request.member, instance)?;
        check_generation(group, &request.group, request.generation)?;
        check_protocol(group, request)?;
        let mut draft = Draft::new(&request.group, Some(group), &self.settings, now);
        match group.state {
            GroupState::PreparingRebalance => return Err(rebalancing(&request.group)),
            GroupState::CompletingRebalance => {
                wait(&mut draft, &id, token);
                if group.is_leader(&id) {
                    share_out(&mut draft, request);
                }
            }
            GroupState::Stable => {
                let (_, member) = group
                    .member(&id)
                    .ok_or_else(|| unknown_member(&request.group, &id))?;
                let answer = draft.assignment_of(member);
                draft.answer_sync(token, Ok(answer));
                if member.must_sync {
                    draft.edit().change(&id, |member| member.must_sync = false);
                }
                draft.heard(&id);
            }
            _ => return Err(unknown_member(&request.group, &request.member)),
        }
        if draft.group().unsynced() == 0 {
            draft.cancel(Alarm::Sync);
        }
        Ok(draft.finish(()))
    }
}

/// Names are checked where the member gives them, from version 5.
fn check_protocol(group: &ClassicGroup, request: &SyncRequest) -> Result<()> {
    let differs = |said: &Option<Arc<str>>, is: &Option<Arc<str>>| said.is_some() && said != is;
    if differs(&request.protocol_type, &group.protocol_type)
        || differs(&request.protocol, &group.protocol)
    {
        let what = format!(
            "group {} works with {} of type {}: join again",
            request.group,
            group.protocol.as_deref().unwrap_or("none"),
            group.protocol_type.as_deref().unwrap_or("none"),
        );
        return Err(Error::coded(Code::InconsistentGroupProtocol, what));
    }
    Ok(())
}

fn wait(draft: &mut Draft<'_>, id: &Arc<str>, token: WaiterToken) {
    let earlier = draft.group().member(id).and_then(|(_, m)| m.syncing);
    if let Some(earlier) = earlier {
        let error = rebalancing(&draft.id);
        draft.answer_sync(earlier, Err(error));
    }
    draft.edit().change(id, |member| {
        member.syncing = Some(token);
        member.must_sync = false;
    });
}

/// Everybody gets what the leader said, nothing where it said nothing.
fn share_out(draft: &mut Draft<'_>, request: &SyncRequest) {
    let all: Vec<Arc<str>> = draft.group().members().keys().cloned().collect();
    let wall = draft.now.wall;
    draft.edit().enter(GroupState::Stable, wall);
    let (protocol_type, protocol) = (
        draft.group().protocol_type.clone(),
        draft.group().protocol.clone(),
    );
    for id in all {
        let given = request.assignments.get(&id).cloned();
        let given = given.unwrap_or_else(|| Arc::from([]));
        let token = draft.group().member(&id).and_then(|(_, m)| m.syncing);
        draft.edit().change(&id, |member| {
            member.assignment = given.clone();
            member.syncing = None;
        });
        if let Some(token) = token {
            let answer = SyncAnswer {
                protocol_type: protocol_type.clone(),
                protocol: protocol.clone(),
                assignment: given,
            };
            draft.answer_sync(token, Ok(answer));
            draft.heard(&id);
        }
    }
    draft.write();
}
