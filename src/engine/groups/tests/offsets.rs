//! Stories of offsets: whose commits count, and how long they stay.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::groups::testing::{GROUP, World, code_of};
use crate::engine::groups::*;
use crate::error::Code;
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

#[test]
fn commits_of_zombies_are_refused() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.commit("ann", 2, ("orders", 3), 5).unwrap();
    w.join("bob", &["orders"]);
    w.settle();
    assert_eq!(w.clients["ann"].epoch, 3);
    // Ann still holds partition 0 since epoch 2: her late commit counts. Partition 3 she lost.
    w.commit("ann", 2, ("orders", 0), 8).unwrap();
    let stale = w.commit("ann", 2, ("orders", 3), 6);
    assert_eq!(code_of(stale), Some(Code::StaleMemberEpoch));
    let ahead = w.commit("ann", 4, ("orders", 0), 6);
    assert_eq!(code_of(ahead), Some(Code::StaleMemberEpoch));
    let unknown = w.commit("eve", 2, ("orders", 0), 6);
    assert_eq!(code_of(unknown), Some(Code::UnknownMemberId));
    let nobody = w.commit("", -1, ("orders", 0), 6);
    assert_eq!(code_of(nobody), Some(Code::UnknownMemberId));
    assert_eq!(w.committed(("orders", 3)), Some(5));
    assert_eq!(w.committed(("orders", 0)), Some(8));
    w.check();
}

#[test]
fn readers_outside_groups_commit_while_nobody_is_in() {
    let mut w = World::new(&[("orders", 1)]);
    w.commit("", -1, ("orders", 0), 3).unwrap();
    assert_eq!(w.state(), GroupState::Empty);
    let member = w.commit("ann", 1, ("orders", 0), 3);
    assert_eq!(code_of(member), Some(Code::UnknownMemberId));
    let places = [(Arc::from("orders"), 0)];
    let as_member = FetchAs::Member {
        id: Arc::from("ann"),
        epoch: 2,
    };
    let fetched = w
        .groups
        .fetch_offsets(&Arc::from(GROUP), &as_member, Some(&places), false);
    // As in Kafka: nobody is a member of a group of offsets alone, so nobody is a wrong one.
    assert!(fetched.is_ok());
    // Joining turns it into a consumer group that keeps the offset.
    w.join("ann", &["orders"]);
    assert_eq!(w.committed(("orders", 0)), Some(3));
    let fetched = w
        .groups
        .fetch_offsets(&Arc::from(GROUP), &as_member, None, false);
    assert_eq!(fetched.unwrap().len(), 1);
    w.check();
}

#[test]
fn a_commit_is_refused_partition_by_partition() {
    let mut w = World::new(&[("orders", 1)]);
    let long = OffsetCommit {
        metadata: "x".repeat(4097).into(),
        ..OffsetCommit::new("orders", 0, Offset(1))
    };
    let good = OffsetCommit {
        metadata: "x".repeat(4096).into(),
        leader_epoch: LeaderEpoch(4),
        ..OffsetCommit::new("orders", 0, Offset(2))
    };
    let request = CommitRequest {
        group: Arc::from(GROUP),
        member: Arc::from(""),
        instance_id: None,
        epoch: -1,
        offsets: vec![
            long,
            good.clone(),
            OffsetCommit::new("orders", 1, Offset(1)),
            OffsetCommit::new("nothing", 0, Offset(1)),
            OffsetCommit::new("orders", 0, Offset(-1)),
        ],
    };
    let plan = w.groups.commit_offsets(&request, &w.topics, w.now).unwrap();
    let codes: Vec<Option<Code>> = w.run(plan).into_iter().map(|o| code_of(o.result)).collect();
    assert_eq!(
        codes,
        [
            Some(Code::OffsetMetadataTooLarge),
            None,
            Some(Code::UnknownTopicOrPartition),
            Some(Code::UnknownTopicOrPartition),
            Some(Code::OffsetOutOfRange)
        ]
    );
    let all = w
        .groups
        .fetch_offsets(&request.group, &FetchAs::Anyone, None, true);
    let stored = all.unwrap().remove(0).result.unwrap().unwrap();
    assert_eq!(
        (stored.offset, stored.leader_epoch),
        (Offset(2), LeaderEpoch(4))
    );
    assert_eq!(
        (stored.metadata, stored.committed_at),
        (good.metadata, w.now.wall)
    );
    w.check();
}

fn in_transaction(w: &mut World, producer: i64, offset: i64) {
    let request = TransactionalCommit {
        commit: CommitRequest {
            group: Arc::from(GROUP),
            member: Arc::from(""),
            instance_id: None,
            epoch: -1,
            offsets: vec![OffsetCommit::new("orders", 0, Offset(offset))],
        },
        producer: ProducerId(producer),
        producer_epoch: ProducerEpoch(0),
    };
    let plan = w
        .groups
        .commit_transactional(&request, &w.topics, w.now)
        .unwrap();
    assert_eq!(
        plan.producer(),
        Some((ProducerId(producer), ProducerEpoch(0)))
    );
    assert!(w.run(plan).iter().all(|o| o.result.is_ok()));
}

