//! JoinGroup of a guest: what it wants and holds; answered at once.

use std::sync::Arc;

use super::seats::protocol_of;
use crate::engine::groups::classic::blobs::Subscription;
use crate::engine::groups::classic::{
    Alarm, CONSUMER, Delivery, JoinAnswer, JoinRequest, Waited, WaiterToken, fenced, fresh_id,
};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::ConsumerGroup;
use crate::engine::groups::heartbeat::step;
use crate::engine::groups::join::{take_place, unknown_member};
use crate::engine::groups::member::Member;
use crate::engine::groups::partitions::Assignment;
use crate::engine::groups::plan::{Draft, Now, Plan};
use crate::engine::groups::records::{ClassicMemberMetadata, MemberMetadata};
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};

impl Coordinator {
    pub(in crate::engine::groups) fn join_as_guest(
        &self,
        group: &ConsumerGroup,
        request: &JoinRequest,
        token: WaiterToken,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<()>> {
        self.check_join(request)?;
        let instance = request.instance_id.as_ref();
        self.check_room(group, &request.group, &request.member, instance)?;
        let subscription = check_protocols(group, request)?;
        if request.member.is_empty() && request.needs_id_first && instance.is_none() {
            let id = fresh_id(request);
            let what = format!("join group {} again with the member id {id}", request.group);
            let error = Error::coded(Code::MemberIdRequired, what);
            let answer = JoinAnswer::refusing(error, id);
            return Ok(answering(
                Draft::new(request.group.clone(), Some(group)),
                token,
                answer,
            ));
        }
        let mut draft = Draft::new(request.group.clone(), Some(group));
        let id = seat(&mut draft, request)?;
        let before = draft.group().member(&id).cloned().unwrap_or_default();
        let metadata = wishes(request, &subscription, &before);
        let checked = self.update_group(&mut draft, &id, metadata, &before, topics, now);
        let mut owned = Assignment::new();
        for (topic, partitions) in subscription.owned {
            if let Some(info) = topics.topic(&topic).filter(|_| !partitions.is_empty()) {
                owned.entry(info.id).or_default().extend(partitions);
            }
        }
        let member = step(&mut draft, &id, Some(&owned), topics)?;
        let answer = JoinAnswer {
            member: id.clone(),
            generation: member.epoch(),
            protocol_type: Some(Arc::from(CONSUMER)),
            protocol: Some(protocol_of(&member)),
            ..JoinAnswer::default()
        };
        let mut plan = answering(draft, token, answer);
        plan.effects.heard.push(id.clone());
        plan.effects.checked = checked;
        // It must come for its assignment.
        let until = now.monotonic.saturating_add(request.rebalance_timeout);
        plan.effects.alarms.push((Alarm::Guest(id), Some(until)));
        Ok(plan)
    }
}

fn answering(draft: Draft<'_>, token: WaiterToken, answer: JoinAnswer) -> Plan<()> {
    let mut plan = draft.finish(());
    plan.effects.deliveries.push(Delivery {
        token,
        answer: Waited::Join(answer),
    });
    plan
}

/// A guest's protocols must have one in common with those of all other guests: they will choose
/// among themselves again when the last other member is gone.
fn check_protocols(group: &ConsumerGroup, request: &JoinRequest) -> Result<Subscription> {
    let refuse = |why: &str| {
        let what = format!("join of group {}: {why}", request.group);
        Error::coded(Code::InconsistentGroupProtocol, what)
    };
    if *request.protocol_type != *CONSUMER {
        return Err(refuse("its members are consumers"));
    }
    let others = || {
        let others = group
            .members()
            .iter()
            .filter(|(id, _)| **id != request.member);
        others.filter_map(|(_, member)| member.metadata.classic.as_ref())
    };
    let known = |name: &Arc<str>| others().all(|o| o.protocols.iter().any(|(n, _)| n == name));
    if !request.protocols.iter().any(|(name, _)| known(name)) {
        return Err(refuse(
            "none of the protocols is known to all of its members",
        ));
    }
    let first = request.protocols.first().map(|(_, said)| said.clone());
    Subscription::read(&first.unwrap_or_default())
        .map_err(|e| refuse("the subscription cannot be read").with_source(e))
}

/// The id of the guest that joins. Unlike a member of the newer protocol, a static one takes its
/// place also while its former life is still there.
fn seat(draft: &mut Draft<'_>, request: &JoinRequest) -> Result<Arc<str>> {
    let fresh = match request.member.is_empty() {
        true => fresh_id(request),
        false => request.member.clone(),
    };
    let Some(instance) = &request.instance_id else {
        return Ok(fresh);
    };
    let holder = draft.group().member_of_instance(instance);
    let holder = holder.map(|(id, member)| (id.clone(), member.clone()));
    match holder {
        Some((id, _)) if id == request.member => Ok(id),
        Some((id, member)) if request.member.is_empty() => {
            take_place(draft, &id, &member, &fresh);
            Ok(fresh)
        }
        Some(_) => Err(fenced(&request.group, instance)),
        None if request.member.is_empty() => Ok(fresh),
        None => Err(unknown_member(&request.group, &request.member)),
    }
}

fn wishes(request: &JoinRequest, subscription: &Subscription, before: &Member) -> MemberMetadata {
    let ms = |time: std::time::Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    let rack_id = subscription.rack_id.clone();
    MemberMetadata {
        instance_id: request.instance_id.clone(),
        rack_id: rack_id.or_else(|| before.metadata.rack_id.clone()),
        client_id: request.client_id.clone(),
        client_host: request.client_host.clone(),
        topics: subscription.topics.clone(),
        regex: None,
        rebalance_timeout_ms: ms(request.rebalance_timeout),
        assignor: None,
        classic: Some(ClassicMemberMetadata {
            session_timeout_ms: ms(request.session_timeout),
            protocols: request.protocols.clone(),
        }),
    }
}
