//! What lasts: topics in the page cache are looked after as well, and damage after a kill costs no more
//! than itself.

use std::path::Path;
use std::time::Duration;

use levada::embedded::{ConsumerOptions, Database, Message, ProducerOptions, Start};
use levada::engine::{Job, NewTopic};
use levada::types::{Offset, TopicPartition};

const RECORDS: usize = 2000;

fn topic(db: &Database, name: &str, config: &[(&str, &str)]) {
    let mut new = NewTopic::new(name, 1);
    let small = [("internal.segment.bytes", "16384")];
    let all = small.iter().chain(config);
    new.config = all.map(|(k, v)| ((*k).into(), (*v).into())).collect();
    db.engine().create_topic(&new).unwrap();
}

fn fill(db: &Database, topic: &str) {
    let options = ProducerOptions {
        batch_bytes: 1000,
        ..ProducerOptions::default()
    };
    let producer = db.producer(options).unwrap();
    for n in 0..RECORDS {
        let (key, value) = (format!("key {}", n % 20), format!("value {n:0>80}"));
        let message = Message {
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            ..Message::default()
        };
        producer.send(topic, message).unwrap();
        // A batch grows until it is taken: many small ones make many segments.
        if n % 40 == 39 {
            producer.flush(Duration::from_secs(30)).unwrap();
        }
    }
    producer.close(Duration::from_secs(30)).unwrap();
}

fn local_bytes(dir: &Path, topic: &str) -> u64 {
    let files = std::fs::read_dir(dir.join(format!("{topic}-0"))).unwrap();
    let logs = files
        .map(|f| f.unwrap())
        .filter(|f| f.path().extension().is_some_and(|e| e == "log"));
    logs.map(|f| f.metadata().unwrap().len()).sum()
}

#[test]
fn topics_in_the_page_cache_are_retained_compacted_and_archived() {
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path()).unwrap();
    let cache = ("levada.durability", "cache");
    topic(&db, "kept", &[cache, ("retention.bytes", "30000")]);
    topic(
        &db,
        "latest",
        &[
            cache,
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.01"),
        ],
    );
    topic(&db, "moved", &[cache, ("levada.archive.after.ms", "0")]);
    for name in ["kept", "latest", "moved"] {
        fill(&db, name);
        assert!(local_bytes(root.path(), name) > 150_000);
    }
    for job in [Job::Roll, Job::Retain, Job::Compact, Job::Archive] {
        db.engine().run_job(job).unwrap();
    }
    for name in ["kept", "latest", "moved"] {
        let left = local_bytes(root.path(), name);
        assert!(left < 60_000, "{name} still takes {left} bytes");
    }
    let log = db.engine().partition("moved", 0).unwrap().log().unwrap();
    assert!(log.ends().durable > Offset::ZERO);
}

#[test]
fn segments_of_a_topic_in_the_page_cache_are_synced_as_they_are_sealed() {
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path()).unwrap();
    topic(&db, "t", &[("levada.durability", "cache")]);
    fill(&db, "t");
    let log = db.engine().partition("t", 0).unwrap().log().unwrap();
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    while log.ends().durable == Offset::ZERO {
        assert!(std::time::Instant::now() < limit, "nothing was synced");
        std::thread::yield_now();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// Offsets that can be read, seeking past damage.
fn readable(db: &Database, topic: &str) -> usize {
    let name = TopicPartition::new(topic, 0);
    let options = ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).unwrap();
    consumer.assign(std::slice::from_ref(&name)).unwrap();
    let end = consumer.bounds(&name).unwrap().1;
    let mut count = 0;
    while consumer.position(&name).unwrap() < end {
        match consumer.poll(Some(1000), Duration::ZERO) {
            Ok(polled) => count += polled.iter().map(|b| b.iter().count()).sum::<usize>(),
            Err(error) => {
                assert_eq!(error.kind(), levada::Kind::Corrupt, "{error}");
                let at = consumer.position(&name).unwrap();
                consumer.seek(&name, at.next()).unwrap();
            }
        }
    }
    count
}

#[test]
fn a_flipped_bit_after_a_kill_costs_no_more_than_its_batch() {
    for checkpointed in [true, false] {
        let root = tempfile::tempdir().unwrap();
        let (dir, left) = (root.path().join("data"), root.path().join("left"));
        let db = Database::open(&dir).unwrap();
        topic(&db, "t", &[]);
        fill(&db, "t");
        if checkpointed {
            db.engine().run_job(Job::Checkpoint).unwrap();
            let points =
                std::fs::read_to_string(dir.join("recovery-point-offset-checkpoint")).unwrap();
            assert!(points.contains(&format!("t 0 {RECORDS}")), "{points}");
        }
        // What the process leaves when it is killed now.
        copy(&dir, &left);
        db.close().unwrap();
        let mut logs: Vec<_> = std::fs::read_dir(left.join("t-0"))
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        logs.retain(|path| path.extension().is_some_and(|e| e == "log"));
        logs.sort();
        let mut bytes = std::fs::read(&logs[2]).unwrap();
        bytes[5000] ^= 4;
        std::fs::write(&logs[2], bytes).unwrap();
        let db = Database::open(&left).unwrap();
        let count = readable(&db, "t");
        assert!(
            count < RECORDS && count > RECORDS - 100,
            "{count} of {RECORDS} are left"
        );
    }
}
