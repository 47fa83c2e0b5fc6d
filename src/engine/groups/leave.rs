//! Members that go: by their own will, or put out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::coordinator::Coordinator;
use super::group::ConsumerGroup;
use super::join::{remove, unknown_member};
use super::member::STATIC_LEAVE_EPOCH;
use super::partitions::Held;
use super::plan::{Draft, Now, Plan};
use super::records::{CurrentAssignment, GroupMetadata, TargetMetadata, What};
use super::requests::LeaveRequest;
use super::topics::TopicsView;
use crate::error::{Code, Error, Result};

impl Coordinator {
    /// Takes a member out of its group; its partitions are free at once, so it must have stopped
    /// reading them.
    ///
    /// Errors: `GroupIdNotFound`, `UnknownMemberId`, `FencedInstanceId`.
    pub fn leave(
        &self,
        request: &LeaveRequest,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<()>> {
        let group = self.consumer_group(&request.group)?;
        let id = leaver(group, request)?;
        let Some(member) = group.member(&id).filter(|_| request.for_a_while) else {
            return Ok(self.without(&request.group, group, &[id], topics, now, ()));
        };
        let mut draft = Draft::new(request.group.clone(), Some(group));
        draft.push(What::Current {
            member: id,
            value: Some(CurrentAssignment {
                epoch: STATIC_LEAVE_EPOCH,
                assigned: from_epoch_0(member.assigned()),
                // A member that stopped has given up what it was asked to.
                pending_revocation: Held::new(),
                ..member.current.clone()
            }),
        });
        Ok(draft.finish(()))
    }
}

/// Its next life starts with epoch 0, and holds these from its first moment.
fn from_epoch_0(held: &Held) -> Held {
    let mut held = held.clone();
    for epoch in held.values_mut().flat_map(|p| p.values_mut()) {
        *epoch = 0;
    }
    held
}

fn leaver(group: &ConsumerGroup, request: &LeaveRequest) -> Result<Arc<str>> {
    let unknown = || unknown_member(&request.group, &request.member);
    let Some(instance) = &request.instance_id else {
        let known = group.members().get_key_value(&request.member);
        return known.map(|(id, _)| id.clone()).ok_or_else(unknown);
    };
    let (id, _) = group.member_of_instance(instance).ok_or_else(unknown)?;
    if *id != request.member {
        return Err(Error::coded(
            Code::FencedInstanceId,
            format!(
                "instance {instance} of group {} is another member by now",
                request.group
            ),
        ));
    }
    Ok(id.clone())
}

/// Removes members and starts a new epoch, so that the next heartbeat shares out what they held.
pub fn put_out(draft: &mut Draft<'_>, members: &[Arc<str>]) {
    for member in members {
        remove(draft, member);
    }
    let group = draft.group();
    let used: BTreeSet<&Arc<str>> = group.members().values().filter_map(|m| m.regex()).collect();
    let unused: Vec<Arc<str>> = group
        .regexes()
        .keys()
        .filter(|regex| !used.contains(regex))
        .cloned()
        .collect();
    let is_empty = group.is_empty();
    let epoch = group.epoch() + 1;
    let hash = if is_empty { 0 } else { group.hash() };
    for regex in unused {
        draft.push(What::Regex { regex, value: None });
    }
    draft.push(What::Group(Some(GroupMetadata { epoch, hash })));
    if is_empty {
        // Nothing is left to share out: the target is up to date.
        draft.push(What::Target(Some(TargetMetadata {
            epoch,
            ..TargetMetadata::default()
        })));
    }
}
