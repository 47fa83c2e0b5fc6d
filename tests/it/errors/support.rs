//! What the tables share.

use std::sync::Arc;
use std::time::Duration;

use levada::Kind;
use levada::clock::{Clock, SystemClock};
use levada::disk::Disk;
use levada::embedded::{ConsumerOptions, Database, Message, Producer, ProducerOptions, Start};
use levada::engine::{EngineBuilder, NewTopic};
use levada::error::{Code, Result};
use levada::types::TopicPartition;

pub const WAIT: Duration = Duration::from_secs(20);

/// One row of a table: what was tried, what came of it, and what should have.
pub struct Row {
    what: &'static str,
    got: Option<levada::Error>,
    kind: Kind,
    code: Code,
    word: &'static str,
}

pub fn row<T>(
    what: &'static str,
    got: Result<T>,
    kind: Kind,
    code: Code,
    word: &'static str,
) -> Row {
    let got = got.err();
    Row {
        what,
        got,
        kind,
        code,
        word,
    }
}

/// Tells of all rows that are wrong at once.
pub fn check(rows: Vec<Row>) {
    let wrong: Vec<String> = rows.iter().filter_map(problem).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn problem(row: &Row) -> Option<String> {
    let Some(error) = &row.got else {
        return Some(format!("{}: succeeded", row.what));
    };
    let first = error.message().chars().next();
    let lower = first.is_some_and(|c| !c.is_ascii_uppercase());
    let right = error.kind() == row.kind
        && error.code() == row.code
        && error.message().contains(row.word)
        && lower
        && !error.message().ends_with('.');
    let (kind, code, word) = (row.kind, row.code, row.word);
    (!right).then(|| {
        format!(
            "{}: expected {kind:?}({code:?}) with {word:?}, got {error:?}",
            row.what
        )
    })
}

/// A database on a disk of the test's, without background work.
pub fn open(disk: &Arc<impl Disk + 'static>) -> Result<Database> {
    open_at(disk, Arc::new(SystemClock::default()))
}

pub fn open_at(disk: &Arc<impl Disk + 'static>, clock: Arc<dyn Clock>) -> Result<Database> {
    let disk: Arc<dyn Disk> = disk.clone();
    let builder = EngineBuilder::new("/data")
        .disk(disk)
        .clock(clock)
        .background(false);
    Database::from_builder(builder, true)
}

pub fn topic(db: &Database, name: &str, partitions: i32, config: &[(&str, &str)]) {
    let new = NewTopic {
        config: config
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        ..NewTopic::new(name, partitions)
    };
    db.engine().create_topic(&new).unwrap();
}

/// A producer whose batches go when they are flushed.
pub fn producer(db: &Database) -> Producer {
    let options = ProducerOptions {
        linger: Duration::ZERO,
        ..ProducerOptions::default()
    };
    db.producer(options).unwrap()
}

pub fn value(bytes: &[u8]) -> Message<'_> {
    Message {
        value: Some(bytes),
        ..Message::default()
    }
}

/// Sends and waits until it is delivered; gives the offset.
pub fn put(producer: &Producer, topic: &str, bytes: &[u8]) -> Result<i64> {
    let delivery = producer.send(topic, value(bytes))?;
    producer.flush(WAIT)?;
    Ok(delivery.wait(WAIT)?.offset.get())
}

pub fn earliest() -> ConsumerOptions {
    ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    }
}

/// Every record of partition 0: offsets, and values as text. An error ends it.
pub fn read(db: &Database, topic: &str) -> (Vec<(i64, String)>, Option<levada::Error>) {
    let name = TopicPartition::new(topic, 0);
    let mut got = Vec::new();
    let outcome = (|| {
        let consumer = db.consumer(earliest())?;
        consumer.assign(std::slice::from_ref(&name))?;
        let end = consumer.bounds(&name)?.1;
        while consumer.position(&name)? < end {
            let before = consumer.position(&name)?;
            let polled = consumer.poll(Some(1000), Duration::ZERO)?;
            let after = consumer.position(&name)?;
            assert!(
                after > before,
                "a poll at {before} gives nothing, and {end} is the end"
            );
            for batch in polled {
                for record in batch.iter() {
                    let text = String::from_utf8_lossy(record.value.unwrap_or_default());
                    got.push((record.offset.get(), text.into_owned()));
                }
            }
        }
        Ok(())
    })();
    (got, outcome.err())
}
