//! Simple properties that any assignment must have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Candidate, Problem, assign};
use crate::engine::groups::partitions::{Assignment, count};
use crate::engine::groups::settings::AssignorKind;
use crate::types::TopicId;

type Targets = BTreeMap<Arc<str>, Assignment>;

fn topic(number: u8) -> TopicId {
    let mut id = TopicId::NONE;
    id.0[15] = number;
    id
}

fn problem(wishes: &[BTreeSet<u8>], partitions: &[i32], before: &Targets) -> Problem {
    let members = wishes.iter().enumerate().map(|(at, wishes)| {
        let id: Arc<str> = Arc::from(format!("m{at}"));
        Candidate {
            before: Arc::new(before.get(&id).cloned().unwrap_or_default()),
            id,
            instance_id: None,
            topics: wishes.iter().map(|t| topic(*t)).collect(),
        }
    });
    let wanted: BTreeSet<u8> = wishes.iter().flatten().copied().collect();
    let count = |t: &u8| (topic(*t), partitions[usize::from(*t)]);
    Problem {
        members: members.collect(),
        partitions: wanted.iter().map(count).collect(),
    }
}

fn everyone(members: usize, topics: u8) -> Vec<BTreeSet<u8>> {
    vec![(0..topics).collect(); members]
}

/// Every wanted partition has exactly one member, and that member wants it.
fn check_complete(problem: &Problem, targets: &Targets) {
    let mut seen: BTreeSet<(TopicId, i32)> = BTreeSet::new();
    for member in &problem.members {
        for (topic, partitions) in &targets[&member.id] {
            assert!(
                member.topics.contains(topic),
                "{} did not want it",
                member.id
            );
            assert!(!partitions.is_empty(), "no empty sets");
            for partition in partitions {
                assert!(seen.insert((*topic, *partition)), "two members for one");
            }
        }
    }
    let all = problem.partitions.iter();
    let all: BTreeSet<(TopicId, i32)> = all.flat_map(|(t, n)| (0..*n).map(|p| (*t, p))).collect();
    assert_eq!(seen, all);
}

fn loads(targets: &Targets) -> (usize, usize) {
    let loads: Vec<usize> = targets.values().map(count).collect();
    let (least, most) = (loads.iter().min(), loads.iter().max());
    (least.copied().unwrap_or(0), most.copied().unwrap_or(0))
}

/// How many partitions left a member that is still there.
fn moved(before: &Targets, after: &Targets) -> usize {
    let lost = before.iter().filter_map(|(id, had)| {
        let has = after.get(id)?;
        let kept = had.iter().map(|(topic, partitions)| {
            let now = has.get(topic);
            partitions
                .iter()
                .filter(|p| now.is_some_and(|n| n.contains(p)))
                .count()
        });
        Some(count(had) - kept.sum::<usize>())
    });
    lost.sum()
}

fn wishes() -> impl Strategy<Value = Vec<BTreeSet<u8>>> {
    let one = prop::collection::btree_set(0u8..5, 0..5);
    prop::collection::vec(one, 1..7)
}

fn partitions() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(0i32..9, 5)
}

proptest! {
    #[test]
    fn every_partition_has_one_member_whatever_came_before(
        first in wishes(), then in wishes(), was in partitions(), is in partitions(),
        from in 0usize..2, to in 0usize..2,
    ) {
        let start = problem(&first, &was, &Targets::new());
        let before = assign(AssignorKind::ALL[from], &start);
        check_complete(&start, &before);
        let next = problem(&then, &is, &before);
        let after = assign(AssignorKind::ALL[to], &next);
        check_complete(&next, &after);
    }

    #[test]
    fn uniform_balances_within_one_and_moves_the_least(
        members in 1usize..7, joined in 0usize..4, was in partitions(), topics in 1u8..5,
    ) {
        let start = problem(&everyone(members, topics), &was, &Targets::new());
        let before = assign(AssignorKind::Uniform, &start);
        let (least, most) = loads(&before);
        prop_assert!(most - least <= 1);
        let next = problem(&everyone(members + joined, topics), &was, &before);
        let after = assign(AssignorKind::Uniform, &next);
        let (least, most) = loads(&after);
        prop_assert!(most - least <= 1);
        // Only what the new members get has moved.
        let news: usize = after.iter().filter(|(id, _)| !before.contains_key(*id)).map(|(_, t)| count(t)).sum();
        prop_assert_eq!(moved(&before, &after), news);
        // And when they go, those who stay keep all.
        let last = problem(&everyone(members, topics), &was, &after);
        prop_assert_eq!(moved(&after, &assign(AssignorKind::Uniform, &last)), 0);
    }

    #[test]
    fn an_assignment_of_the_same_again_moves_nothing(wishes in wishes(), is in partitions(), kind in 0usize..2) {
        let kind = AssignorKind::ALL[kind];
        let first = assign(kind, &problem(&wishes, &is, &Targets::new()));
        prop_assert_eq!(&assign(kind, &problem(&wishes, &is, &first)), &first);
    }

    #[test]
    fn range_keeps_topics_together(sizes in prop::collection::vec(1usize..7, 1..5), size in 1i32..12) {
        let partitions = vec![size; 5];
        let mut before = Targets::new();
        // Members come and go, topics are added: equal topics always go the same way.
        for (step, members) in sizes.iter().enumerate() {
            let topics = 1 + step as u8;
            let next = problem(&everyone(*members, topics), &partitions, &before);
            before = assign(AssignorKind::Range, &next);
            check_complete(&next, &before);
            for target in before.values().filter(|t| !t.is_empty()) {
                prop_assert_eq!(target.len(), usize::from(topics));
                let kinds: BTreeSet<_> = target.values().collect();
                prop_assert_eq!(kinds.len(), 1);
            }
            let (least, most) = loads(&before);
            prop_assert!(most - least <= usize::from(topics));
        }
    }
}

#[test]
fn different_wishes_are_evened_out() {
    // Two want both topics, one only the second: it gets of that one what the others can spare.
    let wishes = [[0, 1].into(), [0, 1].into(), [1].into()];
    let targets = assign(
        AssignorKind::Uniform,
        &problem(&wishes, &[3, 6], &Targets::new()),
    );
    assert_eq!(loads(&targets), (3, 3));
    // The one with more to choose from gives way to a newcomer with less.
    let wishes = [[0, 1].into(), [0].into()];
    let alone = assign(
        AssignorKind::Uniform,
        &problem(&wishes[..1], &[4, 4], &Targets::new()),
    );
    let both = assign(AssignorKind::Uniform, &problem(&wishes, &[4, 4], &alone));
    assert_eq!(loads(&both), (4, 4));
}

#[test]
fn nobody_or_nothing_is_no_trouble() {
    for kind in AssignorKind::ALL {
        assert!(assign(kind, &Problem::default()).is_empty());
        let idle = problem(&[BTreeSet::new()], &[0; 5], &Targets::new());
        assert_eq!(assign(kind, &idle)["m0"], Assignment::new());
    }
}

#[test]
fn who_has_one_more_keeps_it() {
    let mut before = Targets::new();
    before.insert(Arc::from("m0"), [(topic(0), [2].into())].into());
    before.insert(Arc::from("m1"), [(topic(0), [0, 1].into())].into());
    let again = assign(
        AssignorKind::Uniform,
        &problem(&everyone(2, 1), &[3], &before),
    );
    assert_eq!(again, before);
}
