//! What a call decided: records to append, then to apply. Nothing has changed until then.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::classic::{AlarmChange, ClassicGroup, Delivery};
use super::group::ConsumerGroup;
use super::records::{Change, What, encode};
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

/// The moment of a call: monotonic time for timeouts, wall time for what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub wall: Timestamp,
    pub monotonic: Duration,
}

/// A record as `__consumer_offsets` stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBytes {
    pub key: Vec<u8>,
    /// `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// The outcome of a call, not yet true. In this order: append [`Plan::records`] as one batch to the
/// partition of [`Plan::group`], give the plan to [`super::Coordinator::apply`], and answer the
/// caller when the batch is durable. If the append fails, drop the plan.
///
/// Promise to keep: no other plan of the same group is made in between.
#[derive(Debug)]
#[must_use = "a plan that is not applied changes nothing"]
pub struct Plan<T> {
    pub(super) group: Arc<str>,
    pub(super) changes: Vec<Change>,
    pub(super) answer: T,
    /// The producer whose transaction the records belong to.
    pub(super) producer: Option<(ProducerId, ProducerEpoch)>,
    pub(super) effects: Effects,
}

/// What a plan changes beside the recorded state; all of it is made anew after a restart.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Members of a consumer group that were heard: their sessions start again.
    pub heard: Vec<Arc<str>>,
    /// The version of the topic metadata that the group's topics were compared with.
    pub checked: Option<u64>,
    /// The classic group as it is after the plan, beside what its record says.
    pub classic: Option<Box<ClassicGroup>>,
    /// In order: a later one of the same name counts.
    pub alarms: Vec<AlarmChange>,
    pub deliveries: Vec<Delivery>,
}

impl<T> Plan<T> {
    pub fn group(&self) -> &Arc<str> {
        &self.group
    }

    /// Whether there is nothing to append: apply at once.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn records(&self) -> impl Iterator<Item = RecordBytes> + '_ {
        self.changes.iter().map(|change| {
            let (key, value) = encode(change);
            RecordBytes { key, value }
        })
    }

    /// Answers to waiting requests, to be given once the plan is applied. Gives them once.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.effects.deliveries)
    }

    /// The producer whose transactional batch must carry the records, if they are part of one.
    pub fn producer(&self) -> Option<(ProducerId, ProducerEpoch)> {
        self.producer
    }

    /// Whether other members will hear something new at their next heartbeat, so that they may be
    /// told to send it at once.
    pub fn concerns_others(&self) -> bool {
        let offset = |c: &Change| matches!(c.what, What::Offset { .. });
        !self.changes.iter().all(offset)
    }

    /// The same plan with another answer.
    pub(super) fn answering<U>(self, answer: U) -> Plan<U> {
        Plan {
            group: self.group,
            changes: self.changes,
            answer,
            producer: self.producer,
            effects: self.effects,
        }
    }

    pub(super) fn of(group: Arc<str>, changes: Vec<Change>, answer: T) -> Plan<T> {
        Plan {
            group,
            changes,
            answer,
            producer: None,
            effects: Effects::default(),
        }
    }
}

/// A group in the making: changes are recorded and at once visible to the rest of the call.
///
/// The group is copied at the first change only (members and targets are shared pointers), so a
/// heartbeat that changes nothing costs no copy.
pub(super) struct Draft<'a> {
    group_id: Arc<str>,
    group: Cow<'a, ConsumerGroup>,
    changes: Vec<Change>,
}

impl<'a> Draft<'a> {
    /// Starts from a group, or from nothing for one that is to be made.
    pub fn new(group_id: Arc<str>, base: Option<&'a ConsumerGroup>) -> Draft<'a> {
        Draft {
            group_id,
            group: base.map_or_else(|| Cow::Owned(ConsumerGroup::default()), Cow::Borrowed),
            changes: Vec::new(),
        }
    }

    pub fn id(&self) -> &Arc<str> {
        &self.group_id
    }

    pub fn group(&self) -> &ConsumerGroup {
        &self.group
    }

    pub fn push(&mut self, what: What) {
        self.group.to_mut().replay(&what);
        self.record_only(what);
    }

    /// Records a change that is not about members, such as the end of a classic group.
    pub fn record_only(&mut self, what: What) {
        self.changes.push(Change {
            group: self.group_id.clone(),
            what,
        });
    }

    pub fn finish<T>(self, answer: T) -> Plan<T> {
        Plan::of(self.group_id, self.changes, answer)
    }
}
