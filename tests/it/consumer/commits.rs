//! What is committed, and when.

use std::time::Duration;

use levada::Kind;
use levada::embedded::ConsumerOptions;
use levada::error::Code;
use levada::types::Offset;

use super::support::{
    NOW, WAIT, at, by_hand, committed, drain, next, options, poll, send, topic, world,
};

#[test]
fn an_iteration_commits_by_itself_what_it_has_handed_out() {
    let (db, clock) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 100);
    let consumer = db.consumer(options(Some("g"))).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let mut batch = None;
    for expected in 0..3 {
        assert_eq!(next(&consumer, &mut batch), expected);
    }
    assert_eq!(committed(&db, "g", &at("t", 0)), None);
    clock.advance(Duration::from_secs(5));
    assert_eq!(next(&consumer, &mut batch), 3);
    assert_eq!(committed(&db, "g", &at("t", 0)), Some(3));
    assert_eq!(consumer.position(&at("t", 0)).unwrap(), Offset(4));
    assert_eq!(consumer.lag().unwrap()[&at("t", 0)], 96);
    assert_eq!(next(&consumer, &mut batch), 4, "it goes on where it was");
    consumer.close().unwrap();
    assert_eq!(committed(&db, "g", &at("t", 0)), Some(5));
}

#[test]
fn a_reader_that_failed_is_given_his_last_records_again() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 100);
    let reader = |group| {
        let consumer = db.consumer(options(Some(group))).unwrap();
        consumer.subscribe(&["t"]).unwrap();
        consumer
    };
    let iterates = reader("iterates");
    let mut batch = None;
    for _ in 0..4 {
        next(&iterates, &mut batch);
    }
    iterates.close_after_failure().unwrap();
    assert_eq!(committed(&db, "iterates", &at("t", 0)), Some(3));
    let polls = reader("polls");
    polls.poll(Some(5), NOW).unwrap();
    polls.poll(Some(5), NOW).unwrap();
    polls.close_after_failure().unwrap();
    assert_eq!(committed(&db, "polls", &at("t", 0)), Some(5));
    let commits = reader("commits");
    commits.poll(Some(5), NOW).unwrap();
    commits.commit(None).unwrap();
    commits.close_after_failure().unwrap();
    assert_eq!(committed(&db, "commits", &at("t", 0)), Some(5));
    let commits_some = reader("some");
    commits_some.poll(Some(5), NOW).unwrap();
    let some = [(at("t", 0), Offset(3))].into();
    commits_some.commit(Some(&some)).unwrap();
    commits_some.close_after_failure().unwrap();
    assert!(committed(&db, "some", &at("t", 0)) >= Some(3));
    let waits = reader("waits");
    for _ in 0..100 {
        next(&waits, &mut batch);
    }
    assert!(waits.next(NOW).unwrap().is_none());
    waits.close_after_failure().unwrap();
    assert_eq!(
        committed(&db, "waits", &at("t", 0)),
        Some(100),
        "who asks for more has dealt with what he had"
    );
}

#[test]
fn a_member_that_was_put_out_hears_it_once_and_closes_cleanly() {
    let (db, clock) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 10);
    let stalls = || {
        let consumer = db
            .consumer(ConsumerOptions {
                poll_interval_max: Duration::from_secs(60),
                ..options(Some("g"))
            })
            .unwrap();
        consumer.subscribe(&["t"]).unwrap();
        drain(&consumer, 10);
        clock.advance(Duration::from_secs(61));
        let started = std::time::Instant::now();
        while !db
            .engine()
            .groups()
            .describe("g")
            .unwrap()
            .members
            .is_empty()
        {
            assert!(started.elapsed() < WAIT);
            std::thread::yield_now();
        }
        consumer
    };
    for again in [true, false] {
        let consumer = stalls();
        let error = match again {
            true => poll(&consumer).unwrap_err(),
            false => consumer.commit(None).unwrap_err(),
        };
        assert_eq!(error.code(), Code::UnknownMemberId);
        assert!(error.message().contains("max.poll.interval.ms"), "{error}");
        drain(&consumer, 10);
        consumer.commit(None).unwrap();
        consumer.close().unwrap();
        db.engine().groups().delete("g").unwrap();
    }
    let unheard = stalls();
    unheard.close().unwrap();
    assert_eq!(committed(&db, "g", &at("t", 0)), None);
}

#[test]
fn a_reader_beside_the_members_cannot_commit_but_closes_cleanly() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 10);
    let member = db.consumer(options(Some("g"))).unwrap();
    member.subscribe(&["t"]).unwrap();
    drain(&member, 10);
    let beside = db.consumer(options(Some("g"))).unwrap();
    beside.assign(&[at("t", 0)]).unwrap();
    drain(&beside, 10);
    let error = beside.commit(None).unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("group g has members"), "{error}");
    beside.close().unwrap();
}

#[test]
fn who_has_not_joined_yet_commits_for_a_group_without_members() {
    let (db, _) = world();
    topic(&db, "t", 1);
    send(&db, &at("t", 0), 10);
    let consumer = db.consumer(by_hand("g")).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    consumer
        .commit(Some(&[(at("t", 0), Offset(4))].into()))
        .unwrap();
    assert_eq!(drain(&consumer, 6)[0], (at("t", 0), 4));
}

#[test]
fn a_group_without_a_name_is_refused() {
    let (db, _) = world();
    topic(&db, "t", 1);
    let commit = levada::embedded::OffsetCommit::new("t", 0, Offset(0));
    let error = db.engine().groups().reset("", vec![commit]).unwrap_err();
    assert_eq!(error.code(), Code::InvalidGroupId);
}
