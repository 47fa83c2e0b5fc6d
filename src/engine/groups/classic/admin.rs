//! DescribeGroups.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::blobs::{self, Named};
use super::group::ClassicGroup;
use super::member::ClassicMember;
use crate::engine::groups::admin::MemberDescription;
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::GroupState;
use crate::engine::groups::member::MemberState;
use crate::engine::groups::partitions::Assignment;
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};

/// A group in the words of the classic protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicDescription {
    pub id: Arc<str>,
    pub state: GroupState,
    /// Empty for a group of offsets alone.
    pub protocol_type: Arc<str>,
    /// The protocol that was chosen, while the group is stable; else empty.
    pub protocol: Arc<str>,
    pub generation: i32,
    pub members: Vec<ClassicMemberDescription>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassicMemberDescription {
    pub id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    /// As it was sent; empty while the group is not stable.
    pub subscription: Arc<[u8]>,
    /// As the leader sent it; during a rebalance still the one of before.
    pub assignment: Arc<[u8]>,
}

impl Coordinator {
    /// Describes a group as DescribeGroups does.
    ///
    /// Errors: `GroupIdNotFound`, also for a consumer group. Before version 6 that is no error but
    /// a group that is dead.
    pub fn describe_classic(&self, id: &str) -> Result<ClassicDescription> {
        let Some((id, group)) = self.groups.get_key_value(id) else {
            return Err(self.not_a_group(id));
        };
        if group.consumer.is_some() {
            let what = format!("group {id} is not a classic group but a consumer group");
            return Err(Error::coded(Code::GroupIdNotFound, what));
        }
        let empty = ClassicGroup::default();
        let classic = group.classic.as_ref().unwrap_or(&empty);
        Ok(describe(id, classic))
    }
}

fn describe(id: &Arc<str>, group: &ClassicGroup) -> ClassicDescription {
    let stable = group.state == GroupState::Stable;
    let protocol = group.protocol.clone().filter(|_| stable);
    let protocol = protocol.unwrap_or_default();
    let members = group
        .members()
        .iter()
        .map(|(id, member)| ClassicMemberDescription {
            id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            subscription: match stable {
                true => member.subscription(&protocol),
                false => Arc::from([]),
            },
            assignment: member.assignment.clone(),
        });
    ClassicDescription {
        id: id.clone(),
        state: group.state,
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        protocol: protocol.clone(),
        generation: group.generation,
        members: members.collect(),
    }
}

impl ClassicGroup {
    /// The members as those of the newer protocol are described.
    pub fn describe_members(&self, topics: &dyn TopicsView) -> Vec<MemberDescription> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let describe = |(id, member): (&Arc<str>, &Arc<ClassicMember>)| {
            let (mut wanted, mut assigned, mut rack_id) =
                (BTreeSet::new(), Assignment::new(), None);
            if self.is_of_consumers() {
                let said = blobs::Subscription::read(&member.subscription(protocol));
                let said = said.unwrap_or_default();
                (wanted, rack_id) = (said.topics, said.rack_id);
                let given = blobs::read_assignment(&member.assignment);
                for (topic, partitions) in given.unwrap_or_default() {
                    if let Some(info) = topics.topic(&topic).filter(|_| !partitions.is_empty()) {
                        assigned.insert(info.id, partitions);
                    }
                }
            }
            MemberDescription {
                id: id.clone(),
                instance_id: member.instance_id.clone(),
                rack_id,
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                topics: wanted,
                regex: None,
                epoch: self.generation,
                state: MemberState::Stable,
                is_classic: true,
                target: assigned.clone(),
                assigned,
                pending_revocation: Assignment::new(),
            }
        };
        self.members().iter().map(describe).collect()
    }
}

impl ClassicMemberDescription {
    /// The topics and partitions of a consumer's assignment; none when it cannot be read.
    pub fn partitions(&self) -> Named {
        blobs::read_assignment(&self.assignment).unwrap_or_default()
    }
}
