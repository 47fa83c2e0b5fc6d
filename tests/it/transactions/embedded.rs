//! The producer in process: transactions from topic to topic.

use std::sync::Arc;
use std::time::Duration;

use levada::Kind;
use levada::clock::ManualClock;
use levada::disk::FaultyDisk;
use levada::embedded::{
    Consumer, ConsumerOptions, Database, GroupMetadata, Message, OffsetCommit, Producer,
    ProducerOptions, Start,
};
use levada::engine::EngineBuilder;
use levada::error::Code;
use levada::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

use super::stuck::Stuck;
use super::support::{WAIT, at, committed, is_stable, topic};

fn memory() -> Database {
    let db = Database::open(":memory:").unwrap();
    topic(&db, "a", 3);
    topic(&db, "b", 1);
    db
}

fn options(id: &str) -> ProducerOptions {
    ProducerOptions {
        transactional_id: Some(id.to_owned()),
        ..ProducerOptions::default()
    }
}

fn value(text: &str) -> Message<'_> {
    Message {
        value: Some(text.as_bytes()),
        ..Message::default()
    }
}

fn to(text: &str, partition: i32) -> Message<'_> {
    Message {
        partition: Some(partition),
        ..value(text)
    }
}

fn all(db: &Database) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["a-0", "a-1", "a-2", "b-0"] {
        assert!(is_stable(db, name), "{name}");
        found.extend(committed(db, name));
    }
    found.sort();
    found
}

fn put(producer: &Producer, text: &str) {
    for partition in 0..3 {
        producer.send("a", to(text, partition)).unwrap();
    }
    producer.send("b", value(text)).unwrap();
}

#[test]
fn all_of_a_transaction_is_read_or_nothing() {
    let db = memory();
    let producer = db.producer(options("tx")).unwrap();
    assert!(producer.is_transactional());
    for (round, commit) in [true, false, true, true, false].into_iter().enumerate() {
        producer.begin().unwrap();
        assert!(producer.in_transaction());
        put(&producer, &round.to_string());
        if round % 2 == 1 {
            producer.flush(WAIT).unwrap();
        }
        put(&producer, &round.to_string());
        match commit {
            true => producer.commit(WAIT).unwrap(),
            false => producer.abort(WAIT).unwrap(),
        }
        assert!(!producer.in_transaction());
    }
    producer.until_visible(WAIT);
    let mut expected: Vec<String> = Vec::new();
    for round in ["0", "2", "3"] {
        expected.extend(std::iter::repeat_n(round.to_owned(), 8));
    }
    assert_eq!(all(&db), expected);
}

