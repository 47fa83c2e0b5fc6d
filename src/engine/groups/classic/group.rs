//! A group of the classic protocol: its members, and how far its rebalance has come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::blobs;
use super::member::ClassicMember;
use super::requests::{JoinedMember, Protocol};
use crate::engine::groups::group::GroupState;
use crate::types::Timestamp;

/// The protocol type of ordinary consumers; others (Connect, for one) have subscriptions and
/// assignments that mean nothing to us.
pub const CONSUMER: &str = "consumer";

/// The first rebalance of a group waits a little for more members.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstWait {
    /// Of the wait that runs.
    pub delay: Duration,
    /// How much longer than that it may become.
    pub remaining: Duration,
    /// Somebody came since it began.
    pub more_came: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassicGroup {
    pub state: GroupState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// `None` before the first member came.
    pub protocol_type: Option<Arc<str>>,
    /// Counts rebalances. Never goes back.
    pub generation: i32,
    /// The protocol that was chosen.
    pub protocol: Option<Arc<str>>,
    pub leader: Option<Arc<str>>,
    /// Ids that were given out and have not joined yet.
    pub pending: BTreeSet<Arc<str>>,
    pub first_wait: Option<FirstWait>,
    /// Topics that consumers read; `None` when their subscriptions cannot be read.
    pub subscribed: Option<BTreeSet<Arc<str>>>,
    /// Whether the log has a record of it.
    pub written: bool,
    members: BTreeMap<Arc<str>, Arc<ClassicMember>>,
    /// Made of the members, as all below: whom each instance id belongs to.
    instances: BTreeMap<Arc<str>, Arc<str>>,
    /// How many members know each protocol.
    supporters: BTreeMap<Arc<str>, usize>,
    /// How many wait in JoinGroup.
    joining: usize,
    /// How many have not come for their assignment.
    unsynced: usize,
}

impl Default for ClassicGroup {
    fn default() -> Self {
        ClassicGroup {
            state: GroupState::Empty,
            since: Timestamp::NONE,
            protocol_type: None,
            generation: 0,
            protocol: None,
            leader: None,
            pending: BTreeSet::new(),
            first_wait: None,
            subscribed: None,
            written: false,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            supporters: BTreeMap::new(),
            joining: 0,
            unsynced: 0,
        }
    }
}

impl ClassicGroup {
    pub fn members(&self) -> &BTreeMap<Arc<str>, Arc<ClassicMember>> {
        &self.members
    }

    pub fn member(&self, id: &str) -> Option<(&Arc<str>, &Arc<ClassicMember>)> {
        self.members.get_key_value(id)
    }

    pub fn id_of_instance(&self, instance: &str) -> Option<&Arc<str>> {
        self.instances.get(instance)
    }

    pub fn joining(&self) -> usize {
        self.joining
    }

    pub fn unsynced(&self) -> usize {
        self.unsynced
    }

    pub fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    pub fn all_joined(&self) -> bool {
        self.joining == self.members.len() && self.pending.is_empty()
    }

    /// Whether nothing would be lost with it: it never had a member, and no id is out.
    pub fn is_blank(&self) -> bool {
        !self.written
            && self.state == GroupState::Empty
            && self.members.is_empty()
            && self.pending.is_empty()
    }

    pub fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// How long the slowest of its members may take to join.
    pub fn rebalance_timeout(&self) -> Duration {
        let all = self.members.values().map(|m| m.rebalance_timeout);
        all.max().unwrap_or_default()
    }

    pub fn enter(&mut self, state: GroupState, now: Timestamp) {
        self.state = state;
        self.since = now;
    }

    pub fn insert(&mut self, id: Arc<str>, member: ClassicMember) {
        self.remove(&id);
        if let Some(instance) = &member.instance_id {
            self.instances.insert(instance.clone(), id.clone());
        }
        self.count(&member, true);
        self.leader.get_or_insert_with(|| id.clone());
        self.members.insert(id, Arc::new(member));
    }

