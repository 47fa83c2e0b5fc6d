//! Finds or makes the member that a heartbeat speaks for, and refuses the ones from another life.

use std::sync::Arc;

use super::member::Member;
use super::partitions::{Assignment, covers};
use super::plan::Draft;
use super::records::{CurrentAssignment, What};
use super::requests::Heartbeat;
use crate::error::{Code, Error, Result};

/// The member for which `request` speaks; an empty one when it is new. Replaces the record of a
/// static member that comes back under another member id.
///
/// Errors: `UnknownMemberId`, `FencedMemberEpoch`, `FencedInstanceId`, `UnreleasedInstanceId`.
pub fn member_of(draft: &mut Draft<'_>, request: &Heartbeat) -> Result<Arc<Member>> {
    let joins = request.epoch == 0;
    if let Some(instance) = &request.instance_id {
        let known = draft.group().member_of_instance(instance);
        let known = known.map(|(id, member)| (id.clone(), member.clone()));
        match known {
            Some((id, member)) if id == request.member => return check_epoch(request, member),
            Some((id, member)) if joins => return replace(draft, request, &id, &member),
            Some(_) => return Err(fenced_instance(request, instance)),
            None if joins => {}
            None => return Err(unknown_member(&request.group, &request.member)),
        }
    }
    match draft.group().member(&request.member) {
        Some(member) => check_epoch(request, member.clone()),
        None if joins => Ok(Arc::default()),
        None => Err(unknown_member(&request.group, &request.member)),
    }
}

pub fn unknown_member(group: &str, member: &str) -> Error {
    if member.is_empty() {
        let what = format!(
            "group {group} has members: who is none of them commits nothing for it; subscribe, or use another group"
        );
        return Error::coded(Code::UnknownMemberId, what);
    }
    Error::coded(
        Code::UnknownMemberId,
        format!("member {member} is not in group {group}: join it again"),
    )
}

fn fenced_instance(request: &Heartbeat, instance: &str) -> Error {
    Error::coded(
        Code::FencedInstanceId,
        format!(
            "instance {instance} of group {} is another member by now: stop {}",
            request.group, request.member
        ),
    )
}

/// A member may come with its epoch; with the one before, when it lost the answer that told it the
/// new one (it then holds no more than it was given); or with 0, holding nothing, to start over.
fn check_epoch(request: &Heartbeat, member: Arc<Member>) -> Result<Arc<Member>> {
    let lost_the_answer = || {
        let owned = request.owned.as_ref();
        request.epoch == member.current.previous_epoch
            && owned.is_some_and(|owned| covers(member.assigned(), owned))
    };
    let starts_over = request.epoch == 0 && request.owned.as_ref().is_none_or(Assignment::is_empty);
    if request.epoch == member.epoch() || starts_over || lost_the_answer() {
        return Ok(member);
    }
    Err(Error::coded(
        Code::FencedMemberEpoch,
        format!(
            "member {} of group {} comes with epoch {}, it is in {}: give up all partitions and join again",
            request.member,
            request.group,
            request.epoch,
            member.epoch()
        ),
    ))
}

/// A static member that went for a while is back: the new member takes its place, its target and
/// its partitions, so that nobody else has to move.
fn replace(
    draft: &mut Draft<'_>,
    request: &Heartbeat,
    old_id: &Arc<str>,
    old: &Member,
) -> Result<Arc<Member>> {
    if !old.is_away() {
        return Err(Error::coded(
            Code::UnreleasedInstanceId,
            format!(
                "an instance of group {} is still member {old_id}: wait until it leaves or its session ends",
                request.group
            ),
        ));
    }
    take_place(draft, old_id, old, &request.member);
    let member = draft.group().member(&request.member);
    Ok(member.cloned().unwrap_or_default())
}

/// Gives the place of one member to another, which starts with epoch 0.
pub fn take_place(draft: &mut Draft<'_>, old_id: &Arc<str>, old: &Member, member: &Arc<str>) {
    let target = draft.group().target(old_id).cloned();
    remove(draft, old_id);
    draft.push(What::Member {
        member: member.clone(),
        value: Some(old.metadata.clone()),
    });
    draft.push(What::TargetMember {
        member: member.clone(),
        value: Some(target.map(|t| (*t).clone()).unwrap_or_default()),
    });
    let current = CurrentAssignment {
        epoch: 0,
        previous_epoch: 0,
        ..old.current.clone()
    };
    draft.push(What::Current {
        member: member.clone(),
        value: Some(current),
    });
}

/// Takes a member's records away.
pub fn remove(draft: &mut Draft<'_>, member: &Arc<str>) {
    let member = member.clone();
    draft.push(What::Current {
        member: member.clone(),
        value: None,
    });
    draft.push(What::TargetMember {
        member: member.clone(),
        value: None,
    });
    draft.push(What::Member {
        member,
        value: None,
    });
}