#[test]
fn offsets_of_a_transaction_count_when_it_commits() {
    let mut w = World::new(&[("orders", 1)]);
    in_transaction(&mut w, 7, 10);
    assert_eq!(w.committed(("orders", 0)), None);
    let group = Arc::from(GROUP);
    let stable = w
        .groups
        .fetch_offsets(&group, &FetchAs::Anyone, None, true)
        .unwrap();
    assert_eq!(
        code_of(stable.into_iter().next().unwrap().result),
        Some(Code::UnstableOffsetCommit)
    );
    w.check();
    assert_eq!(w.groups.complete_transaction(ProducerId(7), true), 1);
    assert_eq!(w.committed(("orders", 0)), Some(10));

    in_transaction(&mut w, 7, 20);
    w.groups.complete_transaction(ProducerId(7), false);
    assert_eq!(w.committed(("orders", 0)), Some(10));

    // A later plain commit is not undone by the end of an older transaction.
    in_transaction(&mut w, 7, 30);
    w.commit("", -1, ("orders", 0), 40).unwrap();
    w.groups.complete_transaction(ProducerId(7), true);
    assert_eq!(w.committed(("orders", 0)), Some(40));
}

#[test]
fn offsets_are_reset_and_groups_deleted_only_while_nobody_is_in() {
    let mut w = World::new(&[("orders", 1)]);
    let group: Arc<str> = Arc::from(GROUP);
    assert_eq!(
        code_of(w.groups.delete_group(&group)),
        Some(Code::GroupIdNotFound)
    );
    assert_eq!(
        code_of(w.groups.describe(GROUP, &w.topics)),
        Some(Code::GroupIdNotFound)
    );
    w.join("ann", &["orders"]);
    w.commit("ann", 2, ("orders", 0), 5).unwrap();
    let to = vec![OffsetCommit::new("orders", 0, Offset(1))];
    let reset = w.groups.reset_offsets(&group, to.clone(), &w.topics, w.now);
    assert_eq!(code_of(reset), Some(Code::NonEmptyGroup));
    assert_eq!(
        code_of(w.groups.delete_group(&group)),
        Some(Code::NonEmptyGroup)
    );
    let place = [(Arc::from("orders"), 0)];
    let plan = w.groups.delete_offsets(&group, &place).unwrap();
    let outcome = w.run(plan).remove(0);
    assert_eq!(code_of(outcome.result), Some(Code::GroupSubscribedToTopic));

    w.leave("ann", false);
    let plan = w
        .groups
        .reset_offsets(&group, to, &w.topics, w.now)
        .unwrap();
    w.run(plan);
    assert_eq!(w.committed(("orders", 0)), Some(1));
    let plan = w.groups.delete_group(&group).unwrap();
    w.run(plan);
    assert!(w.groups.list().is_empty());
    w.check();
}

#[test]
fn offsets_that_nobody_uses_expire_and_the_group_with_them() {
    let mut w = World::new(&[("orders", 1), ("bills", 1)]);
    let week = Duration::from_secs(7 * 24 * 3600);
    w.commit("", -1, ("orders", 0), 3).unwrap();
    w.commit("", -1, ("bills", 0), 3).unwrap();
    w.join("ann", &["orders"]);
    w.pass(week - Duration::from_millis(1));
    assert!(w.groups.expire_offsets(w.now).is_empty());
    w.pass(Duration::from_millis(1));
    for plan in w.groups.expire_offsets(w.now) {
        assert_eq!(w.run(plan), 1);
    }
    assert_eq!(w.committed(("orders", 0)), Some(3));
    assert_eq!(w.committed(("bills", 0)), None);
    w.leave("ann", false);
    for plan in w.groups.expire_offsets(w.now) {
        w.run(plan);
    }
    assert!(w.groups.list().is_empty());
    w.check();
}

#[test]
fn a_partition_that_was_away_is_not_committed_from_before() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.join("bob", &["orders"]);
    w.settle();
    w.commit("bob", 3, ("orders", 3), 9).unwrap();
    w.leave("bob", false);
    w.settle();
    assert_eq!(w.holds("ann").len(), 4);
    // A commit that Ann sent before Bob read on must not set the group back.
    let late = w.commit("ann", 2, ("orders", 3), 5);
    assert_eq!(code_of(late), Some(Code::StaleMemberEpoch));
    assert_eq!(w.committed(("orders", 3)), Some(9));
    w.commit("ann", 4, ("orders", 3), 10).unwrap();
    w.check();
}
