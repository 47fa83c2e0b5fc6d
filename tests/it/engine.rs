//! The engine under use: topics that come, go and grow, groups at work, many partitions, close.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use levada::clock::{Clock, ManualClock};
use levada::disk::{Disk, Faults, FaultyDisk};
use levada::embedded::{Consumer, ConsumerOptions, Database, Message, ProducerOptions, Start};
use levada::engine::groups::OffsetCommit;
use levada::engine::{ConfigOp, EngineBuilder, Job, NewTopic};
use levada::log::Append;
use levada::record::{BatchBuilder, BuildOptions, control_batch};
use levada::sync::Mutex;
use levada::types::{
    IsolationLevel, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicPartition,
};

const WAIT: Duration = Duration::from_secs(20);

fn memory() -> Database {
    Database::open(":memory:").unwrap()
}

fn topic(db: &Database, name: &str, partitions: i32) {
    db.engine()
        .create_topic(&NewTopic::new(name, partitions))
        .unwrap();
}

fn text(value: &[u8]) -> Message<'_> {
    Message {
        value: Some(value),
        ..Message::default()
    }
}

fn send(db: &Database, topic: &str, count: usize) {
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for n in 0..count {
        producer
            .send(topic, text(n.to_string().as_bytes()))
            .unwrap();
    }
    producer.close(WAIT).unwrap();
}

fn earliest(group: Option<&str>) -> ConsumerOptions {
    ConsumerOptions {
        group: group.map(str::to_owned),
        start: Start::Earliest,
        ..ConsumerOptions::default()
    }
}

fn values(consumer: &Consumer, count: usize) -> Vec<String> {
    let (mut all, started) = (Vec::new(), Instant::now());
    while all.len() < count && started.elapsed() < WAIT {
        for batch in consumer.poll(None, Duration::from_millis(50)).unwrap() {
            let text = |v: Option<&[u8]>| String::from_utf8(v.unwrap().to_vec()).unwrap();
            all.extend(batch.iter().map(|r| text(r.value)));
        }
    }
    all
}

#[test]
fn a_topic_made_again_under_its_name_is_another_one() {
    let db = memory();
    topic(&db, "t", 1);
    send(&db, "t", 10);
    let group = db.consumer(earliest(Some("g"))).unwrap();
    group.subscribe(&["t"]).unwrap();
    assert_eq!(values(&group, 10).len(), 10);
    group.commit(None).unwrap();
    let plain = db.consumer(earliest(None)).unwrap();
    plain.subscribe(&["t"]).unwrap();
    assert_eq!(values(&plain, 10).len(), 10);
    let before = db.engine().topic("t").unwrap().id();
    let handle = db.engine().partition("t", 0).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    // A writer that goes on all the while; what it is told is either an offset or that nothing is there.
    let writer = {
        let (db, stop) = (db.clone(), stop.clone());
        std::thread::spawn(move || {
            let producer = db.producer(ProducerOptions::default()).unwrap();
            while !stop.load(Ordering::SeqCst) {
                let sent = producer.send("t", text(b"running"));
                if let Err(error) = sent.and_then(|d| d.wait(WAIT)) {
                    assert_eq!(error.kind(), levada::Kind::NotFound, "{error:?}");
                }
            }
        })
    };
    db.engine().delete_topic("t").unwrap();
    assert_eq!(handle.ends().unwrap_err().kind(), levada::Kind::NotFound);
    assert!(values_once(&plain).is_empty());
    stop.store(true, Ordering::SeqCst);
    writer.join().unwrap();
    topic(&db, "t", 1);
    assert_ne!(db.engine().topic("t").unwrap().id(), before);
    let name = TopicPartition::new("t", 0);
    assert!(
        db.engine()
            .groups()
            .committed("g", &name)
            .unwrap()
            .is_none()
    );
    let producer = db.producer(ProducerOptions::default()).unwrap();
    let sent = producer.send("t", text(b"new")).unwrap();
    assert_eq!(sent.wait(WAIT).unwrap().offset, Offset(0));
    assert_eq!(values(&plain, 1), ["new"]);
    assert_eq!(values(&group, 1), ["new"]);
}

fn values_once(consumer: &Consumer) -> Vec<usize> {
    let polled = consumer.poll(None, Duration::ZERO).unwrap();
    polled.iter().map(|b| b.len()).collect()
}

