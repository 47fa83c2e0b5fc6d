//! A consumer group: its members, its target, and who holds what. Changed by replaying records only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::member::Member;
use super::partitions::{Assignment, Held};
use super::records::{CurrentAssignment, GroupMetadata, MemberMetadata};
use super::records::{ResolvedRegex, TargetMetadata, What};
use crate::types::TopicId;

/// Kafka's states of a consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    Empty,
    /// The target is older than the group.
    Assigning,
    /// Members are on their way to the target.
    Reconciling,
    Stable,
    /// Of a classic group: its members join again.
    PreparingRebalance,
    /// Of a classic group: its leader shares out.
    CompletingRebalance,
    /// There is no such group.
    Dead,
}

impl GroupState {
    pub const fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::Assigning => "Assigning",
            GroupState::Reconciling => "Reconciling",
            GroupState::Stable => "Stable",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Dead => "Dead",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupType {
    Consumer,
    Classic,
}

impl GroupType {
    pub const fn name(self) -> &'static str {
        match self {
            GroupType::Consumer => "consumer",
            GroupType::Classic => "classic",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroup {
    metadata: GroupMetadata,
    target_metadata: TargetMetadata,
    members: BTreeMap<Arc<str>, Arc<Member>>,
    targets: BTreeMap<Arc<str>, Arc<Assignment>>,
    regexes: BTreeMap<Arc<str>, Arc<ResolvedRegex>>,
    /// Made of the members: whom each instance id belongs to.
    instances: BTreeMap<Arc<str>, Arc<str>>,
    /// Made of the members: who holds each partition, given up or not.
    owners: HashMap<(TopicId, i32), Arc<str>>,
}

impl ConsumerGroup {
    pub fn epoch(&self) -> i32 {
        self.metadata.epoch
    }

    pub fn hash(&self) -> i64 {
        self.metadata.hash
    }

    pub fn target_epoch(&self) -> i32 {
        self.target_metadata.epoch
    }

    pub fn members(&self) -> &BTreeMap<Arc<str>, Arc<Member>> {
        &self.members
    }

    pub fn member(&self, id: &str) -> Option<&Arc<Member>> {
        self.members.get(id)
    }

    pub fn member_of_instance(&self, instance: &str) -> Option<(&Arc<str>, &Arc<Member>)> {
        self.members
            .get_key_value(self.instances.get(instance)?.as_ref())
    }

    pub fn target(&self, member: &str) -> Option<&Arc<Assignment>> {
        self.targets.get(member)
    }

    pub fn regexes(&self) -> &BTreeMap<Arc<str>, Arc<ResolvedRegex>> {
        &self.regexes
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Who holds a partition now, until it is known to have given it up.
    pub fn owner(&self, topic: TopicId, partition: i32) -> Option<&Arc<str>> {
        self.owners.get(&(topic, partition))
    }

    pub fn state(&self) -> GroupState {
        let arrived = |m: &Arc<Member>| m.is_reconciled_to(self.target_epoch());
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.epoch() > self.target_epoch() {
            GroupState::Assigning
        } else if !self.members.values().all(arrived) {
            GroupState::Reconciling
        } else {
            GroupState::Stable
        }
    }

    /// The topics that any member reads, by name or by expression.
    pub fn reads_topic(&self, topic: &str) -> bool {
        let by_name = |m: &Arc<Member>| m.topics().contains(topic);
        let by_regex = |r: &Arc<ResolvedRegex>| r.topics.contains(topic);
        self.members.values().any(by_name) || self.regexes.values().any(by_regex)
    }

    /// The topics that a member wants: those it names and those its expression found.
    pub fn wants(&self, member: &Member, topic: &str) -> bool {
        let found = member.regex().and_then(|regex| self.regexes.get(regex));
        member.topics().contains(topic) || found.is_some_and(|r| r.topics.contains(topic))
    }

    /// The one way in which a group changes, live and when the log is read again. Records may come
    /// in any order that compaction leaves.
    pub fn replay(&mut self, what: &What) {
        match what {
            What::Group(value) => self.metadata = value.unwrap_or_default(),
            What::Target(value) => self.target_metadata = value.unwrap_or_default(),
            What::Member { member, value } => self.set_metadata(member, value.as_ref()),
            What::Current { member, value } => self.set_current(member, value.as_ref()),
            What::TargetMember { member, value } => match value {
                Some(target) => {
                    self.targets
                        .insert(member.clone(), Arc::new(target.clone()));
                }
                None => drop(self.targets.remove(member)),
            },
            What::Regex { regex, value } => match value {
                Some(found) => {
                    self.regexes.insert(regex.clone(), Arc::new(found.clone()));
                }
                None => drop(self.regexes.remove(regex)),
            },
            What::Offset { .. } | What::Classic(_) | What::PartitionMetadata => {}
        }
    }

    fn set_metadata(&mut self, id: &Arc<str>, value: Option<&MemberMetadata>) {
        let before = self.members.get(id).and_then(|m| m.instance_id().cloned());
        if let Some(instance) = before
            && self.instances.get(&instance) == Some(id)
        {
            self.instances.remove(&instance);
        }
        let Some(value) = value else {
            self.set_current(id, None);
            self.members.remove(id);
            return;
        };
        if let Some(instance) = &value.instance_id {
            self.instances.insert(instance.clone(), id.clone());
        }
        let member = self.members.entry(id.clone()).or_default();
        Arc::make_mut(member).metadata = value.clone();
    }

    fn set_current(&mut self, id: &Arc<str>, value: Option<&CurrentAssignment>) {
        if let Some(member) = self.members.get(id).cloned() {
            self.release(id, member.assigned());
            self.release(id, member.pending_revocation());
        } else if value.is_none() {
            return;
        }
        let value = value.cloned().unwrap_or_default();
        self.take(id, &value.assigned);
        self.take(id, &value.pending_revocation);
        let member = self.members.entry(id.clone()).or_default();
        Arc::make_mut(member).current = value;
    }

    fn release(&mut self, id: &Arc<str>, held: &Held) {
        for key in keys(held) {
            if self.owners.get(&key) == Some(id) {
                self.owners.remove(&key);
            }
        }
    }

    fn take(&mut self, id: &Arc<str>, held: &Held) {
        for key in keys(held) {
            self.owners.insert(key, id.clone());
        }
    }
}

fn keys(held: &Held) -> impl Iterator<Item = (TopicId, i32)> + '_ {
    held.iter()
        .flat_map(|(topic, partitions)| partitions.keys().map(|p| (*topic, *p)))
}
