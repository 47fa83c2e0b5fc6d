//! List, describe and delete groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::classic::CONSUMER;
use super::coordinator::{Coordinator, Group};
use super::group::{ConsumerGroup, GroupState, GroupType};
use super::member::MemberState;
use super::offsets::tombstone;
use super::partitions::{Assignment, without_epochs};
use super::plan::Plan;
use super::records::{Change, What};
use super::target;
use super::topics::TopicsView;
use crate::error::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    pub id: Arc<str>,
    pub kind: GroupType,
    pub state: GroupState,
    /// "consumer" for consumer groups, what its members said for classic ones; empty for a group of
    /// offsets alone.
    pub protocol_type: Arc<str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupDescription {
    pub id: Arc<str>,
    pub kind: GroupType,
    pub state: GroupState,
    pub epoch: i32,
    /// The epoch of the target assignment; behind `epoch` while it is being computed.
    pub target_epoch: i32,
    /// The name of the assignor in use: the coordinator's, or the protocol that a classic group
    /// chose.
    pub assignor: Arc<str>,
    pub members: Vec<MemberDescription>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MemberDescription {
    pub id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub rack_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub topics: BTreeSet<Arc<str>>,
    pub regex: Option<Arc<str>>,
    pub epoch: i32,
    pub state: MemberState,
    /// It speaks the classic protocol.
    pub is_classic: bool,
    /// What it may read now.
    pub assigned: Assignment,
    /// What it is asked to give up.
    pub pending_revocation: Assignment,
    /// What it will read in the end.
    pub target: Assignment,
}

impl Coordinator {
    /// The groups that are in one of `states` and of one of `types`, by name as clients spell them:
    /// case does not count, and an empty list means any.
    pub fn list_of(&self, states: &[&str], types: &[&str]) -> Vec<GroupListing> {
        let named = |names: &[&str], name: &str| {
            names.is_empty() || names.iter().any(|n| n.eq_ignore_ascii_case(name))
        };
        let mut all = self.list();
        all.retain(|g| named(states, g.state.name()) && named(types, g.kind.name()));
        all
    }

    /// All groups, by id. A group of offsets alone counts as an empty classic one, as in Kafka.
    pub fn list(&self) -> Vec<GroupListing> {
        let listing = |(id, group): (&Arc<str>, &Group)| {
            let (kind, state) = kind_and_state(group);
            GroupListing {
                id: id.clone(),
                kind,
                state,
                protocol_type: protocol_type(group),
            }
        };
        self.groups.iter().map(listing).collect()
    }

    /// Any group, in the words of the newer protocol. Of a classic one the generation is the epoch of
    /// all, and what consumers sent is read where it can be.
    ///
    /// Errors: `GroupIdNotFound`.
    pub fn describe(&self, id: &str, topics: &dyn TopicsView) -> Result<GroupDescription> {
        let Some((id, group)) = self.groups.get_key_value(id) else {
            return Err(self.not_a_group(id));
        };
        let (kind, state) = kind_and_state(group);
        let mut described = GroupDescription {
            id: id.clone(),
            kind,
            state,
            epoch: 0,
            target_epoch: 0,
            assignor: Arc::default(),
            members: Vec::new(),
        };
        if let Some(consumer) = &group.consumer {
            described.epoch = consumer.epoch();
            described.target_epoch = consumer.target_epoch();
            let assignor = target::preferred(consumer, &self.settings);
            described.assignor = Arc::from(assignor.name());
            described.members = describe_members(consumer);
        } else if let Some(classic) = &group.classic {
            described.epoch = classic.generation;
            described.target_epoch = classic.generation;
            described.assignor = classic.protocol.clone().unwrap_or_default();
            described.members = classic.describe_members(topics);
        }
        Ok(described)
    }

    /// Deletes an empty group and its offsets.
    ///
    /// Errors: `GroupIdNotFound`, `NonEmptyGroup`.
    pub fn delete_group(&self, id: &Arc<str>) -> Result<Plan<()>> {
        let group = self.groups.get(id).ok_or_else(|| self.not_a_group(id))?;
        if group.has_members() {
            return Err(self.not_empty(id));
        }
        let stored = group.offsets.iter().map(|(topic, p, _)| (topic.clone(), p));
        let open = self.pending.of_group(id);
        let open = open.map(|(_, topic, partition)| (topic.clone(), *partition));
        let places: BTreeSet<(Arc<str>, i32)> = stored.chain(open).collect();
        let tombstones = places.iter().map(|(topic, p)| tombstone(id, topic, *p));
        let mut changes: Vec<Change> = tombstones.collect();
        changes.extend(self.end_of_group(id));
        Ok(Plan::of(id.clone(), changes, ()))
    }

    /// The records that end a group without members.
    pub(super) fn end_of_group(&self, id: &Arc<str>) -> Vec<Change> {
        let change = |what| Change {
            group: id.clone(),
            what,
        };
        let Some(group) = self.groups.get(id) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        if let Some(consumer) = &group.consumer {
            for regex in consumer.regexes().keys().cloned() {
                changes.push(change(What::Regex { regex, value: None }));
            }
            changes.push(change(What::Target(None)));
            changes.push(change(What::Group(None)));
        }
        if group.classic.is_some() {
            changes.push(change(What::Classic(None)));
        }
        changes
    }
}

fn kind_and_state(group: &Group) -> (GroupType, GroupState) {
    match (&group.consumer, &group.classic) {
        (Some(consumer), _) => (GroupType::Consumer, consumer.state()),
        (None, Some(classic)) => (GroupType::Classic, classic.state),
        (None, None) => (GroupType::Classic, GroupState::Empty),
    }
}

fn protocol_type(group: &Group) -> Arc<str> {
    match (&group.consumer, &group.classic) {
        (Some(_), _) => Arc::from(CONSUMER),
        (None, Some(classic)) => classic.protocol_type.clone().unwrap_or_default(),
        (None, None) => Arc::default(),
    }
}

fn describe_members(group: &ConsumerGroup) -> Vec<MemberDescription> {
    let describe = |(id, member): (&Arc<str>, &Arc<super::member::Member>)| MemberDescription {
        id: id.clone(),
        instance_id: member.instance_id().cloned(),
        rack_id: member.metadata.rack_id.clone(),
        client_id: member.metadata.client_id.clone(),
        client_host: member.metadata.client_host.clone(),
        topics: member.topics().clone(),
        regex: member.regex().cloned(),
        epoch: member.epoch(),
        state: member.current.state,
        is_classic: member.metadata.classic.is_some(),
        assigned: without_epochs(member.assigned()),
        pending_revocation: without_epochs(member.pending_revocation()),
        target: group.target(id).map(|t| (**t).clone()).unwrap_or_default(),
    };
    group.members().iter().map(describe).collect()
}
