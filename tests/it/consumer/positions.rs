//! Where reading begins and goes on.

use levada::Kind;
use levada::embedded::{ConsumerOptions, SeekTo, Start};
use levada::types::{Offset, Timestamp};

use super::support::{NOW, at, drain, options, poll, reset, send, topic, world};

#[test]
fn one_partition_that_fails_leaves_the_committed_offsets_of_the_others() {
    let (db, _) = world();
    topic(&db, "t", 2);
    send(&db, &at("t", 0), 10);
    send(&db, &at("t", 1), 10);
    reset(&db, "g", &at("t", 1), 5);
    let consumer = db
        .consumer(ConsumerOptions {
            start: Start::Fail,
            ..options(Some("g"))
        })
        .unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let (mut got, mut failed) = (Vec::new(), 0);
    for _ in 0..6 {
        match poll(&consumer) {
            Ok(records) => got.extend(records),
            Err(error) => {
                assert_eq!(error.kind(), Kind::OutOfRange);
                failed += 1;
            }
        }
    }
    assert!(failed > 0, "nobody heard of partition 0");
    let expected: Vec<_> = (5..10).map(|offset| (at("t", 1), offset)).collect();
    assert_eq!(got, expected);
    consumer.seek(&at("t", 0), Offset(8)).unwrap();
    assert_eq!(drain(&consumer, 2), [(at("t", 0), 8), (at("t", 0), 9)]);
    consumer.close().unwrap();
}

#[test]
fn an_offset_to_begin_at_outside_of_the_log_is_an_error() {
    let (db, _) = world();
    topic(&db, "t", 2);
    send(&db, &at("t", 0), 10);
    send(&db, &at("t", 1), 10);
    let log = db.engine().partition("t", 0).unwrap();
    log.delete_records(Offset(5)).unwrap();
    for outside in [-1, 4, 11] {
        let consumer = db
            .consumer(ConsumerOptions {
                start: Start::Latest,
                start_offsets: [(at("t", 0), Offset(outside)), (at("t", 1), Offset(8))].into(),
                ..options(None)
            })
            .unwrap();
        consumer.subscribe(&["t"]).unwrap();
        let outcomes = [poll(&consumer), poll(&consumer)];
        let errors = outcomes.iter().filter_map(|o| o.as_ref().err());
        let kinds: Vec<_> = errors.map(levada::Error::kind).collect();
        assert_eq!(kinds, [Kind::OutOfRange], "{outside}");
        let got: Vec<_> = outcomes.into_iter().flatten().flatten().collect();
        assert_eq!(got, [(at("t", 1), 8), (at("t", 1), 9)]);
        consumer.seek(&at("t", 0), Offset(9)).unwrap();
        assert_eq!(drain(&consumer, 1), [(at("t", 0), 9)]);
    }
}

#[test]
fn the_same_partition_named_twice_is_read_once() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 3);
    let consumer = db.consumer(options(None)).unwrap();
    consumer.assign(&[at("t", 0), at("t", 0)]).unwrap();
    assert_eq!(consumer.assignment().unwrap(), [at("t", 0)]);
    assert_eq!(drain(&consumer, 3).len(), 3);
}

#[test]
fn an_assign_that_fails_changes_nothing() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 3);
    let consumer = db.consumer(options(Some("g"))).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    assert_eq!(drain(&consumer, 3).len(), 3);
    let error = consumer.assign(&[at("t", 0), at("t", 7)]).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(consumer.member().unwrap().is_some());
    assert_eq!(consumer.assignment().unwrap(), [at("t", 0)]);
}

#[test]
fn what_is_sought_before_the_first_poll_is_where_it_begins() {
    let (db, _) = world();
    topic(&db, "t", 2);
    send(&db, &at("t", 0), 10);
    send(&db, &at("t", 1), 10);
    for group in [None, Some("g")] {
        let consumer = db
            .consumer(ConsumerOptions {
                start: Start::Latest,
                auto_commit: false,
                ..options(group)
            })
            .unwrap();
        consumer.subscribe(&["t"]).unwrap();
        consumer.seek_to(None, SeekTo::Beginning).unwrap();
        assert_eq!(drain(&consumer, 20).len(), 20, "{group:?}");
        consumer.subscribe(&["t"]).unwrap();
        consumer.seek(&at("t", 1), Offset(7)).unwrap();
        assert_eq!(drain(&consumer, 3)[0], (at("t", 1), 7), "{group:?}");
        consumer.subscribe(&["t"]).unwrap();
        let to = SeekTo::Time(Timestamp(0));
        consumer.seek_to(None, to).unwrap();
        consumer.pause(&[at("t", 0)]).unwrap();
        assert_eq!(consumer.paused().unwrap(), [at("t", 0)]);
        let got = drain(&consumer, 10);
        assert!(got.len() == 10 && got.iter().all(|(p, _)| *p == at("t", 1)));
        consumer.resume_all().unwrap();
        assert_eq!(drain(&consumer, 10).len(), 10, "{group:?}");
        let error = consumer.seek(&at("other", 0), Offset(0)).unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        consumer.close().unwrap();
    }
}

#[test]
fn partitions_assigned_by_hand_are_sought_at_once() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 10);
    let consumer = db.consumer(options(None)).unwrap();
    consumer.assign(&[at("t", 0)]).unwrap();
    consumer.seek_to(None, SeekTo::End).unwrap();
    assert_eq!(consumer.position(&at("t", 0)).unwrap(), Offset(10));
    let error = consumer.seek(&at("t", 0), Offset(11)).unwrap_err();
    assert_eq!(error.kind(), Kind::OutOfRange);
    consumer.pause_all().unwrap();
    assert_eq!(consumer.paused().unwrap(), [at("t", 0)]);
}

#[test]
fn a_poll_waits_for_as_many_bytes_as_were_asked_for_but_not_for_ever() {
    let (db, clock) = world();
    topic(&db, "t", 1);
    let consumer = db
        .consumer(ConsumerOptions {
            fetch_bytes_min: 1000,
            ..options(None)
        })
        .unwrap();
    consumer.subscribe(&["t"]).unwrap();
    send(&db, &at("t", 0), 1);
    assert_eq!(consumer.poll(None, NOW).unwrap().len(), 0);
    clock.advance(std::time::Duration::from_millis(499));
    assert_eq!(consumer.poll(None, NOW).unwrap().len(), 0);
    clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(poll(&consumer).unwrap().len(), 1);
    send(&db, &at("t", 0), 1000);
    assert!(!poll(&consumer).unwrap().is_empty(), "that is enough");
}