#[test]
fn nothing_is_sent_outside_of_a_transaction() {
    let db = memory();
    let plain = db.producer(ProducerOptions::default()).unwrap();
    assert_eq!(plain.begin().unwrap_err().kind(), Kind::Invalid);
    let producer = db.producer(options("tx")).unwrap();
    let refused = producer.send("b", value("x")).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.code()),
        (Kind::Conflict, Code::InvalidTxnState)
    );
    for outcome in [producer.commit(WAIT), producer.abort(WAIT)] {
        assert_eq!(outcome.unwrap_err().kind(), Kind::Conflict);
    }
    producer.begin().unwrap();
    assert_eq!(producer.begin().unwrap_err().kind(), Kind::Conflict);
    // Nothing in it: nothing to end.
    producer.commit(WAIT).unwrap();
    producer.begin().unwrap();
    producer.abort(WAIT).unwrap();
    let unheard = ProducerOptions {
        idempotent: false,
        ..options("tx")
    };
    assert_eq!(db.producer(unheard).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn a_newer_producer_of_the_id_fences_the_older_one() {
    let db = memory();
    let old = db.producer(options("tx")).unwrap();
    old.begin().unwrap();
    put(&old, "old");
    old.flush(WAIT).unwrap();
    let new = db.producer(options("tx")).unwrap();
    assert!(all(&db).is_empty());
    put(&old, "late");
    let fenced = old.commit(WAIT).unwrap_err();
    assert_eq!(fenced.kind(), Kind::Fenced, "{fenced}");
    for outcome in [old.begin(), old.abort(WAIT), old.commit(WAIT)] {
        assert_eq!(outcome.unwrap_err().kind(), Kind::Fenced);
    }
    let refused = old.send("b", value("x")).unwrap_err();
    assert_eq!(refused.kind(), Kind::Fenced);
    new.begin().unwrap();
    put(&new, "new");
    new.commit(WAIT).unwrap();
    let _ = old.close(WAIT);
    assert_eq!(all(&db), ["new"; 4]);
}

/// The sender's thread asked for a transaction that had ended meanwhile, and was told that a newer
/// producer had taken its place.
#[test]
fn many_short_transactions_do_not_fence_themselves() {
    let db = memory();
    let eager = ProducerOptions {
        linger: Duration::ZERO,
        ..options("tx")
    };
    let producer = db.producer(eager).unwrap();
    for round in 0..400 {
        producer.begin().unwrap();
        put(&producer, "x");
        let ended = match round % 3 {
            0 => producer.abort(WAIT),
            _ => producer.commit(WAIT),
        };
        ended.unwrap_or_else(|e| panic!("round {round}: {e}"));
    }
}

#[test]
fn what_an_abort_finds_in_the_buffer_is_not_written() {
    let db = memory();
    let slow = ProducerOptions {
        linger: Duration::from_secs(60),
        ..options("tx")
    };
    let producer = db.producer(slow).unwrap();
    producer.begin().unwrap();
    let delivery = producer.send("b", value("x")).unwrap();
    producer.abort(WAIT).unwrap();
    let lost = delivery.wait(WAIT).unwrap_err();
    assert_eq!(lost.kind(), Kind::Conflict);
    assert_eq!(producer.buffered_bytes(), 0);
    let ends = db.engine().partition("b", 0).unwrap().ends().unwrap();
    assert_eq!(ends.appended, Offset::ZERO);
    // Nobody is told of it again.
    producer.begin().unwrap();
    producer.send("b", value("y")).unwrap();
    producer.commit(WAIT).unwrap();
    assert_eq!(committed(&db, "b-0"), ["y"]);
}

#[test]
fn a_record_that_could_not_be_written_keeps_the_transaction_from_committing() {
    let db = memory();
    topic(&db, "gone", 1);
    let producer = db.producer(options("tx")).unwrap();
    producer.begin().unwrap();
    producer.send("b", value("x")).unwrap();
    let lost = producer.send("gone", value("y")).unwrap();
    db.engine().delete_topic("gone").unwrap();
    assert!(producer.flush(WAIT).is_err());
    assert!(lost.wait(WAIT).is_err());
    // Also when somebody has looked at it.
    let error = producer.commit(WAIT).unwrap_err();
    assert!(error.message().contains("abort it"), "{error}");
    assert!(producer.in_transaction());
    producer.abort(WAIT).unwrap();
    producer.until_visible(WAIT);
    assert!(committed(&db, "b-0").is_empty());
}

#[test]
fn a_producer_that_is_closed_or_dropped_aborts_what_is_open() {
    let db = memory();
    for close in [true, false] {
        let producer = db.producer(options("tx")).unwrap();
        producer.begin().unwrap();
        put(&producer, "open");
        producer.flush(WAIT).unwrap();
        if close {
            producer.close(WAIT).unwrap();
        }
        drop(producer);
        db.engine()
            .transactions()
            .wait_complete("tx", WAIT)
            .unwrap();
        assert!(all(&db).is_empty());
    }
}

#[test]
fn a_transaction_that_is_open_too_long_is_aborted_and_says_so() {
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    let builder = EngineBuilder::new("/data")
        .disk(Arc::new(FaultyDisk::new()))
        .clock(clock.clone())
        .background(false);
    let db = Database::from_builder(builder, true).unwrap();
    topic(&db, "b", 1);
    let producer = db.producer(options("tx")).unwrap();
    producer.begin().unwrap();
    producer.send("b", value("x")).unwrap();
    producer.flush(WAIT).unwrap();
    clock.advance(Duration::from_secs(60));
    db.engine().transactions().tick().unwrap();
    let fenced = producer.commit(WAIT).unwrap_err();
    assert_eq!(fenced.kind(), Kind::Fenced);
    assert!(fenced.message().contains("transaction.timeout.ms"));
    db.engine()
        .transactions()
        .wait_complete("tx", WAIT)
        .unwrap();
    assert!(is_stable(&db, "b-0") && committed(&db, "b-0").is_empty());
    drop(producer);
    let again = db.producer(options("tx")).unwrap();
    again.begin().unwrap();
    again.send("b", value("y")).unwrap();
    again.commit(WAIT).unwrap();
    assert_eq!(committed(&db, "b-0"), ["y"]);
}

fn reader_options() -> ConsumerOptions {
    ConsumerOptions {
        group: Some("copy".to_owned()),
        start: Start::Earliest,
        auto_commit: false,
        isolation: IsolationLevel::ReadCommitted,
        ..ConsumerOptions::default()
    }
}

fn reader(db: &Database) -> Consumer {
    let consumer = db.consumer(reader_options()).unwrap();
    consumer.subscribe(&["a"]).unwrap();
    consumer
}

/// From topic to topic, with lives that end in the middle: each record once.
#[test]
fn records_and_offsets_move_together() {
    let db = memory();
    let source = db.producer(ProducerOptions::default()).unwrap();
    for n in 0..200 {
        let text = n.to_string();
        source.send("a", to(&text, n % 3)).unwrap();
    }
    source.close(WAIT).unwrap();
    for life in 0..12 {
        let (consumer, producer) = (reader(&db), db.producer(options("copy")).unwrap());
        for step in 0..3 {
            producer.begin().unwrap();
            let polled = consumer.poll(Some(7), Duration::from_millis(500)).unwrap();
            for batch in &polled {
                for record in batch.iter() {
                    let text = std::str::from_utf8(record.value.unwrap()).unwrap();
                    producer.send("b", value(text)).unwrap();
                }
            }
            producer.send_positions(&consumer).unwrap();
            if (life + step) % 4 == 3 {
                // It goes away before it commits.
                producer.flush(WAIT).unwrap();
                break;
            }
            producer.commit(WAIT).unwrap();
        }
        drop(producer);
        consumer.close().unwrap();
    }
    let (consumer, producer) = (reader(&db), db.producer(options("copy")).unwrap());
    loop {
        producer.begin().unwrap();
        let polled = consumer.poll(None, Duration::from_millis(500)).unwrap();
        if polled.is_empty() {
            break;
        }
        for record in polled.iter().flat_map(|batch| batch.iter()) {
            let text = std::str::from_utf8(record.value.unwrap()).unwrap();
            producer.send("b", value(text)).unwrap();
        }
        producer.send_positions(&consumer).unwrap();
        producer.commit(WAIT).unwrap();
    }
    producer.abort(WAIT).unwrap();
    let mut found: Vec<i32> = committed(&db, "b-0")
        .iter()
        .map(|v| v.parse().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..200).collect::<Vec<_>>());
}

