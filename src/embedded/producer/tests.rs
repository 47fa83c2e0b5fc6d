//! What the producer promises, over an engine in memory.

use std::collections::HashMap;
use std::time::Duration;

use super::{Message, ProducerOptions};
use crate::codec::compression::Compression;
use crate::embedded::{ConsumerOptions, Database, MEMORY, Start};
use crate::engine::{ConfigOp, NewTopic};
use crate::error::Code;

const WAIT: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(60);

fn database(partitions: i32, config: &[(&str, &str)]) -> Database {
    let db = Database::open(MEMORY).unwrap();
    let mut topic = NewTopic::new("t", partitions);
    topic.config = config
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    db.engine().create_topic(&topic).unwrap();
    db
}

fn value(value: &[u8]) -> Message<'_> {
    Message {
        value: Some(value),
        ..Message::default()
    }
}

/// Bytes that no codec makes smaller.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn read(db: &Database, count: usize) -> Vec<Vec<u8>> {
    let consumer = db.consumer(ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    });
    let consumer = consumer.unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let mut all = Vec::new();
    while all.len() < count {
        let batches = consumer.poll(None, WAIT).unwrap();
        assert!(!batches.is_empty(), "only {} of {count} came", all.len());
        for batch in batches {
            all.extend(batch.iter().map(|r| r.value.unwrap().to_vec()));
        }
    }
    all
}

#[test]
fn a_batch_that_a_codec_makes_larger_is_sent() {
    for compression in [Compression::Snappy, Compression::Gzip, Compression::Lz4] {
        let db = database(1, &[]);
        let producer = db.producer(ProducerOptions {
            compression,
            batch_bytes: 1 << 20,
            linger: LONG,
            ..ProducerOptions::default()
        });
        let producer = producer.unwrap();
        let values: Vec<Vec<u8>> = (0..1500).map(|n| noise(1000, n * 7919 + 1)).collect();
        for bytes in &values {
            producer.send("t", value(bytes)).unwrap();
        }
        producer.close(WAIT).unwrap();
        assert_eq!(read(&db, values.len()), values, "{compression}");
    }
}

#[test]
fn a_record_that_just_fits_alone_is_taken() {
    // 61 of the header, 3 + 3 of lengths, 3 of attributes and deltas, 1 + 1 of no key and no headers.
    let db = database(1, &[("max.message.bytes", "20000")]);
    let producer = db.producer(ProducerOptions::default()).unwrap();
    let fits = noise(20_000 - 61 - 3 - 3 - 3 - 2, 5);
    producer
        .send("t", value(&fits))
        .unwrap()
        .wait(WAIT)
        .unwrap();
    let larger = noise(fits.len() + 1, 5);
    let error = producer.send("t", value(&larger)).unwrap_err();
    assert_eq!(error.code(), Code::MessageTooLarge);
}

#[test]
fn a_batch_above_a_lowered_limit_is_split_and_only_what_is_too_large_alone_is_refused() {
    let db = database(1, &[]);
    let producer = db.producer(ProducerOptions {
        batch_bytes: 1 << 20,
        linger: LONG,
        ..ProducerOptions::default()
    });
    let producer = producer.unwrap();
    let sizes = [300, 300, 2000, 300, 300, 300, 300];
    let values: Vec<Vec<u8>> = sizes.iter().map(|s| noise(*s, *s as u64)).collect();
    let sent: Vec<_> = values
        .iter()
        .map(|v| producer.send("t", value(v)).unwrap())
        .collect();
    let lower = [("max.message.bytes".to_owned(), ConfigOp::Set("800".into()))];
    db.engine().alter_topic("t", &lower).unwrap();
    let told = producer.flush(WAIT).unwrap_err();
    assert_eq!(told.code(), Code::MessageTooLarge);
    let offsets: Vec<_> = sent
        .iter()
        .map(|d| d.wait(WAIT).map(|m| m.offset.get()).map_err(|e| e.code()))
        .collect();
    let too_large = Err(Code::MessageTooLarge);
    let expected = [Ok(0), Ok(1), too_large, Ok(2), Ok(3), Ok(4), Ok(5)];
    assert_eq!(offsets, expected);
    let arrived: Vec<_> = values.into_iter().filter(|v| v.len() < 1000).collect();
    assert_eq!(read(&db, 6), arrived);
    // Sequences go on where they stopped.
    let next = producer.send("t", value(b"x")).unwrap();
    producer.flush(WAIT).unwrap();
    assert_eq!(next.wait(WAIT).unwrap().offset.get(), 6);
}

