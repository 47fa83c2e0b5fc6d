//! Many partitions, a disk that is full now and then, and closing with work to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use levada::disk::{Disk, Fault, Faults, FaultyDisk};
use levada::embedded::{Acks, ConsumerOptions, Database, Message, ProducerOptions, Start};
use levada::engine::{EngineBuilder, Job, NewTopic};
use levada::types::{Offset, TopicPartition};

const WAIT: Duration = Duration::from_secs(20);

fn topic(db: &Database, name: &str, partitions: i32) {
    let new = NewTopic::new(name, partitions);
    db.engine().create_topic(&new).unwrap();
}

fn text(value: &[u8]) -> Message<'_> {
    Message {
        value: Some(value),
        ..Message::default()
    }
}

fn count(dir: &str) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

/// The threads of this process whose name says that they are the engine's own; tests run in others.
fn engine_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap();
    let named = names.filter_map(|e| std::fs::read_to_string(e.ok()?.path().join("comm")).ok());
    named.filter(|name| name.starts_with("levada-")).count()
}

#[test]
fn ten_thousand_idle_partitions_cost_no_thread_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(dir.path()).unwrap();
    // Other tests run beside this one: what they open is far less than a partition each.
    let (files, threads) = (count("/proc/self/fd"), engine_threads());
    topic(&db, "many", 10_000);
    let handles = db.engine().topic("many").unwrap();
    assert_eq!(handles.partitions().len(), 10_000);
    for handle in handles.partitions().iter().step_by(100) {
        assert_eq!(handle.visible(), Offset(0));
    }
    let producer = db.producer(ProducerOptions::default()).unwrap();
    let message = Message {
        partition: Some(9_999),
        ..text(b"last")
    };
    producer.send("many", message).unwrap().wait(WAIT).unwrap();
    for job in Job::ALL {
        db.engine().run_job(job).unwrap();
    }
    assert!(count("/proc/self/fd") < files + 1000);
    assert!(engine_threads() < threads + 1000);
    producer.close(WAIT).unwrap();
    db.close().unwrap();
    let started = Instant::now();
    let db = Database::open(dir.path()).unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "opening took {took:?}");
    assert_eq!(
        db.engine().topic("many").unwrap().partitions().len(),
        10_000
    );
    let last = db.engine().partition("many", 9_999).unwrap();
    assert_eq!(last.ends().unwrap().visible, Offset(1));
    db.close().unwrap();
}

#[test]
fn a_thousand_partitions_take_records_round_robin() {
    let db = Database::open(":memory:").unwrap();
    topic(&db, "wide", 1000);
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for n in 0..5000 {
        let value = n.to_string();
        let message = Message {
            partition: Some(n % 1000),
            ..text(value.as_bytes())
        };
        producer.send("wide", message).unwrap();
    }
    producer.flush(WAIT).unwrap();
    for handle in db.engine().topic("wide").unwrap().partitions() {
        assert_eq!(
            handle.ends().unwrap().visible,
            Offset(5),
            "{}",
            handle.name()
        );
    }
    producer.close(WAIT).unwrap();
    db.close().unwrap();
}

fn on(disk: &Arc<FaultyDisk>) -> Database {
    let disk: Arc<dyn Disk> = disk.clone();
    let builder = EngineBuilder::new("/data").disk(disk).background(false);
    Database::from_builder(builder, true).unwrap()
}

fn values(db: &Database) -> Vec<String> {
    let name = TopicPartition::new("t", 0);
    let options = ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).unwrap();
    consumer.assign(std::slice::from_ref(&name)).unwrap();
    let end = consumer.bounds(&name).unwrap().1;
    let mut all = Vec::new();
    while consumer.position(&name).unwrap() < end {
        for batch in consumer.poll(None, Duration::ZERO).unwrap() {
            let text = |v: Option<&[u8]>| String::from_utf8(v.unwrap().to_vec()).unwrap();
            all.extend(batch.iter().map(|r| text(r.value)));
        }
    }
    all
}

