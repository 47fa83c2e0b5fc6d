//! `uniform` where members want different topics: what is valid stays, what is free goes to the
//! least loaded that wants it, then single moves even out what they can.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use crate::engine::groups::partitions::Assignment;
use crate::types::TopicId;

/// Members by place in the problem, with how much each holds.
struct Loads {
    targets: Vec<Assignment>,
    loads: Vec<usize>,
}

impl Loads {
    fn load(&self, member: usize) -> usize {
        self.loads.get(member).copied().unwrap_or(usize::MAX)
    }

    fn give(&mut self, member: usize, topic: TopicId, partition: i32) {
        let pair = (self.targets.get_mut(member), self.loads.get_mut(member));
        if let (Some(target), Some(load)) = pair {
            target.entry(topic).or_default().insert(partition);
            *load += 1;
        }
    }

    /// Takes the highest partition of `topic` from a member.
    fn take(&mut self, member: usize, topic: TopicId) -> Option<i32> {
        let target = self.targets.get_mut(member)?;
        let partitions = target.get_mut(&topic)?;
        let partition = partitions.pop_last()?;
        if partitions.is_empty() {
            target.remove(&topic);
        }
        *self.loads.get_mut(member)? -= 1;
        Some(partition)
    }

    fn has(&self, member: usize, topic: TopicId) -> bool {
        self.targets
            .get(member)
            .is_some_and(|t| t.contains_key(&topic))
    }

    fn lightest(&self, members: &[usize]) -> Option<usize> {
        members.iter().copied().min_by_key(|m| self.load(*m))
    }

    fn heaviest_with(&self, members: &[usize], topic: TopicId) -> Option<usize> {
        let having = members.iter().copied().filter(|m| self.has(*m, topic));
        having.max_by_key(|m| self.load(*m))
    }
}

pub fn assign(problem: &Problem) -> Vec<Assignment> {
    let mut wanting: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
    for (at, member) in problem.members.iter().enumerate() {
        for topic in &member.topics {
            wanting.entry(*topic).or_default().push(at);
        }
    }
    let mut loads = Loads {
        targets: vec![Assignment::new(); problem.members.len()],
        loads: vec![0; problem.members.len()],
    };
    let mut taken: BTreeSet<(TopicId, i32)> = BTreeSet::new();
    for (at, member) in problem.members.iter().enumerate() {
        for (topic, partition) in problem.still_valid(member) {
            if taken.insert((topic, partition)) {
                loads.give(at, topic, partition);
            }
        }
    }
    // Topics that few want first: their members have the least choice.
    let mut topics: Vec<(&TopicId, &Vec<usize>)> = wanting.iter().collect();
    topics.sort_by_key(|(topic, members)| (members.len(), **topic));
    for (topic, members) in &topics {
        for partition in 0..problem.partitions_of(**topic) {
            if taken.contains(&(**topic, partition)) {
                continue;
            }
            if let Some(member) = loads.lightest(members) {
                loads.give(member, **topic, partition);
            }
        }
    }
    even_out(&mut loads, &topics);
    loads.targets
}

/// Moves partitions from the heaviest to the lightest member of a topic as long as that brings them
/// closer. Ends: each move makes the sum of the squares of the loads smaller.
fn even_out(loads: &mut Loads, topics: &[(&TopicId, &Vec<usize>)]) {
    let mut moved = true;
    while moved {
        moved = false;
        for (topic, members) in topics {
            while let (Some(heavy), Some(light)) = (
                loads.heaviest_with(members, **topic),
                loads.lightest(members),
            ) {
                if loads.load(heavy) < loads.load(light) + 2 {
                    break;
                }
                let Some(partition) = loads.take(heavy, **topic) else {
                    break;
                };
                loads.give(light, **topic, partition);
                moved = true;
            }
        }
    }
}