#[test]
fn keyless_records_reach_every_partition_also_one_at_a_time() {
    let db = database(4, &[]);
    let producer = db.producer(ProducerOptions {
        batch_bytes: 1000,
        linger: Duration::ZERO,
        ..ProducerOptions::default()
    });
    let producer = producer.unwrap();
    let mut counts: HashMap<i32, usize> = HashMap::new();
    for _ in 0..1000 {
        let delivery = producer.send("t", value(&[7; 400])).unwrap();
        let place = delivery.wait(WAIT).unwrap();
        *counts.entry(place.topic_partition.partition).or_default() += 1;
    }
    assert_eq!(counts.len(), 4, "{counts:?}");
    assert!(counts.values().all(|c| *c > 120), "{counts:?}");
}

#[test]
fn a_bulk_of_interleaved_keys_has_one_entry_a_batch() {
    let db = database(4, &[]);
    let producer = db.producer(ProducerOptions {
        batch_bytes: 1 << 20,
        linger: LONG,
        ..ProducerOptions::default()
    });
    let producer = producer.unwrap();
    let keys: Vec<[u8; 8]> = (0..5000_u64).map(u64::to_be_bytes).collect();
    let messages = keys.iter().map(|key| Message {
        key: Some(key),
        ..Message::default()
    });
    let bulk = producer.send_all("t", messages).unwrap();
    producer.flush(WAIT).unwrap();
    let places = bulk.wait(WAIT).unwrap();
    assert_eq!((bulk.len(), places.len()), (5000, 4));
    let last: i64 = places.iter().map(|m| m.offset.get() + 1).sum();
    assert_eq!(last, 5000);
}

#[test]
fn what_is_sent_while_the_producer_closes_is_refused_or_delivered() {
    for _ in 0..50 {
        let db = database(1, &[]);
        let producer = db.producer(ProducerOptions {
            linger: LONG,
            ..ProducerOptions::default()
        });
        let producer = producer.unwrap();
        let sent = std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let mut sent = Vec::new();
                while let Ok(delivery) = producer.send("t", value(b"x")) {
                    sent.push(delivery);
                }
                sent
            });
            producer.close(WAIT).unwrap();
            sender.join().unwrap()
        });
        assert!(sent.iter().all(|d| d.wait(WAIT).is_ok()));
    }
}

/// Batches are completed by the flusher and, when they are durable at once, by whoever sends.
#[test]
fn callbacks_of_a_partition_are_called_in_the_order_of_its_records() {
    use std::sync::{Arc, Mutex};
    let db = database(1, &[]);
    let producer = db.producer(ProducerOptions {
        linger: Duration::ZERO,
        ..ProducerOptions::default()
    });
    let producer = producer.unwrap();
    let called = Arc::new(Mutex::new(Vec::new()));
    let count = 20_000;
    for n in 0..count {
        let delivery = producer.send("t", value(b"x")).unwrap();
        let called = called.clone();
        delivery.on_done(Box::new(move || called.lock().unwrap().push(n)));
    }
    producer.close(LONG).unwrap();
    // An outcome is known a moment before the callbacks are called.
    let until = std::time::Instant::now() + LONG;
    while called.lock().unwrap().len() < count && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    let called = called.lock().unwrap();
    assert_eq!(called.len(), count);
    assert!(
        called.is_sorted(),
        "first out of order: {:?}",
        called.windows(2).find(|w| w[0] > w[1])
    );
}
