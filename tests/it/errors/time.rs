//! Clocks that jump, members that stall or die.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use levada::Kind::{Conflict, Fenced};
use levada::clock::ManualClock;
use levada::disk::FaultyDisk;
use levada::embedded::{Consumer, ConsumerOptions, Database};
use levada::engine::Job;
use levada::engine::groups::{Heartbeat, new_member_id};
use levada::types::{Offset, Timestamp, TopicPartition};

use super::support::{WAIT, earliest, open_at, producer, put, read, topic};

const NOW: i64 = 1_700_000_000_000;
const HOUR: Duration = Duration::from_secs(3600);

fn world() -> (Database, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(NOW)));
    let db = open_at(&Arc::new(FaultyDisk::new()), clock.clone()).unwrap();
    (db, clock)
}

fn member(db: &Database, poll_interval_max: Duration) -> Consumer {
    let options = ConsumerOptions {
        group: Some("g".into()),
        poll_interval_max,
        auto_commit: false,
        ..earliest()
    };
    let consumer = db.consumer(options).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

/// Polls until the consumer holds `count` partitions. The clock stands still.
fn poll_until_it_has(consumer: &Consumer, count: usize) {
    let started = std::time::Instant::now();
    while consumer.assignment().unwrap().len() != count {
        assert!(started.elapsed() < WAIT, "{:?}", consumer.assignment());
        consumer.poll(Some(0), Duration::ZERO).unwrap();
        std::thread::yield_now();
    }
}

#[test]
fn wall_time_may_jump_and_records_stay_in_order() {
    let (db, clock) = world();
    topic(&db, "t", 1, &[("retention.ms", "86400000")]);
    let producer = producer(&db);
    put(&producer, "t", b"now").unwrap();
    clock.set_wall(Timestamp(NOW - 10 * 86_400_000));
    put(&producer, "t", b"earlier").unwrap();
    clock.set_wall(Timestamp(NOW + 1000));
    put(&producer, "t", b"later").unwrap();
    db.engine().run_job(Job::Roll).unwrap();
    db.engine().run_job(Job::Retain).unwrap();
    let texts = [(0, "now"), (1, "earlier"), (2, "later")].map(|(o, t)| (o, t.to_owned()));
    assert_eq!(read(&db, "t").0, texts, "nothing is a day old");
    let name = TopicPartition::new("t", 0);
    let consumer = db.consumer(earliest()).unwrap();
    consumer.assign(std::slice::from_ref(&name)).unwrap();
    let at = |ms| consumer.seek_to_time(&name, Timestamp(ms)).unwrap();
    assert_eq!(at(NOW - 20 * 86_400_000), Offset(0));
    assert_eq!(at(NOW), Offset(0));
    assert_eq!(at(NOW + 1), Offset(2));
    assert_eq!(at(NOW + 2000), Offset(3), "the end: nothing is later");
}

#[test]
fn retention_goes_by_what_records_say_and_a_clock_set_back_removes_nothing() {
    let (db, clock) = world();
    topic(
        &db,
        "t",
        1,
        &[("retention.ms", "86400000"), ("segment.ms", "3600000")],
    );
    let producer = producer(&db);
    put(&producer, "t", b"old").unwrap();
    clock.advance(2 * HOUR);
    put(&producer, "t", b"rolled").unwrap();
    clock.set_wall(Timestamp(0));
    db.engine().run_job(Job::Roll).unwrap();
    db.engine().run_job(Job::Retain).unwrap();
    assert_eq!(read(&db, "t").0.len(), 2);
    clock.set_wall(Timestamp(NOW + 25 * 3_600_000));
    db.engine().run_job(Job::Retain).unwrap();
    assert_eq!(read(&db, "t").0, [(1, "rolled".into())]);
}

#[test]
fn wall_time_puts_nobody_out_of_a_group() {
    let (db, clock) = world();
    topic(&db, "t", 2, &[]);
    let one = member(&db, 5 * HOUR);
    poll_until_it_has(&one, 2);
    let (id, epoch) = one.member().unwrap().unwrap();
    for jump in [NOW + 100 * 86_400_000, 0, NOW] {
        clock.set_wall(Timestamp(jump));
        one.poll(Some(1), Duration::ZERO).unwrap();
        one.commit(None).unwrap();
    }
    assert_eq!(one.member().unwrap().unwrap(), (id, epoch));
    assert_eq!(one.assignment().unwrap().len(), 2);
}

#[test]
fn a_member_that_dies_loses_its_partitions_to_the_others() {
    let (db, clock) = world();
    topic(&db, "t", 2, &[]);
    // A member elsewhere, which joins and is never heard of again.
    let groups = db.engine().groups();
    let joined = groups
        .heartbeat(&Heartbeat {
            rebalance_timeout: Some(Duration::from_secs(300)),
            topics: Some([Arc::from("t")].into()),
            owned: Some(BTreeMap::default()),
            ..Heartbeat::of("g", new_member_id(), 0)
        })
        .unwrap();
    assert_eq!(joined.assignment.unwrap().values().next().unwrap().len(), 2);
    let alive = member(&db, 5 * HOUR);
    alive.poll(Some(0), Duration::ZERO).unwrap();
    assert_eq!(alive.assignment().unwrap(), []);
    clock.advance(Duration::from_secs(44));
    alive.poll(Some(0), Duration::ZERO).unwrap();
    assert_eq!(alive.assignment().unwrap(), [], "its session is not over");
    clock.advance(Duration::from_secs(2));
    poll_until_it_has(&alive, 2);
    let stale = Heartbeat::of("g", joined.member, joined.epoch);
    let error = groups.heartbeat(&stale).unwrap_err();
    assert!(matches!(error.kind(), Conflict | Fenced), "{error:?}");
}

#[test]
fn a_member_that_stalls_loses_its_partitions_and_comes_back() {
    let (db, clock) = world();
    topic(&db, "t", 2, &[]);
    let sender = producer(&db);
    for n in 0..20 {
        put(&sender, "t", format!("{n}").as_bytes()).unwrap();
    }
    let stalled = member(&db, Duration::from_secs(60));
    poll_until_it_has(&stalled, 2);
    stalled.commit(None).unwrap();
    let other = member(&db, 5 * HOUR);
    other.poll(Some(0), Duration::ZERO).unwrap();
    // It does not poll, though the group wants one of its partitions.
    clock.advance(Duration::from_secs(61));
    poll_until_it_has(&other, 2);
    let error = stalled.commit(None).unwrap_err();
    assert!(matches!(error.kind(), Conflict | Fenced), "{error:?}");
    for _ in 0..20 {
        other.poll(Some(1), Duration::ZERO).unwrap();
    }
    other.commit(None).unwrap();
    // Its next poll joins again.
    let started = std::time::Instant::now();
    while stalled.assignment().unwrap().len() != 1 {
        assert!(started.elapsed() < WAIT);
        stalled.poll(Some(0), Duration::ZERO).unwrap();
        other.poll(Some(0), Duration::ZERO).unwrap();
    }
    assert_eq!(other.assignment().unwrap().len(), 1);
    stalled.commit(None).unwrap();
}
