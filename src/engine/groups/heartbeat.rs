//! ConsumerGroupHeartbeat (KIP-848): one call carries join, change of subscription, news of what the
//! member holds, and sign of life; the answer carries its epoch and what it should hold.

use std::sync::Arc;

use super::classic::Delivery;
use super::coordinator::Coordinator;
use super::group::{ConsumerGroup, GroupState};
use super::join::member_of;
use super::member::{LEAVE_EPOCH, Member, STATIC_LEAVE_EPOCH};
use super::partitions::{Assignment, without_epochs};
use super::plan::{Draft, Now, Plan};
use super::reconcile::Step;
use super::records::{GroupMetadata, MemberMetadata, What};
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
            return self.leave_by_heartbeat(request, topics, now);
        }
        let (mut draft, deliveries) = self.draft_for(request, topics, now)?;
        let guests: Vec<Arc<str>> = match deliveries.is_some() {
            true => draft.group().members().keys().cloned().collect(),
            false => Vec::new(),
        };
        let member = member_of(&mut draft, request)?;
        let told = without_epochs(member.assigned());
        let wishes = subscription::updated(&member, request);
        let checked = self.update_group(&mut draft, &request.member, wishes, &member, topics, now);
        let member = step(&mut draft, &request.member, request.owned.as_ref(), topics)?;

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
        plan.effects.heard = guests;
        plan.effects.heard.push(request.member.clone());
        plan.effects.deliveries = deliveries.unwrap_or_default();
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

    /// The group to start from; with it, where it was a classic one until now, what those who wait
    /// in it are answered.
    fn draft_for(
        &self,
        request: &Heartbeat,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<(Draft<'_>, Option<Vec<Delivery>>)> {
        let id = &request.group;
        let group = self.groups.get(id);
        let consumer = group.and_then(|g| g.consumer.as_ref());
        if request.epoch != 0 {
            let draft = Draft::new(id.clone(), Some(self.consumer_group(id)?));
            return Ok((draft, None));
        }
        let instance = request.instance_id.as_ref();
        if let Some(consumer) = consumer {
            self.check_room(consumer, id, &request.member, instance)?;
            return Ok((Draft::new(id.clone(), Some(consumer)), None));
        }
        let mut draft = Draft::new(id.clone(), None);
        match group.and_then(|g| g.classic.as_ref()) {
            Some(classic) if classic.state != GroupState::Empty => {
                let (draft, deliveries) = self.upgrade(id, classic, topics, now)?;
                self.check_room(draft.group(), id, &request.member, instance)?;
                return Ok((draft, Some(deliveries)));
            }
            // An empty classic group becomes a consumer group, and keeps its offsets.
            Some(_) => draft.record_only(What::Classic(None)),
            None => {}
        }
        Ok((draft, None))
    }

    pub(super) fn check_room(
        &self,
        group: &ConsumerGroup,
        id: &str,
        member: &str,
        instance: Option<&Arc<str>>,
    ) -> Result<()> {
        let known = group.member(member).is_some()
            || instance.is_some_and(|i| group.member_of_instance(i).is_some());
        if known || group.members().len() < self.settings.group_size_max {
            return Ok(());
        }
        Err(Error::coded(
            Code::GroupMaxSizeReached,
            format!(
                "group {id} has {} members, no more are allowed (group.consumer.max.size)",
                group.members().len()
            ),
        ))
    }

    /// Writes the member's wishes, and a new epoch and target when wishes or topics changed. Gives
    /// the version of the topic metadata that was looked at, if it was.
    pub(super) fn update_group(
        &self,
        draft: &mut Draft<'_>,
        id: &Arc<str>,
        metadata: MemberMetadata,
        member: &Member,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Option<u64> {
        let is_new = draft.group().member(id).is_none();
        let wishes_changed = metadata.topics != *member.topics()
            || metadata.regex.as_ref().filter(|r| !r.is_empty()) != member.regex();
        if is_new || metadata != member.metadata {
            draft.push(What::Member {
                member: id.clone(),
                value: Some(metadata),
            });
        }
        let version = topics.version();
        let seen = self.checked.get(draft.id()) == Some(&version);
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

    fn leave_by_heartbeat(
        &self,
        request: &Heartbeat,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<HeartbeatAnswer>> {
        let leave = LeaveRequest {
            group: request.group.clone(),
            member: request.member.clone(),
            instance_id: request.instance_id.clone(),
            for_a_while: request.epoch == STATIC_LEAVE_EPOCH,
        };
        let plan = self.leave(&leave, topics, now)?;
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
pub fn step(
    draft: &mut Draft<'_>,
    id: &Arc<str>,
    owned: Option<&Assignment>,
    topics: &dyn TopicsView,
) -> Result<Arc<Member>> {
    let member = draft.group().member(id).cloned();
    let member = member.unwrap_or_default();
    let step = Step {
        group: draft.group(),
        topics,
        owned,
    };
    let Some(next) = step.next(id, &member)? else {
        return Ok(member);
    };
    draft.push(What::Current {
        member: id.clone(),
        value: Some(next),
    });
    Ok(draft.group().member(id).cloned().unwrap_or_default())
}
