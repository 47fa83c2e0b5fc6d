//! Computes a group's target assignment and writes what changed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::assignor::{self, Candidate, Problem};
use super::group::ConsumerGroup;
use super::partitions::Assignment;
use super::plan::{Draft, Now};
use super::records::{TargetMetadata, What};
use super::settings::{AssignorKind, GroupSettings};
use super::topics::TopicsView;
use crate::types::TopicId;

/// Brings the target up to the group's epoch.
pub fn update(draft: &mut Draft<'_>, topics: &dyn TopicsView, settings: &GroupSettings, now: Now) {
    let group = draft.group();
    let kind = preferred(group, settings);
    let targets = assignor::assign(kind, &problem(group, topics));
    let changed: Vec<(Arc<str>, Assignment)> = targets
        .into_iter()
        .filter(|(member, target)| group.target(member).is_none_or(|old| **old != *target))
        .collect();
    let epoch = group.epoch();
    for (member, target) in changed {
        draft.push(What::TargetMember {
            member,
            value: Some(target),
        });
    }
    draft.push(What::Target(Some(TargetMetadata {
        epoch,
        computed_at: now.wall,
    })));
}

/// The assignor that most members name; the first of the settings when none does.
pub fn preferred(group: &ConsumerGroup, settings: &GroupSettings) -> AssignorKind {
    let votes = |kind: &AssignorKind| {
        let named = |name: &Arc<str>| name.as_ref() == kind.name();
        let members = group.members().values();
        members
            .filter(|m| m.metadata.assignor.as_ref().is_some_and(named))
            .count()
    };
    // `max_by_key` takes the last of equals: go backwards, so that the settings' order decides.
    let best = settings
        .assignors
        .iter()
        .rev()
        .max_by_key(|kind| votes(kind));
    best.copied().unwrap_or_default()
}

fn problem(group: &ConsumerGroup, topics: &dyn TopicsView) -> Problem {
    let mut problem = Problem::default();
    let mut infos: BTreeMap<Arc<str>, Option<TopicId>> = BTreeMap::new();
    let mut look_up = |name: &Arc<str>, partitions: &mut BTreeMap<TopicId, i32>| {
        *infos.entry(name.clone()).or_insert_with(|| {
            let topic = topics.topic(name)?;
            partitions.insert(topic.id, topic.partitions);
            Some(topic.id)
        })
    };
    for (id, member) in group.members() {
        let found = member.regex().and_then(|regex| group.regexes().get(regex));
        let by_regex = found.iter().flat_map(|r| r.topics.iter());
        let wanted: BTreeSet<TopicId> = member
            .topics()
            .iter()
            .chain(by_regex)
            .filter_map(|name| look_up(name, &mut problem.partitions))
            .collect();
        problem.members.push(Candidate {
            id: id.clone(),
            instance_id: member.instance_id().cloned(),
            topics: wanted,
            before: group.target(id).cloned().unwrap_or_default(),
        });
    }
    // Static members first, by instance id: they then get the same places after every restart.
    problem.members.sort_by(|a, b| {
        let key = |c: &Candidate| (c.instance_id.is_none(), c.instance_id.clone(), c.id.clone());
        key(a).cmp(&key(b))
    });
    problem
}
