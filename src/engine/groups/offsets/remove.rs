//! Offsets that go: by request, with their topic, or because nobody used them for long.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Committed, OffsetCommit, OffsetOutcome};
use crate::engine::groups::coordinator::{Coordinator, Group};
use crate::engine::groups::plan::{Now, Plan};
use crate::engine::groups::records::{Change, What};
use crate::engine::groups::requests::CommitRequest;
use crate::engine::groups::subscription::topic_names;
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};
use crate::types::Timestamp;

impl Coordinator {
    /// Forgets offsets. Those of topics that the group's members read are refused one by one with
    /// `GroupSubscribedToTopic`; what was not there is no error.
    ///
    /// Errors, for all: `GroupIdNotFound`; `NonEmptyGroup` for a classic group whose members are not
    /// consumers.
    pub fn delete_offsets(
        &self,
        group_id: &Arc<str>,
        places: &[(Arc<str>, i32)],
    ) -> Result<Plan<Vec<OffsetOutcome>>> {
        let group = self.groups.get(group_id);
        let group = group.ok_or_else(|| self.not_a_group(group_id))?;
        let classic = group.classic.as_ref();
        classic.map_or(Ok(()), |c| c.may_delete_offsets(group_id))?;
        let mut changes = Vec::new();
        let mut outcomes = Vec::new();
        for (topic, partition) in places {
            let consumer = group.consumer.as_ref();
            let in_use = classic.is_some_and(|c| c.reads_topic(topic))
                || consumer.is_some_and(|c| c.reads_topic(topic));
            let open = self
                .pending
                .is_open(&(group_id.clone(), topic.clone(), *partition));
            if !in_use && (open || group.offsets.get(topic, *partition).is_some()) {
                changes.push(tombstone(group_id, topic, *partition));
            }
            outcomes.push(OffsetOutcome {
                topic: topic.clone(),
                partition: *partition,
                result: match in_use {
                    false => Ok(()),
                    true => Err(Error::coded(
                        Code::GroupSubscribedToTopic,
                        format!("group {group_id} reads {topic}: stop its members first"),
                    )),
                },
            });
        }
        Ok(Plan::of(group_id.clone(), changes, outcomes))
    }

    /// Puts a group's offsets somewhere else, while nobody reads with it.
    ///
    /// Errors, for all: `NonEmptyGroup`.
    pub fn reset_offsets(
        &self,
        group_id: &Arc<str>,
        offsets: Vec<OffsetCommit>,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<Vec<OffsetOutcome>>> {
        if self.groups.get(group_id).is_some_and(Group::has_members) {
            return Err(self.not_empty(group_id));
        }
        let request = CommitRequest {
            group: group_id.clone(),
            member: Arc::from(""),
            instance_id: None,
            epoch: -1,
            offsets,
        };
        self.commit_offsets(&request, topics, now)
    }

    /// Forgets the offsets of deleted topics, in all groups: one plan a group.
    pub fn topics_deleted(&self, names: &[Arc<str>]) -> Vec<Plan<usize>> {
        let plans = self.groups.keys().filter_map(|id| {
            let group = self.groups.get(id)?;
            let mut places: BTreeSet<(Arc<str>, i32)> = BTreeSet::new();
            for name in names {
                places.extend(group.offsets.of_topic(name).map(|p| (name.clone(), p)));
            }
            let open = self.pending.of_group(id);
            let open = open.filter(|(_, topic, _)| names.contains(topic));
            places.extend(open.map(|(_, topic, partition)| (topic.clone(), *partition)));
            Some(plan_tombstones(id, &places)).filter(|p| !p.is_empty())
        });
        plans.collect()
    }

    /// Forgets offsets that nobody used for `offsets.retention.minutes`, and groups of which then
    /// nothing is left: one plan a group. Offsets of topics that members read, and those in open
    /// transactions, stay.
    pub fn expire_offsets(&self, now: Now) -> Vec<Plan<usize>> {
        let plans = self.groups.iter().filter_map(|(id, group)| {
            let mut kept = 0;
            let mut places = BTreeSet::new();
            let read = group.consumer.as_ref().map(topic_names).unwrap_or_default();
            for (topic, partition, committed) in group.offsets.iter() {
                let place = (id.clone(), topic.clone(), partition);
                let in_use = read.contains(topic) || self.pending.is_open(&place);
                let from = committed.committed_at;
                let from = group
                    .classic
                    .as_ref()
                    .map_or(Some(from), |c| c.ages_from(topic, from));
                let over = from.is_some_and(|from| self.is_over(committed, from, now.wall));
                if !in_use && over {
                    places.insert((topic.clone(), partition));
                } else {
                    kept += 1;
                }
            }
            let mut plan = plan_tombstones(id, &places);
            let open = self.pending.of_group(id).next().is_some();
            if kept == 0 && !open && !group.has_members() {
                plan.changes.extend(self.end_of_group(id));
            }
            Some(plan).filter(|p| !p.is_empty())
        });
        plans.collect()
    }

    fn is_over(&self, committed: &Committed, from: Timestamp, now: Timestamp) -> bool {
        let retention = i64::try_from(self.settings.offsets_retention.as_millis());
        let ends = committed.expires_at.map_or_else(
            || from.get().saturating_add(retention.unwrap_or(i64::MAX)),
            Timestamp::get,
        );
        now.get() >= ends
    }

    pub(in crate::engine::groups) fn not_empty(&self, group: &str) -> Error {
        Error::coded(
            Code::NonEmptyGroup,
            format!("group {group} has members: stop them first"),
        )
    }
}

fn plan_tombstones(group: &Arc<str>, places: &BTreeSet<(Arc<str>, i32)>) -> Plan<usize> {
    let changes = places.iter().map(|(topic, p)| tombstone(group, topic, *p));
    Plan::of(group.clone(), changes.collect(), places.len())
}

pub fn tombstone(group: &Arc<str>, topic: &Arc<str>, partition: i32) -> Change {
    Change {
        group: group.clone(),
        what: What::Offset {
            topic: topic.clone(),
            partition,
            value: None,
        },
    }
}