#[test]
fn partitions_added_under_a_producer_are_used() {
    let db = memory();
    topic(&db, "t", 1);
    let producer = db.producer(ProducerOptions::default()).unwrap();
    let mut deliveries = Vec::new();
    for n in 0..2000 {
        if n == 1000 {
            db.engine().add_partitions("t", 4).unwrap();
        }
        let key = n.to_string();
        let message = Message {
            key: Some(key.as_bytes()),
            ..text(b"v")
        };
        deliveries.push(producer.send("t", message).unwrap());
    }
    producer.flush(WAIT).unwrap();
    let mut next: BTreeMap<i32, i64> = BTreeMap::new();
    for delivery in deliveries {
        let place = delivery.wait(WAIT).unwrap();
        let expected = next.entry(place.topic_partition.partition).or_default();
        assert_eq!(place.offset.get(), *expected, "in order, no gap");
        *expected += 1;
    }
    assert_eq!(next.len(), 4);
    let last = TopicPartition::new("t", 3);
    let consumer = db.consumer(earliest(None)).unwrap();
    consumer.assign(&[last]).unwrap();
    assert_eq!(
        values(&consumer, next[&3] as usize).len(),
        next[&3] as usize
    );
}

#[test]
fn settings_take_effect_while_in_use() {
    let db = memory();
    topic(&db, "t", 1);
    let handle = db.engine().partition("t", 0).unwrap();
    send(&db, "t", 10);
    let set = |name: &str, value: &str| {
        let op = ConfigOp::Set(value.into());
        db.engine().alter_topic("t", &[(name.into(), op)]).unwrap()
    };
    set("levada.durability", "cache");
    set("max.message.bytes", "150");
    let producer = db.producer(ProducerOptions::default()).unwrap();
    let error = producer.send("t", text(&[0; 150])).unwrap_err();
    assert_eq!(error.kind(), levada::Kind::Invalid);
    let sent = producer.send("t", text(b"cached")).unwrap();
    sent.wait(WAIT).unwrap();
    assert!(handle.ends().unwrap().durable < handle.ends().unwrap().visible);
    set("retention.bytes", "0");
    handle.log().unwrap().roll(true).unwrap();
    db.engine().run_job(Job::Retain).unwrap();
    assert_eq!(handle.ends().unwrap().log_start, Offset(11));
    db.engine()
        .alter_topic("t", &[("max.message.bytes".into(), ConfigOp::Delete)])
        .unwrap();
    producer
        .send("t", text(&[0; 150]))
        .unwrap()
        .wait(WAIT)
        .unwrap();
}