#[test]
fn a_reader_waits_for_offsets_that_an_open_transaction_may_change() {
    for commit in [true, false] {
        let db = memory();
        let source = db.producer(ProducerOptions::default()).unwrap();
        for n in 0..10 {
            source.send("a", to(&n.to_string(), 0)).unwrap();
        }
        source.close(WAIT).unwrap();
        let producer = db.producer(options("tx")).unwrap();
        producer.begin().unwrap();
        let nobody = GroupMetadata {
            group: "copy".into(),
            member: "".into(),
            instance_id: None,
            epoch: -1,
        };
        let offsets = vec![OffsetCommit::new("a", 0, Offset(6))];
        producer.send_offsets(&nobody, offsets).unwrap();
        let consumer = reader(&db);
        let nothing = consumer.poll(None, Duration::from_millis(100)).unwrap();
        assert!(nothing.is_empty());
        let unknown = consumer.position(&at("a-0")).unwrap_err();
        assert!(unknown.is_retriable(), "{unknown}");
        let end = std::thread::spawn(move || match commit {
            true => producer.commit(WAIT),
            false => producer.abort(WAIT),
        });
        let polled = consumer.poll(None, WAIT).unwrap();
        end.join().unwrap().unwrap();
        let first = polled[0].get(0).unwrap().offset;
        assert_eq!(first, if commit { Offset(6) } else { Offset(0) });
    }
}

#[test]
fn a_partition_that_waits_for_its_offset_does_not_hold_up_the_others() {
    let db = memory();
    let source = db.producer(ProducerOptions::default()).unwrap();
    for partition in 0..3 {
        source.send("a", to("x", partition)).unwrap();
    }
    source.close(WAIT).unwrap();
    let producer = db.producer(options("tx")).unwrap();
    producer.begin().unwrap();
    let nobody = GroupMetadata {
        group: "copy".into(),
        member: "".into(),
        instance_id: None,
        epoch: -1,
    };
    let offsets = vec![OffsetCommit::new("a", 0, Offset(1))];
    producer.send_offsets(&nobody, offsets).unwrap();
    // Waiting for enough to read asks each partition how much there is.
    let patient = ConsumerOptions {
        fetch_bytes_min: 1 << 20,
        fetch_wait_max: Duration::from_millis(50),
        ..reader_options()
    };
    let patient = db.consumer(patient).unwrap();
    let names = [at("a-0"), at("a-1"), at("a-2")];
    patient.assign(&names).unwrap();
    let hurried = reader(&db);
    for consumer in [&hurried, &patient] {
        let mut from = Vec::new();
        while from.len() < 2 {
            let polled = consumer.poll(None, WAIT).unwrap();
            assert!(!polled.is_empty());
            from.extend(polled.iter().map(|b| b.topic_partition().partition));
        }
        from.sort_unstable();
        assert_eq!(from, [1, 2]);
    }
    producer.abort(WAIT).unwrap();
    for consumer in [&hurried, &patient] {
        let polled = consumer.poll(None, WAIT).unwrap();
        assert_eq!(polled[0].topic_partition(), &names[0]);
    }
}

