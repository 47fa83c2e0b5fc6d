//! A classic group as its record has it, and back.

use std::sync::Arc;
use std::time::Duration;

use super::group::ClassicGroup;
use super::member::ClassicMember;
use crate::engine::groups::group::GroupState;
use crate::engine::groups::records::{ClassicMemberValue, ClassicValue};

impl ClassicGroup {
    /// Only what was said about the chosen protocol is kept, as in Kafka.
    pub fn value(&self) -> ClassicValue {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = self
            .members()
            .iter()
            .map(|(id, member)| ClassicMemberValue {
                id: id.clone(),
                instance_id: member.instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                rebalance_timeout_ms: millis(member.rebalance_timeout),
                session_timeout_ms: millis(member.session_timeout),
                subscription: member.subscription(protocol),
                assignment: member.assignment.clone(),
            });
        ClassicValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            since: self.since,
            members: members.collect(),
        }
    }

    pub fn from_value(value: &ClassicValue) -> ClassicGroup {
        let mut group = ClassicGroup::default();
        let state = match value.members.is_empty() {
            true => GroupState::Empty,
            false => GroupState::Stable,
        };
        group.enter(state, value.since);
        group.protocol_type = Some(value.protocol_type.clone()).filter(|t| !t.is_empty());
        group.generation = value.generation;
        group.protocol = value.protocol.clone();
        group.written = true;
        let protocol = value.protocol.clone().unwrap_or_default();
        for member in &value.members {
            let known = ClassicMember {
                instance_id: member.instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                session_timeout: duration(member.session_timeout_ms),
                rebalance_timeout: duration(member.rebalance_timeout_ms),
                protocols: Arc::from([(protocol.clone(), member.subscription.clone())]),
                assignment: member.assignment.clone(),
                joining: None,
                syncing: None,
                is_new: false,
                must_sync: false,
            };
            group.insert(member.id.clone(), known);
        }
        let named = value.leader.as_ref();
        if let Some(leader) = named.filter(|id| group.member(id).is_some()) {
            group.leader = Some(leader.clone());
        }
        group.read_subscriptions();
        group
    }
}

#[cfg(test)]
impl ClassicGroup {
    /// Whether its last record says what it is. During a rebalance that is the one of before.
    pub fn rests(&self) -> bool {
        matches!(self.state, GroupState::Empty | GroupState::Stable)
    }
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

fn duration(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}