#[test]
fn an_idempotent_producer_outlives_failures_without_gap_or_duplicate() {
    for seed in 0..30 {
        let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(seed)));
        let db = on(&disk);
        topic(&db, "t", 1);
        let producer = db.producer(ProducerOptions::default()).unwrap();
        let mut delivered = Vec::new();
        for n in 0..60u64 {
            // Now and then there is no room, for some of the next records.
            if (n + seed) % 7 == 0 {
                disk.set_capacity(Some(disk.used_bytes() + (n * 13 + seed) % 90));
            }
            if (n + seed) % 7 == 3 {
                disk.set_capacity(None);
            }
            let value = format!("value {n}");
            let sent = producer.send("t", text(value.as_bytes())).unwrap();
            let _ = producer.flush(WAIT);
            match sent.wait(WAIT) {
                Ok(_) => delivered.push(value),
                Err(error) => assert!(error.is_disk_full(), "seed {seed}: {error:?}"),
            }
        }
        assert!(delivered.len() >= 20, "seed {seed}");
        assert_eq!(values(&db), delivered, "seed {seed}");
        disk.set_capacity(None);
        drop(producer);
        db.close().unwrap();
        drop(db);
        let crashed = Arc::new(disk.crash_losing_unsynced());
        assert_eq!(values(&on(&crashed)), delivered, "seed {seed}");
    }
}

#[test]
fn close_ends_soon_with_work_to_do_and_says_what_was_not_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(dir.path()).unwrap();
    topic(&db, "t", 20);
    let options = ProducerOptions {
        linger: Duration::from_secs(3600),
        ..ProducerOptions::default()
    };
    let producer = db.producer(options).unwrap();
    let waiting = producer.send("t", text(b"waits for more")).unwrap();
    let consumer = Arc::new(
        db.consumer(ConsumerOptions {
            group: Some("g".into()),
            ..ConsumerOptions::default()
        })
        .unwrap(),
    );
    consumer.subscribe(&["t"]).unwrap();
    let poller = {
        let consumer = consumer.clone();
        // The look below may be just then at it: it is one thread's at a time.
        std::thread::spawn(move || {
            loop {
                match consumer.poll(None, Duration::from_secs(3600)) {
                    Err(e) if e.kind() == levada::Kind::Conflict => {}
                    outcome => return outcome,
                }
            }
        })
    };
    let started = Instant::now();
    while !matches!(consumer.assignment(), Err(e) if e.kind() == levada::Kind::Conflict) {
        assert!(started.elapsed() < WAIT);
        std::thread::yield_now();
    }
    let started = Instant::now();
    db.close().unwrap();
    let error = poller.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), levada::Kind::Closed, "{error:?}");
    let error = producer.close(WAIT).unwrap_err();
    assert_eq!(error.kind(), levada::Kind::Closed, "{error:?}");
    assert_eq!(waiting.wait(WAIT).unwrap_err().kind(), levada::Kind::Closed);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "closing took {took:?}");
}

#[test]
fn a_disk_that_is_gone_fails_every_waiter_and_close_ends() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(9)));
    let db = on(&disk);
    topic(&db, "t", 1);
    let producer = db.producer(ProducerOptions::default()).unwrap();
    producer
        .send("t", text(b"kept"))
        .unwrap()
        .wait(WAIT)
        .unwrap();
    disk.fail_from(1, Fault::Io);
    let error = producer
        .send("t", text(b"lost"))
        .unwrap()
        .wait(WAIT)
        .unwrap_err();
    assert!(error.message().contains("t-0"), "{error}");
    let careless = db
        .producer(ProducerOptions {
            acks: Acks::Leader,
            idempotent: false,
            ..ProducerOptions::default()
        })
        .unwrap();
    careless
        .send("t", text(b"lost"))
        .unwrap()
        .wait(WAIT)
        .unwrap_err();
    db.close().unwrap_err();
    disk.heal();
    drop((producer, careless, db));
    assert_eq!(values(&on(&disk)), ["kept"]);
}

#[test]
fn a_topic_made_again_does_not_start_where_the_other_did() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::default()));
    let db = on(&disk);
    let send = |count: usize| {
        let producer = db.producer(ProducerOptions::default()).unwrap();
        for n in 0..count {
            producer.send("t", text(n.to_string().as_bytes())).unwrap();
        }
        producer.close(WAIT).unwrap();
    };
    topic(&db, "t", 1);
    send(100);
    let handle = db.engine().partition("t", 0).unwrap();
    handle.delete_records(Offset(100)).unwrap();
    db.engine().run_job(Job::Checkpoint).unwrap();
    db.engine().delete_topic("t").unwrap();
    topic(&db, "t", 1);
    send(10);
    // The power goes before anything else is noted.
    let after = Arc::new(disk.crash_losing_unsynced());
    assert_eq!(values(&on(&after)).len(), 10);
}
