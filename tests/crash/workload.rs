//! What runs while the crash comes: producers, a reader, jobs of upkeep.

use std::time::Duration;

use levada::embedded::{Database, Delivery, Message, Producer, ProducerOptions};
use levada::engine::{Job, NewTopic};
use levada::error::Result;

pub const EVENTS: &str = "events";
pub const STATE: &str = "state";
const KEYS: u64 = 23;

/// Small segments, so that rolling, compaction and archiving happen all the time.
pub fn make_topics(db: &Database) -> Result<()> {
    let setting = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    let small = [
        setting("internal.segment.bytes", "16384"),
        setting("index.interval.bytes", "1024"),
    ];
    let mut events = NewTopic::new(EVENTS, 3);
    events.config.extend(small.clone());
    events.config.push(setting("levada.archive.after.ms", "0"));
    let mut state = NewTopic::new(STATE, 1);
    state.config.extend(small);
    state.config.push(setting("cleanup.policy", "compact"));
    state
        .config
        .push(setting("min.cleanable.dirty.ratio", "0.01"));
    for topic in [events, state] {
        if db.engine().topic(&topic.name).is_err() {
            db.engine().create_topic(&topic)?;
        }
    }
    Ok(())
}

/// Sends numbered records; the number makes every value unique over all rounds.
#[derive(Debug)]
pub struct Writer {
    producer: Producer,
    next: u64,
}

/// A record on its way.
#[derive(Debug)]
pub struct Sent {
    pub topic: &'static str,
    pub key: String,
    pub value: String,
    pub delivery: Delivery,
}

impl Writer {
    pub fn new(db: &Database, first: u64) -> Result<Writer> {
        let options = ProducerOptions {
            linger: Duration::from_millis(1),
            ..ProducerOptions::default()
        };
        Ok(Writer {
            producer: db.producer(options)?,
            next: first,
        })
    }

    pub fn next(&self) -> u64 {
        self.next
    }

    /// Sends `count` records, one in four to the compacted topic.
    pub fn send(&mut self, count: u64) -> Result<Vec<Sent>> {
        let mut sent = Vec::new();
        for _ in 0..count {
            let number = self.next;
            self.next += 1;
            let topic = if number.is_multiple_of(4) {
                STATE
            } else {
                EVENTS
            };
            let key = format!("key {}", number % KEYS);
            let padded = format!("{number:0>width$}", width = 20 + (number % 90) as usize);
            let value = if topic == STATE {
                number.to_string()
            } else {
                padded
            };
            let message = Message {
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                ..Message::default()
            };
            let delivery = self.producer.send(topic, message)?;
            sent.push(Sent {
                topic,
                key,
                value,
                delivery,
            });
        }
        Ok(sent)
    }
}

/// Runs the jobs that move segments about.
pub fn upkeep(db: &Database) -> Result<()> {
    for job in [
        Job::Roll,
        Job::Compact,
        Job::Archive,
        Job::Retain,
        Job::Checkpoint,
    ] {
        db.engine().run_job(job)?;
    }
    Ok(())
}
