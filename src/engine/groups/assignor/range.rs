//! `range`: topic by topic, each member gets a share that differs by at most one from the others',
//! in runs of partition numbers. Members that want the same topics with the same number of
//! partitions get the same numbers of each, as joins need it; what a member had it keeps, where the
//! size of its share allows.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use crate::engine::groups::partitions::Assignment;
use crate::types::TopicId;

pub fn assign(problem: &Problem) -> Vec<Assignment> {
    // Topics that meet in joins: as many partitions, wanted by the same members.
    let mut classes: BTreeMap<(i32, Vec<bool>), Vec<TopicId>> = BTreeMap::new();
    for (topic, count) in &problem.partitions {
        let wants = problem.members.iter().map(|m| m.topics.contains(topic));
        let class = classes.entry((*count, wants.collect())).or_default();
        class.push(*topic);
    }
    let mut targets = vec![Assignment::new(); problem.members.len()];
    for ((count, wants), topics) in &classes {
        for (target, share) in targets
            .iter_mut()
            .zip(shares(problem, topics, *count, wants))
        {
            if !share.is_empty() {
                target.extend(topics.iter().map(|topic| (*topic, share.clone())));
            }
        }
    }
    targets
}

/// What each member had of a class of topics: of the first topic of which anybody had anything, so
/// that all topics of the class go the same way.
fn before<'a>(problem: &'a Problem, topics: &[TopicId]) -> Vec<Option<&'a BTreeSet<i32>>> {
    let had = |topic: &&TopicId| {
        problem
            .members
            .iter()
            .any(|m| m.before.contains_key(*topic))
    };
    let guide = topics.iter().find(had);
    let of = |m: &'a super::Candidate| guide.and_then(|topic| m.before.get(topic));
    problem.members.iter().map(of).collect()
}

/// The partition numbers of a class of topics, by member.
fn shares(problem: &Problem, topics: &[TopicId], count: i32, wants: &[bool]) -> Vec<BTreeSet<i32>> {
    let wanting = wants.iter().filter(|w| **w).count();
    let total = usize::try_from(count).unwrap_or(0);
    let base = total.checked_div(wanting).unwrap_or(0);
    let mut extra = total.checked_rem(wanting).unwrap_or(0);

    let mut free: BTreeSet<i32> = (0..count).collect();
    let mut kept: Vec<Keeps> = Vec::with_capacity(wants.len());
    for (before, wants) in before(problem, topics).into_iter().zip(wants) {
        let before = before.filter(|_| *wants);
        kept.push(keep(before, base, &mut extra, &mut free));
    }
    let fill = |(kept, wants): (Keeps, &bool)| {
        let mut quota = if *wants { base } else { 0 };
        if kept.has_extra {
            quota += 1;
        } else if *wants && extra > 0 {
            quota += 1;
            extra -= 1;
        }
        let mut share = kept.share;
        while share.len() < quota {
            let Some(partition) = free.pop_first() else {
                break;
            };
            share.insert(partition);
        }
        share
    };
    kept.into_iter().zip(wants).map(fill).collect()
}

struct Keeps {
    share: BTreeSet<i32>,
    has_extra: bool,
}

/// Keeps what a member had, up to its share; one more as long as `extra` lasts.
fn keep(
    before: Option<&BTreeSet<i32>>,
    base: usize,
    extra: &mut usize,
    free: &mut BTreeSet<i32>,
) -> Keeps {
    let mut keeps = Keeps {
        share: BTreeSet::new(),
        has_extra: false,
    };
    for partition in before.into_iter().flatten() {
        let full = keeps.share.len() >= base;
        if (full && (*extra == 0 || keeps.has_extra)) || !free.remove(partition) {
            continue;
        }
        if full {
            keeps.has_extra = true;
            *extra -= 1;
        }
        keeps.share.insert(*partition);
    }
    keeps
}
