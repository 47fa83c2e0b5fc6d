//! The coordinator's state, and the two ways in which it changes: a plan applied, a record replayed.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::classic::{Alarm, Alarms, ClassicGroup};
use super::group::{ConsumerGroup, GroupState};
use super::offsets::{GroupOffsets, PendingOffsets};
use super::plan::{Now, Plan};
use super::records::{Change, What, decode};
use super::settings::GroupSettings;
use super::timers::Timers;
use crate::error::{Code, Error, Result};
use crate::types::ProducerId;

/// What replaying a record did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    Applied,
    /// A kind of record that this version does not know. It stays in the log.
    Skipped,
}

/// A group and its offsets. A group of neither protocol is "simple": somebody stores offsets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    pub consumer: Option<ConsumerGroup>,
    pub classic: Option<ClassicGroup>,
    pub offsets: GroupOffsets,
}

impl Group {
    fn is_nothing(&self) -> bool {
        self.consumer.is_none() && self.classic.is_none() && self.offsets.is_empty()
    }

    pub fn has_members(&self) -> bool {
        let consumer = self.consumer.as_ref().is_some_and(|g| !g.is_empty());
        consumer || self.has_classic_members()
    }

    /// Whether a classic group has members, or a rebalance that waits for some.
    pub fn has_classic_members(&self) -> bool {
        let classic = self.classic.as_ref();
        classic.is_some_and(|g| g.state != GroupState::Empty)
    }
}

/// The groups of one or more partitions of `__consumer_offsets`.
///
/// Use one for each partition, or one for all; it does not care. Methods that decide take `&self`
/// and give a [`Plan`]; only [`Coordinator::apply`], the replay functions and
/// [`Coordinator::complete_transaction`] change anything.
#[derive(Debug)]
pub struct Coordinator {
    pub(super) settings: GroupSettings,
    pub(super) groups: BTreeMap<Arc<str>, Group>,
    pub(super) pending: PendingOffsets,
    pub(super) timers: Timers,
    /// Those of classic groups.
    pub(super) alarms: Alarms,
    /// Which version of the topic metadata each group's topics were last compared with.
    pub(super) checked: HashMap<Arc<str>, u64>,
    /// Counts replayed records: the order of commits, so that a transaction's end does not undo a
    /// later commit.
    pub(super) sequence: u64,
}

impl Coordinator {
    pub fn new(settings: GroupSettings) -> Coordinator {
        Coordinator {
            settings,
            groups: BTreeMap::new(),
            pending: PendingOffsets::default(),
            timers: Timers::default(),
            alarms: Alarms::default(),
            checked: HashMap::new(),
            sequence: 0,
        }
    }

    pub fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    /// Makes a plan true and gives its answer. Call it when the plan's records are in the log.
    pub fn apply<T>(&mut self, plan: Plan<T>, now: Now) -> T {
        let producer = plan.producer.map(|(id, _)| id);
        for change in &plan.changes {
            self.change(change, producer);
            self.set_timers(change, now);
        }
        if let Some(version) = plan.effects.checked {
            self.checked.insert(plan.group.clone(), version);
        }
        if let Some(classic) = plan.effects.classic {
            self.set_classic(&plan.group, *classic);
        }
        for (alarm, at) in plan.effects.alarms {
            self.alarms.set(&plan.group, alarm, at);
        }
        for member in &plan.effects.heard {
            self.start_session(&plan.group, member, now);
        }
        plan.answer
    }

    /// Replays a record of the log. `producer`: the producer id of its batch when the batch is
    /// transactional; its offsets wait for [`Coordinator::complete_transaction`].
    ///
    /// Errors: `Corrupt` when the bytes are not what they say; the state is as before.
    pub fn replay(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        producer: Option<ProducerId>,
    ) -> Result<Replayed> {
        let Some(change) = decode(key, value)? else {
            return Ok(Replayed::Skipped);
        };
        self.change(&change, producer);
        Ok(Replayed::Applied)
    }

    /// After the whole log was replayed: gives every member a new session, as nobody could be heard
    /// while the coordinator was away.
    pub fn loaded(&mut self, now: Now) {
        let mut sessions = Vec::new();
        for (id, group) in &self.groups {
            for (member, known) in group.classic.iter().flat_map(|g| g.members()) {
                let at = now.monotonic.saturating_add(known.session_timeout);
                let session = Alarm::Session(member.clone());
                self.alarms.set(id, session, Some(at));
            }
            let Some(consumer) = &group.consumer else {
                continue;
            };
            for (member_id, member) in consumer.members() {
                sessions.push((id.clone(), member_id.clone()));
                self.timers.set_rebalance(id, member_id, member, now);
            }
        }
        for (group, member) in sessions {
            self.start_session(&group, &member, now);
        }
    }

