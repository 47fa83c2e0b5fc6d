//! Segments that become Parquet: consumers and scans see the same records as before.

use std::sync::Arc;
use std::time::Duration;

use levada::clock::{Clock, ManualClock};
use levada::disk::{Disk, FaultyDisk};
use levada::embedded::{
    Bound, ConsumerOptions, Database, Message, ProducerOptions, ScanOptions, Start,
};
use levada::engine::{EngineBuilder, Job, MoveOut, NewTopic};
use levada::types::{Offset, Timestamp};

const WAIT: Duration = Duration::from_secs(20);

type Row = (i32, i64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

fn fill(db: &Database, from: u64, to: u64) {
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for n in from..to {
        let (key, value) = (format!("k{}", n % 9), format!("value number {n}"));
        let message = Message {
            key: (n % 5 > 0).then_some(key.as_bytes()),
            value: (n % 7 > 0).then_some(value.as_bytes()),
            headers: &[(b"h", None), (b"h", Some(b"x"))],
            timestamp: Some(Timestamp(1_700_000_000_000 + n as i64)),
            partition: Some((n % 3) as i32),
        };
        producer.send("t", message).unwrap();
    }
    producer.close(WAIT).unwrap();
}

fn read_all(db: &Database) -> Vec<Row> {
    let options = ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let mut all = Vec::new();
    loop {
        let batches = consumer.poll(Some(1000), Duration::ZERO).unwrap();
        if batches.is_empty() {
            break;
        }
        for batch in batches {
            for r in batch.iter() {
                let owned = |b: Option<&[u8]>| b.map(<[u8]>::to_vec);
                let partition = batch.topic_partition().partition;
                assert_eq!(r.headers.len(), 2);
                all.push((
                    partition,
                    r.offset.get(),
                    r.timestamp.get(),
                    owned(r.key),
                    owned(r.value),
                ));
            }
        }
    }
    all.sort();
    all
}

fn topic(db: &Database) {
    let mut new = NewTopic::new("t", 3);
    new.config = vec![
        ("internal.segment.bytes".into(), "8192".into()),
        ("max.message.bytes".into(), "4000".into()),
        ("retention.ms".into(), "-1".into()),
    ];
    db.engine().create_topic(&new).unwrap();
}

fn archive(db: &Database, which: MoveOut) -> u64 {
    let topic = db.engine().topic("t").unwrap();
    topic
        .partitions()
        .iter()
        .map(|p| db.engine().archive_partition(p, which).unwrap())
        .sum()
}

#[test]
fn consumers_read_on_through_the_archive_after_the_segments_are_gone() {
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path().join("data")).unwrap();
    topic(&db);
    fill(&db, 0, 5000);
    let before = read_all(&db);
    assert_eq!(before.len(), 5000);
    assert!(archive(&db, MoveOut::Sealed) > 0);
    assert_eq!(read_all(&db), before, "sealed segments only");
    fill(&db, 5000, 6000);
    let before = read_all(&db);
    assert!(archive(&db, MoveOut::Everything) > 0);
    assert_eq!(read_all(&db), before, "everything");
    assert_eq!(archive(&db, MoveOut::Everything), 0, "again");
    db.close().unwrap();
    drop(db);
    let db = Database::open(root.path().join("data")).unwrap();
    assert_eq!(read_all(&db), before, "after reopening");
    let time = Timestamp(1_700_000_000_000 + 300);
    let found = db
        .engine()
        .partition("t", 0)
        .unwrap()
        .log()
        .unwrap()
        .offset_for_time(time)
        .unwrap();
    assert_eq!(found, Some((Offset(100), time)));
    fill(&db, 6000, 6300);
    assert_eq!(read_all(&db).len(), 6300);
}

