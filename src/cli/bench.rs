//! `levada bench`: how fast this machine and disk are, in a topic that goes again.

use std::time::Duration;

use clap::Parser;
use serde::Serialize;

use super::backend::{Backend, SinkOptions, Source, SourceOptions};
use super::commands::Subcommand;
use super::context::Context;
use super::output::table;
use super::stop::Result;
use super::{human, produce, progress};
use crate::codec::compression::Compression;
use crate::embedded::{Message, Start};
use crate::engine::NewTopic;
use crate::error::Error;
use crate::types::{IsolationLevel, Offset, TopicId};

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
  levada --bootstrap localhost:9092 bench --records 200000

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
    /// disk or cache: the topic's levada.durability; without it disk, or what the cluster does
    #[arg(long, value_name = "WHERE")]
    durability: Option<String>,
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
        let durability = match &self.durability {
            None if !context.is_wire() => Some("disk"),
            other => other.as_deref(),
        };
        let setting = |value: &str| ("levada.durability".to_owned(), value.to_owned());
        let measured = context.with_new_backend(|on| {
            let topic = format!("levada-bench-{}", TopicId::random());
            let new = NewTopic {
                config: durability.map(setting).into_iter().collect(),
                ..NewTopic::new(&topic, self.partitions)
            };
            on.create_topic(&new)?;
            let measured = self.measure(on, &topic);
            on.delete_topic(&topic)?;
            measured
        })?;
        context.output().show(&measured, text)
    }
}

impl Bench {
    fn measure(&self, on: &mut dyn Backend, topic: &str) -> Result<Measured> {
        let figures = vec![
            self.timed(on, "produce", |on| self.produce(on, topic))?,
            self.timed(on, "consume", |on| self.consume(on, topic))?,
            self.timed(on, "consume as stored", |on| self.consume_raw(on, topic))?,
        ];
        let latency_ms = self.latency(on, topic)?;
        Ok(Measured {
            figures,
            latency_ms,
        })
    }

    fn timed(
        &self,
        on: &mut dyn Backend,
        what: &'static str,
        work: impl FnOnce(&mut dyn Backend) -> Result<u64>,
    ) -> Result<Figures> {
        let clock = on.clock();
        let started = clock.monotonic();
        let records = work(on)?;
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

    fn produce(&self, on: &mut dyn Backend, topic: &str) -> Result<u64> {
        let options = SinkOptions {
            compression: self.compression,
            linger: None,
            any_size: true,
        };
        let mut sink = on.sink(topic, &options)?;
        let payload = self.payload();
        let bar = progress::of_items(Some(self.records));
        for n in 0..self.records {
            let at = (n as usize * 61) % 4096;
            let message = Message {
                value: payload.get(at..at + self.size),
                ..Message::default()
            };
            sink.send(message)?;
            if n.is_multiple_of(10_000) {
                bar.set_position(n);
            }
        }
        sink.finish()?;
        progress::finish(&bar);
        Ok(self.records)
    }

    fn consume(&self, on: &mut dyn Backend, topic: &str) -> Result<u64> {
        let mut source = reader(on, topic)?;
        let bar = progress::of_items(Some(self.records));
        let (mut records, mut bytes) = (0u64, 0u64);
        while records < self.records {
            let read = source.poll(10_000, POLL_WAIT, &mut |_, record| {
                bytes += record.value.map_or(0, <[u8]>::len) as u64;
                Ok(())
            })?;
            if read == 0 {
                return Err(missing(records, self.records).into());
            }
            records += read as u64;
            bar.set_position(records);
        }
        progress::finish(&bar);
        source.close()?;
        if bytes != self.records * self.size as u64 {
            return Err(
                Error::internal(format!("{bytes} bytes came back, others were sent")).into(),
            );
        }
        Ok(records)
    }

    fn consume_raw(&self, on: &mut dyn Backend, topic: &str) -> Result<u64> {
        let mut source = reader(on, topic)?;
        let mut records = 0;
        while records < self.records {
            let read = source.skim(POLL_WAIT)?;
            if read == 0 {
                return Err(missing(records, self.records).into());
            }
            records += read;
        }
        source.close()?;
        Ok(records)
    }

    fn latency(&self, on: &mut dyn Backend, topic: &str) -> Result<Latency> {
        let clock = on.clock();
        let options = SinkOptions {
            linger: Some(Duration::ZERO),
            any_size: true,
            ..SinkOptions::default()
        };
        let mut sink = on.sink(topic, &options)?;
        let payload = self.payload();
        let message = Message {
            value: payload.get(..self.size),
            ..Message::default()
        };
        let end = clock.monotonic() + Duration::from_secs(LATENCY_SECONDS);
        let mut samples = Vec::new();
        while clock.monotonic() < end {
            let sent = clock.monotonic();
            sink.send(message)?;
            sink.flush()?;
            samples.push((clock.monotonic() - sent).as_secs_f64() * 1000.0);
        }
        sink.finish()?;
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

fn reader<'b>(on: &'b mut dyn Backend, topic: &str) -> Result<Box<dyn Source + 'b>> {
    let places = on.places(topic)?;
    let places: Vec<_> = places.into_iter().map(|p| (p, Offset::ZERO)).collect();
    let mut source = on.source(SourceOptions {
        group: None,
        start: Start::Earliest,
        isolation: IsolationLevel::ReadUncommitted,
    })?;
    source.assign(&places)?;
    Ok(source)
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
