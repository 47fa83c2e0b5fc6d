//! What an assignor is asked, and which one answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{mixed, range, uniform};
use crate::engine::groups::partitions::Assignment;
use crate::engine::groups::settings::AssignorKind;
use crate::types::TopicId;

/// A member as an assignor sees it.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    /// The topics it wants; each stands in [`Problem::partitions`].
    pub topics: BTreeSet<TopicId>,
    /// Its target before.
    pub before: Arc<Assignment>,
}

#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// In the order in which ties are broken.
    pub members: Vec<Candidate>,
    /// How many partitions each wanted topic has.
    pub partitions: BTreeMap<TopicId, i32>,
}

impl Problem {
    pub fn partitions_of(&self, topic: TopicId) -> i32 {
        self.partitions.get(&topic).copied().unwrap_or(0)
    }

    fn is_homogeneous(&self) -> bool {
        let mut pairs = self.members.windows(2);
        pairs.all(|pair| matches!(pair, [a, b] if a.topics == b.topics))
    }

    /// What of a member's target before is still there and still wanted.
    pub fn still_valid<'a>(
        &'a self,
        member: &'a Candidate,
    ) -> impl Iterator<Item = (TopicId, i32)> + 'a {
        let wanted = member
            .before
            .iter()
            .filter(|(t, _)| member.topics.contains(t));
        wanted.flat_map(|(topic, partitions)| {
            let count = self.partitions_of(*topic);
            let there = partitions.iter().filter(move |p| **p < count);
            there.map(|p| (*topic, *p))
        })
    }
}

/// A target for every member, of which some may be empty.
///
/// Promise: each partition of a topic that some member wants has exactly one member.
pub fn assign(kind: AssignorKind, problem: &Problem) -> BTreeMap<Arc<str>, Assignment> {
    let targets = match kind {
        AssignorKind::Range => range::assign(problem),
        AssignorKind::Uniform if problem.is_homogeneous() => uniform::assign(problem),
        AssignorKind::Uniform => mixed::assign(problem),
    };
    let ids = problem.members.iter().map(|m| m.id.clone());
    ids.zip(targets).collect()
}
