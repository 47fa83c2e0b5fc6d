//! LeaveGroup: members that go by themselves, and static ones that an administrator removes.

use super::draft::{Draft, unknown_member};
use super::rebalance::after_leaving;
use super::requests::{ClassicLeave, Leaver, LeaverOutcome};
use super::seats::{check_group_id, known};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::plan::{Now, Plan};
use crate::engine::groups::topics::TopicsView;
use crate::error::Result;

impl Coordinator {
    /// Takes members out, each with an outcome of its own: `UnknownMemberId`, `FencedInstanceId`. Of
    /// a consumer group also those of the newer protocol.
    ///
    /// Errors, for all: `InvalidGroupId`.
    pub fn leave_classic(
        &self,
        request: &ClassicLeave,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<Vec<LeaverOutcome>>> {
        if let Some(group) = self.with_members(&request.group) {
            return Ok(self.leave_as_guests(group, request, topics, now));
        }
        check_group_id(&request.group)?;
        let mut draft = self.silent_draft(&request.group, now);
        let leavers = request.members.iter();
        let outcomes: Vec<LeaverOutcome> = leavers
            .map(|leaver| LeaverOutcome {
                leaver: leaver.clone(),
                result: take_out(&mut draft, leaver),
            })
            .collect();
        if outcomes.iter().any(|outcome| outcome.result.is_ok()) {
            after_leaving(&mut draft);
        }
        Ok(draft.finish(outcomes))
    }
}

fn take_out(draft: &mut Draft<'_>, leaver: &Leaver) -> Result<()> {
    let group = draft.group();
    let instance = leaver.instance_id.as_ref();
    if let Some(pending) = group.pending.get(&leaver.member).cloned() {
        draft.forget_pending(&pending);
        return Ok(());
    }
    let id = match leaver.member.is_empty() {
        true => instance
            .and_then(|instance| group.id_of_instance(instance))
            .cloned()
            .ok_or_else(|| unknown_member(&draft.id, &leaver.member))?,
        false => known(group, &draft.id, &leaver.member, instance)?,
    };
    draft.put_out(&id);
    Ok(())
}
