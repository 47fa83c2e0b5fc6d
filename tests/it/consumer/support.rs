//! What the tests of consumers share.

use std::sync::Arc;
use std::time::Duration;

use levada::clock::ManualClock;
use levada::disk::FaultyDisk;
use levada::embedded::{
    Consumer, ConsumerOptions, Database, Message, NewTopic, ProducerOptions, Start,
};
use levada::engine::EngineBuilder;
use levada::types::{Offset, Timestamp, TopicPartition};

pub const WAIT: Duration = Duration::from_secs(20);
pub const NOW: Duration = Duration::ZERO;

/// In memory, with a clock that the test turns.
pub fn world() -> (Database, Arc<ManualClock>) {
    world_on(&Arc::new(FaultyDisk::new()))
}

pub fn world_on(disk: &Arc<FaultyDisk>) -> (Database, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    let builder = EngineBuilder::new("/data")
        .disk(disk.clone())
        .clock(clock.clone())
        .background(false);
    (Database::from_builder(builder, true).unwrap(), clock)
}

pub fn topic(db: &Database, name: &str, partitions: i32) {
    let new = NewTopic::new(name, partitions);
    db.engine().create_topic(&new).unwrap();
}

pub fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

/// Sends `count` records to one partition.
pub fn send(db: &Database, to: &TopicPartition, count: usize) {
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for n in 0..count {
        let value = n.to_string();
        let message = Message {
            value: Some(value.as_bytes()),
            partition: Some(to.partition),
            ..Message::default()
        };
        producer.send(&to.topic, message).unwrap();
    }
    producer.close(WAIT).unwrap();
}

pub fn options(group: Option<&str>) -> ConsumerOptions {
    ConsumerOptions {
        group: group.map(str::to_owned),
        start: Start::Earliest,
        ..ConsumerOptions::default()
    }
}

pub fn by_hand(group: &str) -> ConsumerOptions {
    ConsumerOptions {
        auto_commit: false,
        ..options(Some(group))
    }
}

/// Commits for a group that nobody reads with.
pub fn reset(db: &Database, group: &str, to: &TopicPartition, offset: i64) {
    let commit =
        levada::embedded::OffsetCommit::new(to.topic.clone(), to.partition, Offset(offset));
    db.engine().groups().reset(group, vec![commit]).unwrap();
}

pub fn committed(db: &Database, group: &str, of: &TopicPartition) -> Option<i64> {
    let found = db.engine().groups().committed(group, of).unwrap();
    found.map(|c| c.offset.get())
}

/// Places of records of one poll.
pub fn poll(consumer: &Consumer) -> levada::Result<Vec<(TopicPartition, i64)>> {
    let batches = consumer.poll(None, NOW)?;
    let places = batches.iter().flat_map(|batch| {
        let name = batch.topic_partition();
        batch.iter().map(|r| (name.clone(), r.offset.get()))
    });
    Ok(places.collect())
}

/// Polls until `count` records have come, and a little on.
pub fn drain(consumer: &Consumer, count: usize) -> Vec<(TopicPartition, i64)> {
    let mut all = Vec::new();
    let started = std::time::Instant::now();
    while all.len() < count {
        assert!(started.elapsed() < WAIT, "only {} came", all.len());
        all.extend(poll(consumer).unwrap());
    }
    all.extend(poll(consumer).unwrap());
    all
}

/// The offset of the next record of an iteration.
pub fn next(consumer: &Consumer, batch: &mut Option<levada::embedded::PolledBatch>) -> i64 {
    let handed = consumer.next(WAIT).unwrap().expect("a record");
    if handed.batch.is_some() {
        *batch = handed.batch;
    }
    let batch = batch.as_ref().expect("the batch of the first");
    batch.get(handed.index).expect("a record").offset.get()
}