    /// Takes a member out; another leads from now on if it did.
    pub fn remove(&mut self, id: &str) -> Option<Arc<ClassicMember>> {
        let member = self.members.remove(id)?;
        self.count(&member, false);
        if let Some(instance) = &member.instance_id
            && self.instances.get(instance).is_some_and(|at| **at == *id)
        {
            self.instances.remove(instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut ClassicMember)) {
        let Some(mut member) = self.members.get(id).cloned() else {
            return;
        };
        self.count(&member, false);
        change(Arc::make_mut(&mut member));
        self.count(&member, true);
        if let Some(place) = self.members.get_mut(id) {
            *place = member;
        }
    }

    /// Gives a static member another id; all else about it stays.
    pub fn rename(&mut self, old: &str, new: &Arc<str>) {
        let led = self.is_leader(old);
        if let Some(member) = self.remove(old) {
            self.insert(new.clone(), Arc::unwrap_or_clone(member));
        }
        if led {
            self.leader = Some(new.clone());
        }
    }

    fn count(&mut self, member: &ClassicMember, more: bool) {
        let step = |number: &mut usize, yes: bool| match (yes, more) {
            (true, true) => *number += 1,
            (true, false) => *number = number.saturating_sub(1),
            (false, _) => {}
        };
        step(&mut self.joining, member.joining.is_some());
        step(&mut self.unsynced, member.must_sync);
        for (at, (name, _)) in member.protocols.iter().enumerate() {
            // A name that stands twice counts once.
            let first = member.protocols.iter().position(|(n, _)| n == name) == Some(at);
            let supporters = self.supporters.entry(name.clone()).or_default();
            step(supporters, first);
            if *supporters == 0 {
                self.supporters.remove(name);
            }
        }
    }

    /// Whether a member with these protocols fits in: one of them is known to all who are there.
    pub fn accepts(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if protocol_type.is_empty() || protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| self.all_know(name))
    }

    fn all_know(&self, protocol: &str) -> bool {
        self.supporters.get(protocol) == Some(&self.members.len())
    }

    /// The protocol that most members prefer among those that all know. Of equals the leader's
    /// preferred one.
    pub fn elected_protocol(&self) -> Option<Arc<str>> {
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for member in self.members.values() {
            let mut wanted = member.protocols.iter().map(|(name, _)| name);
            if let Some(vote) = wanted.find(|name| self.all_know(name)) {
                *votes.entry(vote).or_default() += 1;
            }
        }
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id))?;
        let candidates = leader.protocols.iter().map(|(name, _)| name);
        let count = |name: &Arc<str>| votes.get(name).copied().unwrap_or_default();
        // `max_by_key` takes the last of equals.
        let mut reversed: Vec<&Arc<str>> = candidates.collect();
        reversed.reverse();
        reversed.into_iter().max_by_key(|name| count(name)).cloned()
    }

    /// Makes sure that the leader is among those who joined. `false` when nobody did.
    pub fn elect_leader(&mut self) -> bool {
        let joins = |id: &Arc<str>| self.members.get(id).is_some_and(|m| m.joining.is_some());
        if self.leader.as_ref().is_some_and(joins) {
            return true;
        }
        let first = self.members.iter().find(|(_, m)| m.joining.is_some());
        let Some((id, _)) = first else {
            return false;
        };
        self.leader = Some(id.clone());
        true
    }

    /// Whether what is made of the members fits them.
    #[cfg(test)]
    pub fn check(&self) {
        let mut again = ClassicGroup::default();
        for (id, member) in &self.members {
            again.insert(id.clone(), (**member).clone());
        }
        assert_eq!(again.instances, self.instances);
        assert_eq!(again.supporters, self.supporters);
        assert_eq!(
            (again.joining, again.unsynced),
            (self.joining, self.unsynced)
        );
        assert_eq!(self.members.is_empty(), self.leader.is_none());
        assert!(
            self.leader
                .as_ref()
                .is_none_or(|id| self.members.contains_key(id))
        );
        assert!(self.pending.iter().all(|id| !self.members.contains_key(id)));
        let waits = |m: &Arc<ClassicMember>| (m.joining.is_some(), m.syncing.is_some());
        let mut all = self.members.values();
        match self.state {
            GroupState::Empty => assert!(self.members.is_empty() && self.first_wait.is_none()),
            GroupState::PreparingRebalance => assert!(all.all(|m| !waits(m).1)),
            GroupState::CompletingRebalance => assert!(all.all(|m| !waits(m).0)),
            GroupState::Stable => assert!(all.all(|m| waits(m) == (false, false))),
            other => panic!("a classic group is {other:?}"),
        }
    }

    /// What the leader must know to share out.
    pub fn roster(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let all = self.members.iter().map(|(id, member)| JoinedMember {
            id: id.clone(),
            instance_id: member.instance_id.clone(),
            subscription: member.subscription(protocol),
        });
        all.collect()
    }

    /// Reads the members' subscriptions anew, as far as they are those of consumers.
    pub fn read_subscriptions(&mut self) {
        self.subscribed = None;
        let Some(protocol) = self.protocol.as_ref().filter(|_| self.is_of_consumers()) else {
            return;
        };
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            match blobs::Subscription::read(&member.subscription(protocol)) {
                Ok(subscription) => topics.extend(subscription.topics),
                Err(_) => return,
            }
        }
        self.subscribed = Some(topics);
    }

    /// Whether members read `topic`. Where that cannot be told: yes for consumers.
    pub fn reads_topic(&self, topic: &str) -> bool {
        if self.members.is_empty() {
            return false;
        }
        let known = self.subscribed.as_ref().map(|all| all.contains(topic));
        known.unwrap_or_else(|| self.is_of_consumers())
    }
}
