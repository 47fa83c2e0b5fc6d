//! `uniform` where all members want the same topics: the loads differ by at most one, and as few
//! partitions move as that allows.

use std::collections::BTreeSet;

use super::Problem;
use crate::engine::groups::partitions::Assignment;
use crate::types::TopicId;

/// Cost: O(partitions × log + members × log).
pub fn assign(problem: &Problem) -> Vec<Assignment> {
    let Some(first) = problem.members.first() else {
        return Vec::new();
    };
    let mut free: BTreeSet<(TopicId, i32)> = BTreeSet::new();
    for topic in &first.topics {
        free.extend((0..problem.partitions_of(*topic)).map(|p| (*topic, p)));
    }
    let total = free.len();
    let base = total / problem.members.len();
    let mut extra = total % problem.members.len();

    let kept: Vec<Vec<(TopicId, i32)>> = problem
        .members
        .iter()
        .map(|member| problem.still_valid(member).collect())
        .collect();
    // Those who have the most keep the extra ones: then the fewest partitions move.
    let mut by_load: Vec<usize> = (0..kept.len()).collect();
    by_load.sort_by_key(|at| std::cmp::Reverse(kept.get(*at).map_or(0, Vec::len)));
    let mut quota = vec![base; kept.len()];
    for at in by_load {
        if let (true, Some(quota)) = (extra > 0, quota.get_mut(at)) {
            *quota += 1;
            extra -= 1;
        }
    }

    let mut targets: Vec<Assignment> = Vec::with_capacity(kept.len());
    for (kept, quota) in kept.into_iter().zip(&quota) {
        let mut target = Assignment::new();
        let mut left = *quota;
        for (topic, partition) in kept {
            // `remove` also settles a partition that two members claim: the first keeps it.
            if left > 0 && free.remove(&(topic, partition)) {
                target.entry(topic).or_default().insert(partition);
                left -= 1;
            }
        }
        targets.push(target);
    }
    for (target, quota) in targets.iter_mut().zip(quota) {
        let missing = quota - crate::engine::groups::partitions::count(target);
        for _ in 0..missing {
            let Some((topic, partition)) = free.pop_first() else {
                break;
            };
            target.entry(topic).or_default().insert(partition);
        }
    }
    targets
}