/// What was read of a topic that is gone says nothing of the one that has its name now.
#[test]
fn offsets_in_a_transaction_are_of_the_topic_that_was_read() {
    let db = memory();
    let source = db.producer(ProducerOptions::default()).unwrap();
    source.send("b", value("x")).unwrap();
    source.close(WAIT).unwrap();
    let consumer = db.consumer(reader_options()).unwrap();
    consumer.subscribe(&["b"]).unwrap();
    assert_eq!(consumer.poll(None, WAIT).unwrap().len(), 1);
    let offsets = vec![OffsetCommit::new("b", 0, Offset(1))];
    let (group, offsets) = consumer.group_offsets(Some(offsets)).unwrap();
    db.engine().delete_topic("b").unwrap();
    topic(&db, "b", 1);
    let producer = db.producer(options("tx")).unwrap();
    producer.begin().unwrap();
    let refused = producer.send_offsets(&group, offsets).unwrap_err();
    assert_eq!(refused.code(), Code::UnknownTopicId, "{refused}");
    producer.abort(WAIT).unwrap();
}

#[test]
fn offsets_are_taken_of_consumers_that_leave_them_to_the_transaction() {
    let db = memory();
    let producer = db.producer(options("tx")).unwrap();
    producer.begin().unwrap();
    let by_itself = ConsumerOptions {
        group: Some("g".to_owned()),
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(by_itself).unwrap();
    let refused = producer.send_positions(&consumer).unwrap_err();
    assert!(
        refused.message().contains("enable.auto.commit"),
        "{refused}"
    );
    let consumer = db.consumer(ConsumerOptions::default()).unwrap();
    let refused = producer.send_positions(&consumer).unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    let nobody = GroupMetadata {
        group: "g".into(),
        member: "".into(),
        instance_id: None,
        epoch: -1,
    };
    let offsets = |partition| vec![OffsetCommit::new("a", partition, Offset(4))];
    producer.send_offsets(&nobody, offsets(1)).unwrap();
    let missing = producer.send_offsets(&nobody, offsets(9)).unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    let stale = GroupMetadata {
        member: "gone".into(),
        epoch: 3,
        ..nobody
    };
    assert!(producer.send_offsets(&stale, offsets(1)).is_err());
    producer.commit(WAIT).unwrap();
    let groups = db.engine().groups();
    let told = groups.committed("g", &TopicPartition::new("a", 1)).unwrap();
    assert_eq!(told.unwrap().offset, Offset(4));
}

/// A commit that timed out may be asked for again; one that lost a record may not.
#[test]
fn a_delivery_that_timed_out_makes_the_transaction_abortable() {
    let disk = Stuck::new(Arc::new(FaultyDisk::new()), "b-0");
    let builder = EngineBuilder::new("/data").disk(disk.clone());
    let db = Database::from_builder(builder, true).unwrap();
    topic(&db, "b", 1);
    let producer = db.producer(ProducerOptions {
        delivery_timeout: Duration::from_millis(50),
        linger: Duration::from_millis(1),
        ..options("tx")
    });
    let producer = producer.unwrap();
    // Making the log syncs too.
    producer.begin().unwrap();
    producer.send("b", value("first")).unwrap();
    producer.commit(WAIT).unwrap();
    producer.begin().unwrap();
    disk.hold_syncs(true);
    let late = producer.send("b", value("lost")).unwrap();
    let failed = late.wait(WAIT).map(drop).unwrap_err();
    let refused = producer.commit(WAIT).unwrap_err();
    disk.hold_syncs(false);
    assert_eq!(failed.kind(), Kind::Timeout);
    assert_eq!(refused.code(), Code::TransactionAbortable, "{refused}");
    producer.abort(WAIT).unwrap();
    producer.begin().unwrap();
    let sent = producer.send("b", value("kept")).unwrap();
    producer.commit(WAIT).unwrap();
    sent.wait(WAIT).unwrap();
    assert_eq!(committed(&db, "b-0"), ["first", "kept"]);
}
