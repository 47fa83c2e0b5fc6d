//! ConsumerGroupHeartbeat (KIP-848): one call carries join, change of subscription, news of what the
//! member holds, and sign of life; the answer carries its epoch and what it should hold.

use std::sync::Arc;

use super::coordinator::Coordinator;
use super::group::{ConsumerGroup, GroupState};
use super::join::member_of;
use super::member::{LEAVE_EPOCH, Member, STATIC_LEAVE_EPOCH};
use super::partitions::{Assignment, without_epochs};
use super::plan::{Draft, Now, Plan};
use super::reconcile::Step;
use super::records::{GroupMetadata, What};
use super::requests::{Heartbeat, HeartbeatAnswer, LeaveRequest};
use super::topics::TopicsView;
use super::{subscription, target};
use crate::error::{Code, Error, Result};
use crate::protocol::STRING_BYTES_MAX;

/// The first group epoch that Kafka 4.4 writes is 2.
const EPOCH_BEFORE_FIRST: i32 = 1;

impl Coordinator {
    /// Takes in a heartbeat.
    ///
    /// Errors: `InvalidRequest`, `InvalidRegularExpression`, `UnsupportedAssignor`: the request is
    /// wrong. `GroupIdNotFound`: no such consumer group. `UnknownMemberId`, `FencedMemberEpoch`,
    /// `FencedInstanceId`: the member must give up everything and join anew (the last: stop).
    /// `UnreleasedInstanceId`: another member has the instance id. `GroupMaxSizeReached`.
    pub fn heartbeat(
        &self,
        request: &Heartbeat,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<HeartbeatAnswer>> {
        self.check(request)?;
        if matches!(request.epoch, LEAVE_EPOCH | STATIC_LEAVE_EPOCH) {
            return self.leave_by_heartbeat(request, now);
        }
        let mut draft = self.draft_for(request)?;
        let member = member_of(&mut draft, request)?;
        let told = without_epochs(member.assigned());
        let checked = self.update_group(&mut draft, request, &member, topics, now);
        let member = step(&mut draft, request, topics)?;

        let holds = without_epochs(member.assigned());
        // Also to a member that says it holds something else: it may have lost an answer.
        let differs = request.owned.as_ref().is_some_and(|owned| *owned != holds);
        let tell = request.is_full() || holds != told || differs;
        let answer = HeartbeatAnswer {
            member: request.member.clone(),
            epoch: member.epoch(),
            heartbeat_interval: self.settings.heartbeat_interval,
            assignment: tell.then_some(holds),
        };
        let mut plan = draft.finish(answer);
        plan.effects.heard = Some(request.member.clone());
        plan.effects.checked = checked;
        Ok(plan)
    }

    fn check(&self, request: &Heartbeat) -> Result<()> {
        let invalid = |what: &str| {
            let place = format!("heartbeat of member {:?}", request.member);
            Err(Error::coded(
                Code::InvalidRequest,
                format!("{place}: {what}"),
            ))
        };
        if request.group.is_empty() {
            return invalid("the group id is empty");
        }
        if request.member.is_empty() {
            return invalid("the member id is empty");
        }
        if request.instance_id.as_ref().is_some_and(|i| i.is_empty()) {
            return invalid("the instance id is empty");
        }
        if !fits_records(request) {
            return invalid("a name in it is longer than 32,767 bytes");
        }
        if request.epoch < STATIC_LEAVE_EPOCH {
            return invalid("the epoch is below -2");
        }
        if request.epoch == STATIC_LEAVE_EPOCH && request.instance_id.is_none() {
            return invalid("only a member with an instance id can leave with epoch -2");
        }
        if request.epoch == 0 {
            if request.rebalance_timeout.is_none() {
                return invalid("a joining member must name its rebalance timeout");
            }
            if request.topics.is_none() && request.regex.is_none() {
                return invalid("a joining member must name topics or a pattern");
            }
            if !request.owned.as_ref().is_some_and(Assignment::is_empty) {
                return invalid("a joining member must hold no partitions, and say so");
            }
        }
        if let Some(assignor) = request.assignor
            && !self.settings.assignors.contains(&assignor)
        {
            return Err(Error::coded(
                Code::UnsupportedAssignor,
                format!("assignor {} is not allowed here", assignor.name()),
            ));
        }
        if let Some(regex) = request.regex.as_ref().filter(|r| !r.is_empty()) {
            subscription::compile(regex)?;
        }
        Ok(())
    }

    fn draft_for(&self, request: &Heartbeat) -> Result<Draft<'_>> {
        let id = &request.group;
        let group = self.groups.get(id);
        let consumer = group.and_then(|g| g.consumer.as_ref());
        if request.epoch != 0 {
            return Ok(Draft::new(id.clone(), Some(self.consumer_group(id)?)));
        }
        if let Some(consumer) = consumer {
            self.check_room(consumer, request)?;
            return Ok(Draft::new(id.clone(), Some(consumer)));
        }
        let mut draft = Draft::new(id.clone(), None);
        match group.and_then(|g| g.classic.as_ref()) {
            Some(classic) if classic.state != GroupState::Empty => return Err(self.not_a_group(id)),
            // An empty classic group becomes a consumer group, and keeps its offsets.
            Some(_) => draft.record_only(What::Classic(None)),
            None => {}
        }
        Ok(draft)
    }