#[test]
fn a_group_that_changes_reads_every_record() {
    const RECORDS: usize = 3000;
    let db = memory();
    topic(&db, "t", 6);
    let seen = Arc::new(Mutex::new(BTreeMap::<(i32, i64), usize>::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let work = |leaves_after: Option<usize>| {
        let (db, seen, stop) = (db.clone(), seen.clone(), stop.clone());
        std::thread::spawn(move || {
            let options = ConsumerOptions {
                auto_commit: false,
                ..earliest(Some("g"))
            };
            let consumer = db.consumer(options).unwrap();
            consumer.subscribe(&["t"]).unwrap();
            let mut count = 0;
            while !stop.load(Ordering::SeqCst) && leaves_after.is_none_or(|n| count < n) {
                for batch in consumer.poll(Some(50), Duration::from_millis(20)).unwrap() {
                    let partition = batch.topic_partition().partition;
                    for record in batch.iter() {
                        let place = (partition, record.offset.get());
                        *seen.lock().entry(place).or_default() += 1;
                        count += 1;
                    }
                }
                // Another may own them by now: then they are read again.
                let _ = consumer.commit(None);
            }
            consumer.close().unwrap();
        })
    };
    let mut threads = vec![work(None), work(Some(300))];
    send(&db, "t", RECORDS / 2);
    threads.push(work(None));
    threads.push(work(Some(200)));
    send(&db, "t", RECORDS / 2);
    let started = Instant::now();
    while seen.lock().len() < RECORDS {
        assert!(started.elapsed() < WAIT, "only {}", seen.lock().len());
        std::thread::yield_now();
    }
    stop.store(true, Ordering::SeqCst);
    threads.into_iter().for_each(|t| t.join().unwrap());
    // Nobody joins or leaves now: what was committed is not given again.
    let before = seen.lock().clone();
    assert_eq!(before.len(), RECORDS);
    send(&db, "t", 100);
    stop.store(false, Ordering::SeqCst);
    let threads = [work(None)];
    while seen.lock().len() < RECORDS + 100 {
        assert!(started.elapsed() < WAIT, "only {}", seen.lock().len());
        std::thread::yield_now();
    }
    stop.store(true, Ordering::SeqCst);
    threads.into_iter().for_each(|t| t.join().unwrap());
    let after = seen.lock().clone();
    assert!(
        before.iter().all(|(place, n)| after[place] == *n),
        "once each"
    );
    assert!(
        after
            .iter()
            .filter(|(p, _)| !before.contains_key(p))
            .all(|(_, n)| *n == 1)
    );
}

#[test]
fn positions_can_be_moved_kept_and_looked_at() {
    let db = memory();
    topic(&db, "t", 1);
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for n in 0..100i64 {
        let value = n.to_string();
        let message = Message {
            timestamp: Some(Timestamp(1000 + n * 10)),
            ..text(value.as_bytes())
        };
        producer.send("t", message).unwrap();
    }
    producer.flush(WAIT).unwrap();
    let name = TopicPartition::new("t", 0);
    let one = std::slice::from_ref(&name);
    let consumer = db.consumer(earliest(Some("g"))).unwrap();
    consumer.assign(one).unwrap();
    assert_eq!(consumer.position(&name).unwrap(), Offset(0));
    consumer.seek(&name, Offset(40)).unwrap();
    assert_eq!(consumer.lag().unwrap()[&name], 60);
    assert_eq!(values_once(&consumer), [60]);
    assert_eq!(consumer.lag().unwrap()[&name], 0);
    assert_eq!(
        consumer.seek_to_time(&name, Timestamp(1501)).unwrap(),
        Offset(51)
    );
    consumer.pause(one).unwrap();
    assert!(values_once(&consumer).is_empty());
    assert_eq!(consumer.paused().unwrap(), one);
    consumer.resume(one).unwrap();
    let polled = consumer.poll(Some(9), Duration::ZERO).unwrap();
    assert_eq!(polled[0].get(0).unwrap().offset, Offset(51));
    assert_eq!(consumer.position(&name).unwrap(), Offset(60));
    assert!(consumer.committed(&name).unwrap().is_none());
    consumer.commit(None).unwrap();
    assert_eq!(
        consumer.committed(&name).unwrap().unwrap().offset,
        Offset(60)
    );
    consumer.close().unwrap();
    db.engine()
        .groups()
        .reset("g", vec![OffsetCommit::new("t", 0, Offset(90))])
        .unwrap();
    let again = db.consumer(earliest(Some("g"))).unwrap();
    again.subscribe(&["t"]).unwrap();
    assert_eq!(
        values(&again, 10),
        (90..100).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn a_consumer_commits_by_itself_what_earlier_polls_gave() {
    let db = memory();
    topic(&db, "t", 1);
    send(&db, "t", 100);
    let options = ConsumerOptions {
        auto_commit_interval: Duration::ZERO,
        poll_records_max: 30,
        ..earliest(Some("g"))
    };
    let consumer = db.consumer(options).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let name = TopicPartition::new("t", 0);
    assert_eq!(values(&consumer, 30).len(), 30);
    let committed = || db.engine().groups().committed("g", &name).unwrap();
    assert!(
        committed().is_none_or(|c| c.offset < Offset(30)),
        "not what is being worked on"
    );
    assert_eq!(values(&consumer, 30).len(), 30);
    assert_eq!(committed().unwrap().offset, Offset(30));
    consumer.close().unwrap();
    assert_eq!(committed().unwrap().offset, Offset(60));
}

#[test]
fn a_pattern_takes_up_new_topics() {
    for group in [None, Some("g")] {
        let db = memory();
        topic(&db, "log.a", 1);
        topic(&db, "other", 1);
        let consumer = db.consumer(earliest(group)).unwrap();
        consumer.subscribe_pattern("log\\..*").unwrap();
        send(&db, "log.a", 5);
        send(&db, "other", 5);
        assert_eq!(values(&consumer, 5).len(), 5);
        topic(&db, "log.b", 2);
        send(&db, "log.b", 7);
        assert_eq!(values(&consumer, 7).len(), 7, "{group:?}");
        assert_eq!(consumer.assignment().unwrap().len(), 3);
    }
}

#[test]
fn read_committed_shows_no_aborted_and_no_open_transaction() {
    let db = memory();
    topic(&db, "t", 1);
    let handle = db.engine().partition("t", 0).unwrap();
    let append = |batch: &[u8], internal| {
        let append = Append {
            batches: batch,
            leader_epoch: LeaderEpoch::FIRST,
            internal,
            trusted: true,
        };
        handle.append(append).unwrap();
    };
    let data = |id: i64, sequence: i32, value: &str| {
        let mut builder = BatchBuilder::default();
        builder.push(Timestamp(1), None, Some(value.as_bytes()), &[]);
        let options = BuildOptions {
            producer_id: ProducerId(id),
            producer_epoch: ProducerEpoch(0),
            base_sequence: sequence,
            transactional: true,
            ..BuildOptions::default()
        };
        append(builder.finish(&options).unwrap(), false);
    };
    let end = |id: i64, commit| {
        let batch = control_batch(commit, 0, Timestamp(1), ProducerId(id), ProducerEpoch(0));
        append(&batch, true);
    };
    data(900, 0, "committed");
    data(901, 0, "aborted");
    end(901, false);
    end(900, true);
    data(902, 0, "open");
    data(900, 1, "behind");
    end(900, true);
    let read = |isolation| {
        let options = ConsumerOptions {
            isolation,
            ..earliest(None)
        };
        let consumer = db.consumer(options).unwrap();
        consumer.subscribe(&["t"]).unwrap();
        consumer
    };
    let dirty = read(IsolationLevel::ReadUncommitted);
    assert_eq!(
        values(&dirty, 4),
        ["committed", "aborted", "open", "behind"]
    );
    let clean = read(IsolationLevel::ReadCommitted);
    assert_eq!(values(&clean, 1), ["committed"]);
    assert!(values_once(&clean).is_empty(), "held back by the open one");
    end(902, true);
    assert_eq!(values(&clean, 2), ["open", "behind"]);
}

#[test]
fn silent_producers_are_forgotten_whatever_the_cleanup_policy() {
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
    let builder = EngineBuilder::new("/data").disk(disk).clock(clock.clone());
    let db = Database::from_builder(builder.background(false), true).unwrap();
    for policy in ["delete", "compact"] {
        let mut new = NewTopic::new(policy, 1);
        new.config = vec![("cleanup.policy".into(), policy.into())];
        db.engine().create_topic(&new).unwrap();
        let handle = db.engine().partition(policy, 0).unwrap();
        let mut builder = BatchBuilder::default();
        builder.push(clock.now(), Some(b"k"), Some(b"v"), &[]);
        let options = BuildOptions {
            producer_id: ProducerId(7),
            producer_epoch: ProducerEpoch(0),
            base_sequence: 0,
            ..BuildOptions::default()
        };
        let batch = builder.finish(&options).unwrap().to_vec();
        let again = || {
            let append = Append {
                batches: &batch,
                leader_epoch: LeaderEpoch::FIRST,
                internal: false,
                trusted: false,
            };
            handle.append(append).unwrap().duplicate
        };
        assert!(!again());
        assert!(again(), "{policy}: known");
        clock.advance(Duration::from_secs(86_399));
        db.engine().run_job(Job::ExpireProducers).unwrap();
        assert!(again(), "{policy}: still known");
        clock.advance(Duration::from_secs(2));
        db.engine().run_job(Job::ExpireProducers).unwrap();
        assert!(!again(), "{policy}: forgotten");
    }
}

#[test]
fn closing_syncs_few_files_and_a_power_cut_right_after_it_loses_nothing() {
    const PARTITIONS: i32 = 32;
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(1)));
    let open = |disk: &Arc<FaultyDisk>| {
        let builder = EngineBuilder::new("/data").disk(disk.clone());
        Database::from_builder(builder, true).unwrap()
    };
    let write = |db: &Database| {
        let producer = db.producer(ProducerOptions::default()).unwrap();
        for partition in 0..PARTITIONS {
            let message = Message {
                partition: Some(partition),
                value: Some(b"x"),
                ..Message::default()
            };
            producer.send("t", message).unwrap();
        }
        producer.close(Duration::from_secs(20)).unwrap();
    };
    let close = |db: Database, disk: &FaultyDisk| {
        let before = disk.syncs();
        db.close().unwrap();
        disk.syncs() - before
    };
    let db = open(&disk);
    db.engine()
        .create_topic(&NewTopic::new("t", PARTITIONS))
        .unwrap();
    write(&db);
    // The epochs, which are new, and the time index.
    let (first, most) = (close(db, &disk), 2 * PARTITIONS as u64 + 20);
    assert!(first <= most, "{first} syncs of files, {most} are enough");
    let disk = Arc::new(disk.crash_losing_unsynced());
    let db = open(&disk);
    assert!(db.engine().recovery().clean);
    write(&db);
    for partition in 0..PARTITIONS {
        let ends = db.engine().partition("t", partition).unwrap().ends();
        assert_eq!(ends.unwrap().visible, Offset(2));
    }
    // Both indexes at most.
    let second = close(db, &disk);
    assert!(second <= most, "{second} syncs of files, {most} are enough");
}
