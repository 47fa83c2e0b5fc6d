//! `levada bench`: how fast this machine and disk are, in a topic that goes again.

use std::time::Duration;

use clap::Parser;
use serde::Serialize;

use super::commands::Subcommand;
use super::context::Context;
use super::output::table;
use super::stop::Result;
use super::{human, produce, progress};
use crate::clock::Clock;
use crate::codec::compression::Compression;
use crate::embedded::{ConsumerOptions, Database, Message, ProducerOptions, Start};
use crate::engine::NewTopic;
use crate::error::Error;
use crate::types::TopicId;

/// How long records are sent one by one, each waited for.
const LATENCY_SECONDS: u64 = 1;
const POLL_WAIT: Duration = Duration::from_secs(30);

/// Measure producing and consuming in a topic of its own
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    after_help = "\
Examples:
  levada --dir data bench
  levada --dir data bench --records 5000000 --size 1000 --compression zstd
  levada --dir :memory: bench --json
  levada --dir data bench --durability cache

It makes a topic levada-bench-…, and deletes it at the end. One thread each way; the figures of one run
are no measurement, run it a few times."
)]
pub struct Bench {
    /// How many records
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    records: u64,
    /// Bytes of each value
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    size: usize,
    #[arg(long, value_name = "N", default_value_t = 4)]
    partitions: i32,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = "none", value_parser = produce::codec)]
    compression: Compression,
    /// disk or cache: the topic's levada.durability
    #[arg(long, value_name = "WHERE", default_value = "disk")]
    durability: String,
}

#[derive(Debug, Serialize)]
struct Figures {
    what: &'static str,
    records: u64,
    bytes: u64,
    seconds: f64,
    records_per_second: f64,
    megabytes_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Measured {
    figures: Vec<Figures>,
    /// Of records sent one by one, from `send` to durable (or appended, with `cache`).
    latency_ms: Latency,
}

#[derive(Debug, Default, Serialize)]
struct Latency {
    samples: usize,
    min: f64,
    median: f64,
    p99: f64,
    max: f64,
}

impl Subcommand for Bench {
    fn run(self, context: &Context) -> Result {
        if self.records == 0 {
            return Err(Error::invalid("--records must be above 0").into());
        }
        let measured = context.with_new_database(|db| {
            let topic = format!("levada-bench-{}", TopicId::random());
            let new = NewTopic {
                config: vec![("levada.durability".to_owned(), self.durability.clone())],
                ..NewTopic::new(&topic, self.partitions)
            };
            db.engine().create_topic(&new)?;
            let measured = self.measure(db, &topic);
            db.engine().delete_topic(&topic)?;
            measured
        })?;
        context.output().show(&measured, text)
    }
}

impl Bench {
    fn measure(&self, db: &Database, topic: &str) -> Result<Measured> {
        let figures = vec![
            self.timed(db, "produce", |db| self.produce(db, topic))?,
            self.timed(db, "consume", |db| self.consume(db, topic))?,
            self.timed(db, "consume as stored", |db| self.consume_raw(db, topic))?,
        ];
        let latency_ms = self.latency(db, topic)?;
        Ok(Measured {
            figures,
            latency_ms,
        })
    }

    fn timed(
        &self,
        db: &Database,
        what: &'static str,
        work: impl FnOnce(&Database) -> Result<u64>,
    ) -> Result<Figures> {
        let clock = db.engine().clock();
        let started = clock.monotonic();
        let records = work(db)?;
        let took = clock.monotonic() - started;
        let bytes = records * self.size as u64;
        Ok(Figures {
            what,
            records,
            bytes,
            seconds: took.as_secs_f64(),
            records_per_second: human::rate(records, took),
            megabytes_per_second: human::rate(bytes, took) / 1e6,
        })
    }

    /// Bytes that compress about as text does: a slice of repeated words that moves on.
    fn payload(&self) -> Vec<u8> {
        let word = |n: usize| {
            format!(
                "{{\"id\":{n},\"state\":\"paid\",\"amount\":{}}} ",
                n * 7 % 1000
            )
        };
        let mut payload = Vec::new();
        let mut n = 0;
        while payload.len() < self.size + 4096 {
            payload.extend_from_slice(word(n).as_bytes());
            n += 1;
        }
        payload
    }

