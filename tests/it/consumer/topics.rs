//! Topics that are deleted, and made again under the same name.

use std::sync::Arc;

use levada::Kind;
use levada::disk::{Faults, FaultyDisk};
use levada::embedded::ConsumerOptions;
use levada::types::Offset;

use super::support::{at, by_hand, committed, drain, options, poll, send, topic, world, world_on};

#[test]
fn a_topic_made_again_is_read_from_its_own_beginning() {
    let (db, _) = world();
    for group in [None, Some("g")] {
        topic(&db, "t", 1);
        send(&db, &at("t", 0), 100);
        let consumer = db.consumer(options(group)).unwrap();
        consumer.subscribe(&["t"]).unwrap();
        assert_eq!(drain(&consumer, 100).len(), 100);
        db.engine().delete_topic("t").unwrap();
        topic(&db, "t", 1);
        send(&db, &at("t", 0), 150);
        let offsets: Vec<i64> = drain(&consumer, 150).into_iter().map(|(_, o)| o).collect();
        assert_eq!(offsets, (0..150).collect::<Vec<_>>(), "{group:?}");
        consumer.close().unwrap();
        if let Some(group) = group {
            assert_eq!(committed(&db, group, &at("t", 0)), Some(150));
        }
        db.engine().delete_topic("t").unwrap();
    }
}

#[test]
fn a_position_in_the_old_topic_is_not_committed_for_the_new_one() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 100);
    let consumer = db.consumer(by_hand("g")).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let read = consumer.poll(None, std::time::Duration::ZERO).unwrap();
    db.engine().delete_topic("t").unwrap();
    topic(&db, "t", 1);
    consumer.commit(None).unwrap();
    let by_name = [(at("t", 0), Offset(7))].into();
    assert_eq!(
        consumer.commit(Some(&by_name)).unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(poll(&consumer).unwrap(), []);
    let of_record = levada::embedded::OffsetCommit::new("t", 0, Offset(1));
    let of_record = of_record.of_topic(read[0].topic_id());
    let refused = consumer.commit_offsets(vec![of_record]).unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    assert_eq!(committed(&db, "g", &at("t", 0)), None);
    consumer.commit(Some(&by_name)).unwrap();
    assert_eq!(committed(&db, "g", &at("t", 0)), Some(7));
}

#[test]
fn offsets_to_begin_at_are_of_the_first_topic_of_the_name() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 10);
    let consumer = db
        .consumer(ConsumerOptions {
            start_offsets: [(at("t", 0), Offset(8))].into(),
            ..options(None)
        })
        .unwrap();
    consumer.subscribe(&["t"]).unwrap();
    assert_eq!(drain(&consumer, 2).len(), 2);
    db.engine().delete_topic("t").unwrap();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 3);
    assert_eq!(drain(&consumer, 3).len(), 3);
}

#[test]
fn a_subscription_goes_on_without_a_topic_that_was_deleted() {
    let (db, _) = world();
    for group in [None, Some("g")] {
        topic(&db, "a", 1);
        topic(&db, "b", 1);
        send(&db, &at("a", 0), 5);
        send(&db, &at("b", 0), 5);
        let consumer = db.consumer(options(group)).unwrap();
        consumer.subscribe_pattern("[ab]").unwrap();
        assert_eq!(drain(&consumer, 10).len(), 10);
        db.engine().delete_topic("a").unwrap();
        send(&db, &at("b", 0), 5);
        assert_eq!(drain(&consumer, 5).len(), 5, "{group:?}");
        assert_eq!(consumer.assignment().unwrap(), [at("b", 0)]);
        if let Some(group) = group {
            consumer.commit(None).unwrap();
            assert_eq!(committed(&db, group, &at("b", 0)), Some(10));
            assert_eq!(committed(&db, group, &at("a", 0)), None);
        }
        consumer.close().unwrap();
        db.engine().delete_topic("b").unwrap();
    }
}

#[test]
fn new_partitions_come_although_the_first_heartbeat_for_them_failed() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(1)));
    let (db, _) = world_on(&disk);
    topic(&db, "t", 1);
    let consumer = db.consumer(by_hand("g")).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    poll(&consumer).unwrap();
    db.engine().add_partitions("t", 2).unwrap();
    disk.set_capacity(Some(disk.used_bytes()));
    assert!(poll(&consumer).unwrap_err().is_disk_full());
    disk.set_capacity(None);
    poll(&consumer).unwrap();
    assert_eq!(consumer.assignment().unwrap(), [at("t", 0), at("t", 1)]);
}

#[test]
fn a_partition_assigned_by_hand_says_that_its_topic_is_gone_and_takes_up_the_new_one() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 5);
    let consumer = db.consumer(options(None)).unwrap();
    consumer.assign(&[at("t", 0)]).unwrap();
    assert_eq!(drain(&consumer, 5).len(), 5);
    db.engine().delete_topic("t").unwrap();
    assert_eq!(poll(&consumer).unwrap_err().kind(), Kind::NotFound);
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 3);
    assert_eq!(drain(&consumer, 3).len(), 3);
    db.engine().delete_topic("t").unwrap();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 2);
    consumer.assign(&[at("t", 0)]).unwrap();
    assert_eq!(drain(&consumer, 2).len(), 2);
}