#[test]
fn a_scan_gives_every_record_once_while_segments_move() {
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path().join("data")).unwrap();
    topic(&db);
    fill(&db, 0, 4000);
    let rows = |options: ScanOptions| -> usize {
        db.scan("t", options)
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum()
    };
    assert_eq!(rows(ScanOptions::default()), 4000);
    let mut scan = db.scan("t", ScanOptions::default()).unwrap();
    let first = scan.next().unwrap().unwrap().num_rows();
    archive(&db, MoveOut::Sealed);
    let rest: usize = scan.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(first + rest, 4000);
    archive(&db, MoveOut::Everything);
    assert_eq!(rows(ScanOptions::default()), 4000);
    let start = Bound::Offsets([(1, Offset(1000))].into());
    let partitions = Some(vec![1]);
    assert_eq!(
        rows(ScanOptions {
            start,
            partitions,
            ..ScanOptions::default()
        }),
        333
    );
    let (start, end) = (Timestamp(1_700_000_000_100), Timestamp(1_700_000_000_250));
    let options = ScanOptions {
        start: Bound::Time(start),
        end: Bound::Time(end),
        ..ScanOptions::default()
    };
    assert_eq!(rows(options), 150);
}

#[test]
fn a_deleted_topic_takes_its_archive_along() {
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path().join("data")).unwrap();
    topic(&db);
    fill(&db, 0, 1000);
    archive(&db, MoveOut::Everything);
    assert!(root.path().join("data/archive/t").exists());
    db.engine().delete_topic("t").unwrap();
    assert!(!root.path().join("data/archive/t").exists());
    topic(&db);
    assert_eq!(read_all(&db), []);
    fill(&db, 0, 1000);
    assert_eq!(read_all(&db).len(), 1000);
}

#[test]
fn retention_stops_at_an_archived_file_that_is_young() {
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
    let builder = EngineBuilder::new("/data").disk(disk).clock(clock.clone());
    let db = Database::from_builder(builder.background(false), true).unwrap();
    let mut new = NewTopic::new("t", 1);
    new.config = vec![("retention.ms".into(), "3600000".into())];
    db.engine().create_topic(&new).unwrap();
    let send = |count: usize, age_ms: i64| {
        let producer = db.producer(ProducerOptions::default()).unwrap();
        for _ in 0..count {
            let message = Message {
                value: Some(b"v"),
                headers: &[(b"h", None), (b"h", None)],
                timestamp: Some(Timestamp(clock.now().get() - age_ms)),
                ..Message::default()
            };
            producer.send("t", message).unwrap();
        }
        producer.close(WAIT).unwrap();
    };
    send(100, 0);
    archive(&db, MoveOut::Everything);
    // Times need not ascend: what follows expires before what was archived.
    send(50, 7_200_000);
    let log = db.engine().partition("t", 0).unwrap().log().unwrap();
    log.roll(true).unwrap();
    db.engine().run_job(Job::Retain).unwrap();
    assert_eq!(log.ends().log_start, Offset(0));
    assert_eq!(read_all(&db).len(), 150);
    clock.advance(Duration::from_secs(3601));
    db.engine().run_job(Job::Retain).unwrap();
    assert_eq!(log.ends().log_start, Offset(150));
    assert_eq!(read_all(&db), []);
}

#[test]
fn a_handle_of_a_deleted_topic_cannot_reach_the_archive_of_the_next() {
    let root = tempfile::tempdir().unwrap();
    let db = Database::open(root.path().join("data")).unwrap();
    topic(&db);
    fill(&db, 0, 500);
    archive(&db, MoveOut::Everything);
    let old = db.engine().partition("t", 0).unwrap();
    let cold = db.engine().parts().cold.clone();
    db.engine().delete_topic("t").unwrap();
    assert_eq!(old.archive().unwrap_err().kind(), levada::Kind::NotFound);
    // Whoever looked before the topic went asks only now.
    let late = cold.archive(old.name(), old.topic_id());
    assert_eq!(late.unwrap_err().kind(), levada::Kind::NotFound);
    topic(&db);
    fill(&db, 0, 500);
    archive(&db, MoveOut::Everything);
    let all = read_all(&db);
    assert_eq!(all.len(), 500);
    db.close().unwrap();
    drop(db);
    let db = Database::open(root.path().join("data")).unwrap();
    assert_eq!(read_all(&db), all);
}
