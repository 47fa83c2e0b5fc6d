//! SyncGroup, Heartbeat and LeaveGroup of guests.

use std::sync::Arc;
use std::time::Duration;

use super::seats::{assignment_bytes, check_generation, guest, protocol_of};
use crate::engine::groups::classic::{
    Alarm, CONSUMER, ClassicHeartbeat, ClassicLeave, Delivery, Leaver, LeaverOutcome, SyncAnswer,
    SyncRequest, Waited, WaiterToken, fenced, rebalancing,
};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::ConsumerGroup;
use crate::engine::groups::join::unknown_member;
use crate::engine::groups::member::{Member, MemberState};
use crate::engine::groups::plan::{Draft, Now, Plan};
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};

impl Coordinator {
    pub(in crate::engine::groups) fn sync_as_guest(
        &self,
        group: &ConsumerGroup,
        request: &SyncRequest,
        token: WaiterToken,
        topics: &dyn TopicsView,
    ) -> Result<Plan<()>> {
        let instance = request.instance_id.as_ref();
        let (id, member) = guest(group, &request.group, &request.member, instance)?;
        check_generation(member, &request.group, request.generation)?;
        check_protocol(member, request)?;
        let revokes = member.current.state == MemberState::UnrevokedPartitions;
        if group.epoch() > member.epoch() && !revokes {
            return Err(rebalancing(&request.group));
        }
        let mut plan = Draft::new(request.group.clone(), Some(group)).finish(());
        plan.effects.heard.push(id.clone());
        plan.effects.alarms.push((Alarm::Guest(id.clone()), None));
        plan.effects.deliveries.push(Delivery {
            token,
            answer: Waited::Sync(Ok(SyncAnswer {
                protocol_type: Some(Arc::from(CONSUMER)),
                protocol: Some(protocol_of(member)),
                assignment: assignment_bytes(member, topics),
            })),
        });
        Ok(plan)
    }

    pub(in crate::engine::groups) fn beat_as_guest(
        &self,
        group: &ConsumerGroup,
        request: &ClassicHeartbeat,
        now: Now,
    ) -> Result<Plan<Result<()>>> {
        let instance = request.instance_id.as_ref();
        let (id, member) = guest(group, &request.group, &request.member, instance)?;
        check_generation(member, &request.group, request.generation)?;
        let draft = Draft::new(request.group.clone(), Some(group));
        if !must_join(group, id, member) {
            let mut plan = draft.finish(Ok(()));
            plan.effects.heard.push(id.clone());
            return Ok(plan);
        }
        let mut plan = draft.finish(Err(rebalancing(&request.group)));
        plan.effects.heard.push(id.clone());
        let timeout = u64::try_from(member.metadata.rebalance_timeout_ms).unwrap_or_default();
        let until = now.monotonic.saturating_add(Duration::from_millis(timeout));
        let alarm = Alarm::Guest(id.clone());
        // The time runs from the first time that it was told.
        if !self.alarms.is_set(&request.group, &alarm) {
            plan.effects.alarms.push((alarm, Some(until)));
        }
        Ok(plan)
    }

    pub(in crate::engine::groups) fn leave_as_guests(
        &self,
        group: &ConsumerGroup,
        request: &ClassicLeave,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Plan<Vec<LeaverOutcome>> {
        let mut gone: Vec<Arc<str>> = Vec::new();
        let leavers = request.members.iter();
        let outcomes = leavers.map(|leaver| LeaverOutcome {
            leaver: leaver.clone(),
            result: who_leaves(group, &request.group, leaver).map(|id| {
                if !gone.contains(&id) {
                    gone.push(id);
                }
            }),
        });
        let outcomes: Vec<LeaverOutcome> = outcomes.collect();
        match gone.is_empty() {
            true => Draft::new(request.group.clone(), Some(group)).finish(outcomes),
            false => self.without(&request.group, group, &gone, topics, now, outcomes),
        }
    }
}

/// A member is to hold something else than it does, or may: it learns that by joining.
fn must_join(group: &ConsumerGroup, id: &str, member: &Member) -> bool {
    let free = || {
        let target = group.target(id);
        let all = target.iter().flat_map(|target| target.iter());
        let mut all = all.flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p)));
        all.all(|(topic, partition)| {
            let owner = group.owner(topic, partition);
            owner.is_none_or(|owner| **owner == *id)
        })
    };
    match member.current.state {
        _ if member.epoch() < group.epoch() => true,
        MemberState::UnrevokedPartitions => true,
        MemberState::UnreleasedPartitions => free(),
        _ => false,
    }
}

fn check_protocol(member: &Member, request: &SyncRequest) -> Result<()> {
    let differs = |said: &Option<Arc<str>>, is: &str| said.as_deref().is_some_and(|s| s != is);
    if differs(&request.protocol_type, CONSUMER) || differs(&request.protocol, &protocol_of(member))
    {
        let what = format!(
            "sync of group {}: other protocols than joined with",
            request.group
        );
        return Err(Error::coded(Code::InconsistentGroupProtocol, what));
    }
    Ok(())
}

/// LeaveGroup also takes out members of the newer protocol, as in Kafka.
fn who_leaves(group: &ConsumerGroup, group_id: &str, leaver: &Leaver) -> Result<Arc<str>> {
    let unknown = || unknown_member(group_id, &leaver.member);
    let holder = match &leaver.instance_id {
        Some(instance) => group.member_of_instance(instance),
        None => group.members().get_key_value(&leaver.member),
    };
    let (id, _) = holder.ok_or_else(unknown)?;
    match &leaver.instance_id {
        // Who names no member means whoever has the instance id.
        Some(instance) if !leaver.member.is_empty() && *id != leaver.member => {
            Err(fenced(group_id, instance))
        }
        _ => Ok(id.clone()),
    }
}
