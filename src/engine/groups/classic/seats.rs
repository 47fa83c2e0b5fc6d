//! Who a request speaks for: checks that JoinGroup, SyncGroup, Heartbeat, LeaveGroup and commits
//! share.

use std::sync::Arc;

use super::draft::unknown_member;
use super::group::ClassicGroup;
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::ConsumerGroup;
use crate::error::{Code, Error, Result};

/// The id of the member that `member` and `instance` name.
///
/// Errors: `UnknownMemberId`; `FencedInstanceId` when the instance is another member by now.
pub fn known(
    group: &ClassicGroup,
    group_id: &str,
    member: &str,
    instance: Option<&Arc<str>>,
) -> Result<Arc<str>> {
    if let Some(instance) = instance {
        let holder = group.id_of_instance(instance);
        let holder = holder.ok_or_else(|| unknown_member(group_id, member))?;
        if **holder != *member {
            return Err(fenced(group_id, instance));
        }
    }
    let found = group.member(member).map(|(id, _)| id.clone());
    found.ok_or_else(|| unknown_member(group_id, member))
}

pub fn fenced(group: &str, instance: &str) -> Error {
    Error::coded(
        Code::FencedInstanceId,
        format!("instance {instance} of group {group} is another member by now: stop"),
    )
}

pub fn check_generation(group: &ClassicGroup, group_id: &str, generation: i32) -> Result<()> {
    if group.generation == generation {
        return Ok(());
    }
    Err(Error::coded(
        Code::IllegalGeneration,
        format!(
            "generation {generation} of group {group_id} is not the present one, which is {}: join again",
            group.generation
        ),
    ))
}

pub fn check_group_id(group: &str) -> Result<()> {
    let problem = match group.len() {
        0 => "is empty",
        1..=crate::protocol::STRING_BYTES_MAX => return Ok(()),
        _ => "is too long",
    };
    let what = format!("the group id {problem}");
    Err(Error::coded(Code::InvalidGroupId, what))
}

impl Coordinator {
    /// The consumer group of this name, if it has members: classic ones are guests in it.
    pub(super) fn with_members(&self, id: &str) -> Option<&ConsumerGroup> {
        let consumer = self.groups.get(id).and_then(|g| g.consumer.as_ref());
        consumer.filter(|group| !group.is_empty())
    }

    /// The classic group of which `member` says that it is in it.
    ///
    /// Errors: `InvalidGroupId`, `UnknownMemberId`.
    pub(super) fn classic_group(&self, id: &str, member: &str) -> Result<&ClassicGroup> {
        check_group_id(id)?;
        let group = self.groups.get(id).and_then(|g| g.classic.as_ref());
        group.ok_or_else(|| unknown_member(id, member))
    }
}
