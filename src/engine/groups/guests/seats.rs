//! Who a guest's request speaks for, and what a guest is told.

use std::sync::Arc;

use crate::engine::groups::classic::blobs::{self, Named};
use crate::engine::groups::classic::fenced;
use crate::engine::groups::group::ConsumerGroup;
use crate::engine::groups::join::unknown_member;
use crate::engine::groups::member::Member;
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};

/// The guest that `member` and `instance` name.
///
/// Errors: `UnknownMemberId`, also for a member of the newer protocol; `FencedInstanceId`.
pub fn guest<'a>(
    group: &'a ConsumerGroup,
    group_id: &str,
    member: &str,
    instance: Option<&Arc<str>>,
) -> Result<(&'a Arc<str>, &'a Arc<Member>)> {
    let unknown = || unknown_member(group_id, member);
    let found = match instance {
        None => group.members().get_key_value(member),
        Some(instance) => {
            let holder = group.member_of_instance(instance).ok_or_else(unknown)?;
            if **holder.0 != *member {
                return Err(fenced(group_id, instance));
            }
            Some(holder)
        }
    };
    let is_guest = |(_, member): &(&Arc<str>, &Arc<Member>)| member.metadata.classic.is_some();
    found.filter(is_guest).ok_or_else(unknown)
}

pub fn check_generation(member: &Member, group: &str, generation: i32) -> Result<()> {
    if member.epoch() == generation {
        return Ok(());
    }
    Err(Error::coded(
        Code::IllegalGeneration,
        format!(
            "generation {generation} is not the one that the member of group {group} is in, which is {}: join again",
            member.epoch()
        ),
    ))
}

/// The protocol that a guest is told was chosen: the one it prefers.
pub fn protocol_of(member: &Member) -> Arc<str> {
    let said = member.metadata.classic.as_ref();
    let first = said.and_then(|said| said.protocols.first());
    first.map_or_else(Arc::default, |(name, _)| name.clone())
}

/// What a guest may read now, as a leader of its own protocol would tell it.
pub fn assignment_bytes(member: &Member, topics: &dyn TopicsView) -> Arc<[u8]> {
    let mut named = Named::new();
    for (topic, partitions) in member.assigned() {
        if let Some(name) = topics.name_of(*topic) {
            named.insert(name, partitions.keys().copied().collect());
        }
    }
    let said = member.metadata.classic.as_ref();
    let first = said.and_then(|said| said.protocols.first());
    let version = first.map_or(0, |(_, said)| blobs::version_of(said));
    blobs::write_assignment(&named, version)
}
