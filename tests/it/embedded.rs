//! Producing and consuming in one process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use levada::embedded::{ConsumerOptions, Database, Message, ProducerOptions, Start};
use levada::engine::NewTopic;
use levada::types::TopicPartition;

const WAIT: Duration = Duration::from_secs(20);

fn reader(group: Option<&str>) -> ConsumerOptions {
    ConsumerOptions {
        group: group.map(str::to_owned),
        start: Start::Earliest,
        ..ConsumerOptions::default()
    }
}

fn send(db: &Database, topic: &str, values: impl Iterator<Item = String>) {
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for value in values {
        producer
            .send(
                topic,
                Message {
                    value: Some(value.as_bytes()),
                    ..Message::default()
                },
            )
            .unwrap();
    }
    producer.close(WAIT).unwrap();
}

fn drain(
    consumer: &levada::embedded::Consumer,
    count: usize,
) -> Vec<(TopicPartition, i64, Vec<u8>)> {
    let mut all = Vec::new();
    while all.len() < count {
        let batches = consumer.poll(None, WAIT).unwrap();
        assert!(!batches.is_empty(), "only {} of {count} came", all.len());
        for batch in batches {
            for record in batch.iter() {
                all.push((
                    batch.topic_partition().clone(),
                    record.offset.get(),
                    record.value.unwrap().to_vec(),
                ));
            }
        }
    }
    all
}

#[test]
fn what_was_sent_is_read_again_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let db = Database::open(&path).unwrap();
    db.engine()
        .create_topic(&NewTopic::new("orders", 4))
        .unwrap();
    send(&db, "orders", (0..10_000).map(|n| format!("value {n}")));
    db.close().unwrap();
    drop(db);
    let db = Database::open(&path).unwrap();
    assert!(db.engine().recovery().clean);
    let consumer = db.consumer(reader(None)).unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    let mut got: Vec<Vec<u8>> = drain(&consumer, 10_000)
        .into_iter()
        .map(|(_, _, v)| v)
        .collect();
    got.sort();
    let mut expected: Vec<Vec<u8>> = (0..10_000)
        .map(|n| format!("value {n}").into_bytes())
        .collect();
    expected.sort();
    assert_eq!(got, expected);
    consumer.close().unwrap();
    db.close().unwrap();
}

#[test]
fn a_group_shares_partitions_and_goes_on_where_it_stopped() {
    let db = Database::open(":memory:").unwrap();
    db.engine()
        .create_topic(&NewTopic::new("events", 4))
        .unwrap();
    send(&db, "events", (0..1000).map(|n| n.to_string()));
    let one = db.consumer(reader(Some("g"))).unwrap();
    one.subscribe(&["events"]).unwrap();
    assert_eq!(drain(&one, 1000).len(), 1000);
    assert_eq!(one.assignment().unwrap().len(), 4);
    one.commit(None).unwrap();
    let two = db.consumer(reader(Some("g"))).unwrap();
    two.subscribe(&["events"]).unwrap();
    // Two joins; one must give up half before two can have it.
    for _ in 0..50 {
        assert!(
            two.poll(None, Duration::from_millis(20))
                .unwrap()
                .is_empty()
        );
        assert!(
            one.poll(None, Duration::from_millis(20))
                .unwrap()
                .is_empty()
        );
        if two.assignment().unwrap().len() == 2 {
            break;
        }
    }
    assert_eq!(
        (
            one.assignment().unwrap().len(),
            two.assignment().unwrap().len()
        ),
        (2, 2)
    );
    one.close().unwrap();
    for _ in 0..50 {
        two.poll(None, Duration::from_millis(20)).unwrap();
        if two.assignment().unwrap().len() == 4 {
            break;
        }
    }
    assert_eq!(two.assignment().unwrap().len(), 4);
    two.close().unwrap();
    db.close().unwrap();
}

#[test]
fn what_is_left_with_a_producer_is_told_also_when_it_ends() {
    let db = Database::open(":memory:").unwrap();
    db.engine().create_topic(&NewTopic::new("t", 1)).unwrap();
    let options = ProducerOptions {
        linger: WAIT,
        ..ProducerOptions::default()
    };
    let producer = db.producer(options).unwrap();
    let told = std::sync::Arc::new(AtomicUsize::new(0));
    let tell = || -> levada::embedded::OnDelivered {
        let told = told.clone();
        Box::new(move || {
            told.fetch_add(1, Ordering::SeqCst);
        })
    };
    let sent = producer.send("t", Message::default()).unwrap();
    assert!(!sent.is_done());
    producer.on_flushed(tell()).unwrap();
    sent.wait(WAIT).unwrap();
    producer.on_room(None, tell());
    producer.close(WAIT).unwrap();
    producer.on_room(None, tell());
    assert_eq!(told.load(Ordering::SeqCst), 3);
    producer.on_flushed(tell()).unwrap_err();
    producer.take_failure().unwrap();
}

#[test]
fn a_poll_without_news_has_nothing_to_do_but_to_read() {
    let db = Database::open(":memory:").unwrap();
    db.engine().create_topic(&NewTopic::new("t", 1)).unwrap();
    for group in [None, Some("g")] {
        let consumer = db.consumer(reader(group)).unwrap();
        consumer.subscribe(&["t"]).unwrap();
        assert!(consumer.has_news().unwrap());
        // A heartbeat of the keeper's may be under way, which counts as news.
        let looks = (0..1000).find(|_| {
            consumer.keep_up().unwrap();
            !consumer.has_news().unwrap()
        });
        assert!(looks.is_some());
        assert!(!consumer.assignment().unwrap().is_empty());
        db.engine()
            .add_partitions("t", 2 + group.iter().len() as i32)
            .unwrap();
        assert!(consumer.has_news().unwrap());
        consumer.close().unwrap();
    }
}