    /// A guest has the session timeout that it asked for.
    fn start_session(&mut self, group: &Arc<str>, member: &Arc<str>, now: Now) {
        let consumer = self.groups.get(group).and_then(|g| g.consumer.as_ref());
        let Some(known) = consumer.and_then(|c| c.member(member)) else {
            return;
        };
        let asked = known.metadata.classic.as_ref();
        let asked = asked.and_then(|said| u64::try_from(said.session_timeout_ms).ok());
        let timeout = asked.map_or(self.settings.session_timeout, Duration::from_millis);
        let until = now.monotonic.saturating_add(timeout);
        self.timers.start_session(group, member, until);
    }

    fn change(&mut self, change: &Change, producer: Option<ProducerId>) {
        self.sequence += 1;
        let group = self.groups.entry(change.group.clone()).or_default();
        match &change.what {
            What::Offset {
                topic,
                partition,
                value,
            } => match (producer, value) {
                (Some(producer), Some(value)) => {
                    let place = (change.group.clone(), topic.clone(), *partition);
                    self.pending
                        .put(producer, place, value.clone(), self.sequence);
                }
                (_, value) => {
                    if value.is_none() {
                        let place = (change.group.clone(), topic.clone(), *partition);
                        self.pending.forget(&place);
                    }
                    let value = value.clone();
                    group.offsets.set(topic, *partition, value, self.sequence);
                }
            },
            What::Classic(value) => {
                group.classic = value.as_ref().map(ClassicGroup::from_value);
            }
            What::PartitionMetadata => {}
            What::Group(None) => {
                group.consumer = None;
                self.checked.remove(&change.group);
            }
            other => {
                let gone = matches!(
                    other,
                    What::Target(None)
                        | What::Member { value: None, .. }
                        | What::TargetMember { value: None, .. }
                        | What::Current { value: None, .. }
                        | What::Regex { value: None, .. }
                );
                match (&mut group.consumer, gone) {
                    (Some(consumer), _) => consumer.replay(other),
                    (None, false) => group.consumer.get_or_insert_default().replay(other),
                    (None, true) => {}
                }
            }
        }
        if group.is_nothing() {
            self.groups.remove(&change.group);
        }
    }

    fn set_classic(&mut self, id: &Arc<str>, classic: ClassicGroup) {
        let group = self.groups.entry(id.clone()).or_default();
        group.classic = Some(classic).filter(|c| !c.is_blank());
        if group.is_nothing() {
            self.groups.remove(id);
        }
    }

    fn set_timers(&mut self, change: &Change, now: Now) {
        match &change.what {
            What::Classic(None) => self.alarms.forget(&change.group),
            What::Member {
                member,
                value: None,
            } => {
                self.timers.forget(&change.group, member);
                let guest = Alarm::Guest(member.clone());
                self.alarms.set(&change.group, guest, None);
            }
            What::Current {
                member,
                value: Some(_),
            } => {
                let group = self.groups.get(&change.group);
                let consumer = group.and_then(|g| g.consumer.as_ref());
                if let Some(found) = consumer.and_then(|c| c.member(member)) {
                    self.timers.set_rebalance(&change.group, member, found, now);
                }
            }
            _ => {}
        }
    }

    /// A consumer group that must be there.
    pub(super) fn consumer_group(&self, id: &str) -> Result<&ConsumerGroup> {
        let group = self.groups.get(id).and_then(|g| g.consumer.as_ref());
        group.ok_or_else(|| self.not_a_group(id))
    }

    pub(super) fn not_a_group(&self, id: &str) -> Error {
        let what = match self.groups.get(id) {
            Some(group) if group.classic.is_some() => "is not a consumer group but a classic one",
            Some(group) if group.consumer.is_none() => "has offsets but no members",
            _ => "not found",
        };
        Error::coded(Code::GroupIdNotFound, format!("group {id} {what}"))
    }
}

/// Two coordinators are equal when the log would make them equal: timers, the order of commits across
/// groups, and classic groups that rebalance are left out.
#[cfg(test)]
impl Coordinator {
    pub(super) fn same_state(&self, other: &Coordinator) -> bool {
        let moving = |groups: &BTreeMap<Arc<str>, Group>| -> Vec<Arc<str>> {
            let moves = |g: &Group| g.classic.as_ref().is_some_and(|c| !c.rests());
            let moving = groups.iter().filter(|(_, group)| moves(group));
            moving.map(|(id, _)| id.clone()).collect()
        };
        let mut moves = moving(&self.groups);
        moves.extend(moving(&other.groups));
        let recorded = |groups: &BTreeMap<Arc<str>, Group>| {
            let mut groups = groups.clone();
            for (id, group) in &mut groups {
                let classic = group.classic.take().filter(|c| c.written);
                let classic = classic.filter(|_| !moves.contains(id));
                group.classic = classic.map(|c| ClassicGroup::from_value(&c.value()));
            }
            groups.retain(|_, group| !group.is_nothing());
            groups
        };
        recorded(&self.groups) == recorded(&other.groups) && self.pending == other.pending
    }
}