    fn produce(&self, db: &Database, topic: &str) -> Result<u64> {
        let producer = db.producer(ProducerOptions {
            compression: self.compression,
            request_bytes_max: i32::MAX as usize,
            ..ProducerOptions::default()
        })?;
        let payload = self.payload();
        let bar = progress::of_items(Some(self.records));
        for n in 0..self.records {
            let at = (n as usize * 61) % 4096;
            let message = Message {
                value: payload.get(at..at + self.size),
                ..Message::default()
            };
            producer.send(topic, message)?;
            if n.is_multiple_of(10_000) {
                bar.set_position(n);
            }
        }
        producer.close(Database::FLUSH_TIMEOUT)?;
        progress::finish(&bar);
        Ok(self.records)
    }

    fn consume(&self, db: &Database, topic: &str) -> Result<u64> {
        let consumer = reader(db, topic)?;
        let bar = progress::of_items(Some(self.records));
        let (mut records, mut bytes) = (0u64, 0u64);
        while records < self.records {
            let batches = consumer.poll(Some(10_000), POLL_WAIT)?;
            if batches.is_empty() {
                return Err(missing(records, self.records).into());
            }
            for record in batches.iter().flat_map(|batch| batch.iter()) {
                records += 1;
                bytes += record.value.map_or(0, <[u8]>::len) as u64;
            }
            bar.set_position(records);
        }
        progress::finish(&bar);
        consumer.close()?;
        if bytes != self.records * self.size as u64 {
            return Err(
                Error::internal(format!("{bytes} bytes came back, others were sent")).into(),
            );
        }
        Ok(records)
    }

    fn consume_raw(&self, db: &Database, topic: &str) -> Result<u64> {
        let consumer = reader(db, topic)?;
        let mut records = 0;
        while records < self.records {
            let raw = consumer.poll_raw(None, POLL_WAIT)?;
            if raw.is_empty() {
                return Err(missing(records, self.records).into());
            }
            for batch in raw
                .iter()
                .flat_map(|r| crate::record::Batches::new(&r.batches))
            {
                records += u64::from(batch?.header().count.unsigned_abs());
            }
        }
        consumer.close()?;
        Ok(records)
    }

    fn latency(&self, db: &Database, topic: &str) -> Result<Latency> {
        let producer = db.producer(ProducerOptions {
            linger: Duration::ZERO,
            request_bytes_max: i32::MAX as usize,
            ..ProducerOptions::default()
        })?;
        let payload = self.payload();
        let message = Message {
            value: payload.get(..self.size),
            ..Message::default()
        };
        let clock: &dyn Clock = &**db.engine().clock();
        let end = clock.monotonic() + Duration::from_secs(LATENCY_SECONDS);
        let mut samples = Vec::new();
        while clock.monotonic() < end {
            let sent = clock.monotonic();
            let delivery = producer.send(topic, message)?;
            producer.flush(Database::FLUSH_TIMEOUT)?;
            delivery.wait(Database::FLUSH_TIMEOUT)?;
            samples.push((clock.monotonic() - sent).as_secs_f64() * 1000.0);
        }
        producer.close(Database::FLUSH_TIMEOUT)?;
        samples.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let index = (samples.len() as f64 * part) as usize;
            samples
                .get(index.min(samples.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0.0)
        };
        Ok(Latency {
            samples: samples.len(),
            min: at(0.0),
            median: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        })
    }
}

fn reader(db: &Database, topic: &str) -> Result<crate::embedded::Consumer> {
    let consumer = db.consumer(ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    })?;
    consumer.subscribe(&[topic])?;
    Ok(consumer)
}

fn missing(records: u64, sent: u64) -> Error {
    Error::internal(format!("only {records} of {sent} records came back"))
}

fn text(measured: &Measured) -> String {
    let row = |f: &Figures| {
        vec![
            f.what.to_owned(),
            format!("{:.2} s", f.seconds),
            human::count(f.records_per_second as u64),
            format!("{:.1}", f.megabytes_per_second),
        ]
    };
    let headers = ["WHAT", "TIME", "RECORDS/S", "MB/S"];
    let figures = table(&headers, measured.figures.iter().map(row));
    let l = &measured.latency_ms;
    format!(
        "{figures}\n\none by one: {} records, {:.3} ms at best, {:.3} median, {:.3} at 99 %, {:.3} at worst",
        l.samples, l.min, l.median, l.p99, l.max
    )
}
