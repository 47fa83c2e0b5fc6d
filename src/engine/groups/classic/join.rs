//! JoinGroup: new members, members that come again, static ones with a new id.

use std::sync::Arc;

use super::alarms::Alarm;
use super::draft::{Draft, rebalancing, unknown_member};
use super::group::ClassicGroup;
use super::member::ClassicMember;
use super::rebalance::{go_on, start_or_go_on};
use super::requests::{JoinAnswer, JoinRequest, WaiterToken};
use super::seats::{check_group_id, fenced, known};
use crate::engine::groups::coordinator::{Coordinator, Group};
use crate::engine::groups::group::{ConsumerGroup, GroupState};
use crate::engine::groups::plan::{Now, Plan};
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};
use crate::protocol::STRING_BYTES_MAX;

impl Coordinator {
    /// Takes in a JoinGroup; `token` is answered by this plan or a later one. If
    /// the plan's records cannot be appended, drop it and answer `token` with that error.
    ///
    /// Answers with `InvalidGroupId`, `InvalidSessionTimeout`, `InvalidRequest`,
    /// `InconsistentGroupProtocol`, `MemberIdRequired`, `UnknownMemberId`, `FencedInstanceId`,
    /// `GroupMaxSizeReached`; `RebalanceInProgress` to a request that a later one of the same member
    /// replaced.
    pub fn join(
        &self,
        request: &JoinRequest,
        token: WaiterToken,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Plan<()> {
        let joined = match self.with_members(&request.group) {
            Some(group) => self.join_as_guest(group, request, token, topics, now),
            None => self.join_in(request, token, now),
        };
        joined.unwrap_or_else(|error| {
            let told = match error.code() {
                Code::GroupMaxSizeReached => Arc::from(""),
                _ => request.member.clone(),
            };
            let mut draft = self.silent_draft(&request.group, now);
            draft.answer_join(token, JoinAnswer::refusing(error, told));
            draft.finish(())
        })
    }

    pub(in crate::engine::groups) fn check_join(&self, request: &JoinRequest) -> Result<()> {
        check_group_id(&request.group)?;
        let classic = &self.settings.classic;
        let allowed = classic.session_timeout_min..=classic.session_timeout_max;
        if !allowed.contains(&request.session_timeout) {
            return Err(Error::coded(
                Code::InvalidSessionTimeout,
                format!(
                    "a session timeout of {} ms is outside of {} to {} ms (group.min.session.timeout.ms, group.max.session.timeout.ms)",
                    request.session_timeout.as_millis(),
                    classic.session_timeout_min.as_millis(),
                    classic.session_timeout_max.as_millis()
                ),
            ));
        }
        if !fits_records(request) {
            let what = "join: a name in it is longer than 32,767 bytes";
            return Err(Error::coded(Code::InvalidRequest, what));
        }
        Ok(())
    }

    fn join_in(&self, request: &JoinRequest, token: WaiterToken, now: Now) -> Result<Plan<()>> {
        self.check_join(request)?;
        let entry = self.groups.get(&request.group);
        let classic = entry.and_then(|g| g.classic.as_ref());
        if classic.is_none() && !request.member.is_empty() {
            return Err(unknown_member(&request.group, &request.member));
        }
        let mut draft = Draft::new(&request.group, classic, &self.settings, now);
        if entry.is_some_and(is_empty_consumer_group) {
            for change in self.end_of_group(&request.group) {
                draft.record(change.what);
            }
        }
        self.check_classic_room(draft.group(), request)?;
        if !draft
            .group()
            .accepts(&request.protocol_type, &request.protocols)
        {
            let what = format!(
                "join of group {}: none of the protocols is known to all of its members",
                request.group
            );
            return Err(Error::coded(Code::InconsistentGroupProtocol, what));
        }
        match request.member.is_empty() {
            true => join_new(&mut draft, request, token),
            false => join_again(&mut draft, request, token)?,
        }
        go_on(&mut draft);
        Ok(draft.finish(()))
    }

    fn check_classic_room(&self, group: &ClassicGroup, request: &JoinRequest) -> Result<()> {
        let most = self.settings.classic.group_size_max;
        let member = group.member(&request.member).map(|(_, m)| m);
        let fits = match group.state {
            GroupState::PreparingRebalance => {
                member.is_some_and(|m| m.joining.is_some()) || group.joining() < most
            }
            GroupState::Empty => true,
            _ => member.is_some() || group.members().len() < most,
        };
        match fits {
            true => Ok(()),
            false => Err(Error::coded(
                Code::GroupMaxSizeReached,
                format!(
                    "group {} has {} members, no more are allowed (group.max.size)",
                    request.group,
                    group.members().len()
                ),
            )),
        }
    }
}

fn is_empty_consumer_group(group: &Group) -> bool {
    group.consumer.as_ref().is_some_and(ConsumerGroup::is_empty)
}

fn fits_records(request: &JoinRequest) -> bool {
    let always = [
        &request.member,
        &request.fresh,
        &request.client_id,
        &request.client_host,
        &request.protocol_type,
    ];
    let names = request.protocols.iter().map(|(name, _)| name);
    let mut all = always.into_iter().chain(&request.instance_id).chain(names);
    all.all(|text| text.len() <= STRING_BYTES_MAX)
}

/// The id of a new member: what it is called, and what makes it unique.
pub fn fresh_id(request: &JoinRequest) -> Arc<str> {
    let name = request.instance_id.as_ref().unwrap_or(&request.client_id);
    let most = STRING_BYTES_MAX.saturating_sub(request.fresh.len() + 1);
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let name = name.get(..end).unwrap_or_default();
    Arc::from(format!("{name}-{}", request.fresh))
}

fn join_new(draft: &mut Draft<'_>, request: &JoinRequest, token: WaiterToken) {
    let id = fresh_id(request);
    if let Some(instance) = &request.instance_id {
        let holder = draft.group().id_of_instance(instance).cloned();
        return match holder {
            Some(old) => replace_static(draft, request, &old, &id, token),
            None => add(draft, request, id, token),
        };
    }
    if !request.needs_id_first {
        return add(draft, request, id, token);
    }
    draft.edit().pending.insert(id.clone());
    draft.alarm(Alarm::Session(id.clone()), request.session_timeout);
    let what = format!("join group {} again with the member id {id}", request.group);
    let error = Error::coded(Code::MemberIdRequired, what);
    draft.answer_join(token, JoinAnswer::refusing(error, id));
}

fn add(draft: &mut Draft<'_>, request: &JoinRequest, id: Arc<str>, token: WaiterToken) {
    let limit = draft.settings.classic.new_member_timeout;
    let group = draft.edit();
    group.pending.remove(&id);
    let first = group.generation == 0 && group.state == GroupState::PreparingRebalance;
    if let Some(wait) = group.first_wait.as_mut().filter(|_| first) {
        wait.more_came = true;
    }
    if group.members().is_empty() {
        group.protocol_type = Some(request.protocol_type.clone());
    }
    group.insert(id.clone(), ClassicMember::of(request, token));
    // It cannot send heartbeats before it hears its id. A client that gave up comes as another
    // member, so this one must not stay for ever.
    draft.alarm(Alarm::Session(id), limit);
    start_or_go_on(draft);
}

fn join_again(draft: &mut Draft<'_>, request: &JoinRequest, token: WaiterToken) -> Result<()> {
    if draft.group().pending.contains(&request.member) {
        if let Some(instance) = &request.instance_id {
            return Err(fenced(&request.group, instance));
        }
        add(draft, request, request.member.clone(), token);
        return Ok(());
    }
    let instance = request.instance_id.as_ref();
    let id = known(draft.group(), &request.group, &request.member, instance)?;
    let (_, member) = draft
        .group()
        .member(&id)
        .ok_or_else(|| unknown_member(&request.group, &request.member))?;
    let same = *member.protocols == *request.protocols;
    let leads = draft.group().is_leader(&id);
    let as_before = match draft.group().state {
        // It has not heard of the generation: its answer was lost.
        GroupState::CompletingRebalance => same,
        // A leader comes again when what it would share out changed.
        GroupState::Stable => same && !leads,
        GroupState::PreparingRebalance => false,
        _ => return Err(unknown_member(&request.group, &request.member)),
    };
    if as_before {
        let answer = draft.generation_for(&id, true);
        draft.answer_join(token, answer);
        draft.heard(&id);
        return Ok(());
    }
    wish(draft, request, &id, token);
    start_or_go_on(draft);
    Ok(())
}

/// The member waits in JoinGroup, with what it wants from now on.
fn wish(draft: &mut Draft<'_>, request: &JoinRequest, id: &Arc<str>, token: WaiterToken) {
    let earlier = draft.group().member(id).and_then(|(_, m)| m.joining);
    if let Some(earlier) = earlier {
        let answer = JoinAnswer::refusing(rebalancing(&draft.id), id.clone());
        draft.answer_join(earlier, answer);
    }
    draft.edit().change(id, |member| {
        if *member.protocols != *request.protocols {
            member.protocols = request.protocols.as_slice().into();
        }
        member.session_timeout = request.session_timeout;
        member.rebalance_timeout = request.rebalance_timeout;
        member.joining = Some(token);
    });
}

/// A static member is back under a new id. While the group is stable and would choose the same
/// protocol, it takes its old place and nobody else notices.
fn replace_static(
    draft: &mut Draft<'_>,
    request: &JoinRequest,
    old: &Arc<str>,
    id: &Arc<str>,
    token: WaiterToken,
) {
    let leader_before = draft.group().leader.clone().unwrap_or_default();
    let instance = request.instance_id.as_deref().unwrap_or_default();
    draft.refuse_waiting(old, &fenced(&request.group, instance));
    draft.cancel(Alarm::Session(old.clone()));
    draft.edit().rename(old, id);
    draft.heard(id);
    wish(draft, request, id, token);
    draft.edit().change(id, |member| {
        member.client_id = request.client_id.clone();
        member.client_host = request.client_host.clone();
    });
    let group = draft.group();
    let stays = group.state == GroupState::Stable && group.protocol == group.elected_protocol();
    if !stays {
        return start_or_go_on(draft);
    }
    draft.edit().read_subscriptions();
    draft.edit().change(id, |member| member.joining = None);
    let mut answer = draft.generation_for(id, request.may_skip_assignment);
    if request.may_skip_assignment {
        answer.skip_assignment = draft.group().is_leader(id);
    } else {
        // An older client that sees its own id as the leader's would share out, and nobody would
        // get what it said: it is shown the id of its former life.
        answer.leader = leader_before;
    }
    draft.answer_join(token, answer);
    draft.write();
}