    fn check_room(&self, group: &ConsumerGroup, request: &Heartbeat) -> Result<()> {
        let instance = request.instance_id.as_deref();
        let known = group.member(&request.member).is_some()
            || instance.is_some_and(|i| group.member_of_instance(i).is_some());
        if known || group.members().len() < self.settings.group_size_max {
            return Ok(());
        }
        Err(Error::coded(
            Code::GroupMaxSizeReached,
            format!(
                "group {} has {} members, no more are allowed (group.consumer.max.size)",
                request.group,
                group.members().len()
            ),
        ))
    }

    /// Writes the member's wishes, and a new epoch and target when wishes or topics changed. Gives
    /// the version of the topic metadata that was looked at, if it was.
    fn update_group(
        &self,
        draft: &mut Draft<'_>,
        request: &Heartbeat,
        member: &Member,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Option<u64> {
        let is_new = draft.group().member(&request.member).is_none();
        let metadata = subscription::updated(member, request);
        let wishes_changed = metadata.topics != *member.topics()
            || metadata.regex.as_ref().filter(|r| !r.is_empty()) != member.regex();
        if is_new || metadata != member.metadata {
            draft.push(What::Member {
                member: request.member.clone(),
                value: Some(metadata),
            });
        }
        let version = topics.version();
        let seen = self.checked.get(&request.group) == Some(&version);
        let behind = draft.group().epoch() > draft.group().target_epoch();
        if seen && !is_new && !wishes_changed && !behind {
            return None;
        }
        subscription::resolve(draft, topics, now);
        let hash = subscription::hash(draft.group(), topics);
        let group = draft.group();
        if is_new || wishes_changed || hash != group.hash() {
            let epoch = group.epoch().max(EPOCH_BEFORE_FIRST) + 1;
            draft.push(What::Group(Some(GroupMetadata { epoch, hash })));
        }
        if draft.group().epoch() > draft.group().target_epoch() {
            target::update(draft, topics, &self.settings, now);
        }
        Some(version)
    }

    fn leave_by_heartbeat(&self, request: &Heartbeat, now: Now) -> Result<Plan<HeartbeatAnswer>> {
        let leave = LeaveRequest {
            group: request.group.clone(),
            member: request.member.clone(),
            instance_id: request.instance_id.clone(),
            for_a_while: request.epoch == STATIC_LEAVE_EPOCH,
        };
        let plan = self.leave(&leave, now)?;
        Ok(plan.answering(HeartbeatAnswer {
            member: request.member.clone(),
            epoch: request.epoch,
            heartbeat_interval: self.settings.heartbeat_interval,
            assignment: None,
        }))
    }
}

/// Whether every string is short enough for Kafka's records. On the wire none can be longer.
fn fits_records(request: &Heartbeat) -> bool {
    let always = [
        &request.group,
        &request.member,
        &request.client_id,
        &request.client_host,
    ];
    let maybe = [&request.instance_id, &request.rack_id, &request.regex];
    let topics = request.topics.iter().flatten();
    let mut all = always
        .into_iter()
        .chain(maybe.into_iter().flatten())
        .chain(topics);
    all.all(|text| text.len() <= STRING_BYTES_MAX)
}

/// Reconciles the member by one step.
fn step(
    draft: &mut Draft<'_>,
    request: &Heartbeat,
    topics: &dyn TopicsView,
) -> Result<Arc<Member>> {
    let member = draft.group().member(&request.member).cloned();
    let member = member.unwrap_or_default();
    let step = Step {
        group: draft.group(),
        topics,
        owned: request.owned.as_ref(),
    };
    let Some(next) = step.next(&request.member, &member)? else {
        return Ok(member);
    };
    draft.push(What::Current {
        member: request.member.clone(),
        value: Some(next),
    });
    Ok(draft
        .group()
        .member(&request.member)
        .cloned()
        .unwrap_or_default())
}
