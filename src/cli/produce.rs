//! `levada produce`: lines or JSON become records.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::backend::{Backend, Sink, SinkOptions};
use super::commands::Subcommand;
use super::context::Context;
use super::input::Lines;
use super::record_json::{self, Parsed};
use super::stop::Result;
use super::summary::Summary;
use super::{human, progress};
use crate::clock::Clock;
use crate::codec::compression::Compression;
use crate::embedded::Message;
use crate::error::Error;

/// Send records from standard input or a file to a topic
#[derive(Debug, Parser)]
#[command(
    name = "produce",
    after_help = "\
Examples:
  seq 1000 | levada --dir data produce numbers
  levada --dir data produce orders --file orders.txt --key-separator :
  echo '{\"key\":\"42\",\"value\":\"paid\",\"headers\":{\"trace\":\"1\"}}' | levada --dir data produce orders --format json
  levada --dir data consume orders --format json | levada --dir copy produce orders --format json
  tail -f app.log | levada --bootstrap localhost:9092 produce logs --compression zstd

A JSON record has key, value, headers, timestamp (ms since 1970) and partition, all of them optional;
key_base64 and value_base64 carry bytes that are no text. It ends when all records are durable."
)]
pub struct Produce {
    topic: String,
    /// What a line of the input is
    #[arg(long, value_enum, default_value_t = Format::Lines)]
    format: Format,
    /// Read this file instead of standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The key of a line is what stands before the first SEP
    #[arg(long, value_name = "SEP")]
    key_separator: Option<String>,
    /// A value of a line that stands for null (a tombstone)
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// Send everything to this partition
    #[arg(long, value_name = "N")]
    partition: Option<i32>,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = "none", value_parser = codec)]
    compression: Compression,
    /// At most that many records a second
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The value, or key and value with --key-separator
    Lines,
    /// A JSON object
    Json,
}

/// For clap.
pub(super) fn codec(name: &str) -> std::result::Result<Compression, String> {
    let names = Compression::ALL.map(Compression::name).join(", ");
    Compression::from_name(name).ok_or_else(|| format!("it is none of {names}"))
}

impl Subcommand for Produce {
    fn run(self, context: &Context) -> Result {
        if self.rate.is_some_and(|rate| !(0.001..=1e9).contains(&rate)) {
            return Err(Error::invalid("--rate must be between 0.001 and 1000000000").into());
        }
        if self.key_separator.as_deref() == Some("") {
            return Err(Error::invalid("--key-separator must not be empty").into());
        }
        let summary = context.with_backend(|on| self.send(on))?;
        context.output().show(&summary, |s| s.text())
    }
}

impl Produce {
    fn send(&self, on: &mut dyn Backend) -> Result<Summary> {
        let mut lines = Lines::open(self.file.as_deref())?;
        let clock = on.clock();
        let options = SinkOptions {
            compression: self.compression,
            ..SinkOptions::default()
        };
        let mut sink = on.sink(&self.topic, &options)?;
        let bar = progress::of_bytes(lines.size_bytes());
        let sent = self.send_lines(&*clock, &mut *sink, &mut lines, &bar);
        // What was sent before an error counts: it is delivered in any case.
        let delivered = sink.finish();
        let took = progress::finish(&bar);
        let (records, bytes) = sent?;
        delivered?;
        Ok(Summary::new(records, bytes, took))
    }

    fn send_lines(
        &self,
        clock: &dyn Clock,
        sink: &mut dyn Sink,
        lines: &mut Lines,
        bar: &indicatif::ProgressBar,
    ) -> Result<(u64, u64)> {
        let started = clock.monotonic();
        let mut line = Vec::new();
        let (mut records, mut bytes) = (0u64, 0u64);
        loop {
            let read = lines.next(&mut line)?;
            if read == 0 {
                return Ok((records, bytes));
            }
            if let Some(rate) = self.rate {
                wait_until(
                    clock,
                    started + Duration::from_secs_f64(records as f64 / rate),
                );
            }
            bytes += match self.format {
                Format::Lines => self.send_line(sink, &line, lines)?,
                Format::Json => self.send_json(sink, &line, lines)?,
            };
            records += 1;
            bar.inc(read as u64);
            if records.is_multiple_of(10_000) {
                bar.set_message(format!("{} records", human::count(records)));
            }
        }
    }

    fn send_line(&self, sink: &mut dyn Sink, line: &[u8], lines: &Lines) -> Result<u64> {
        let (key, value) = match &self.key_separator {
            None => (None, line),
            Some(separator) => {
                let separator = separator.as_bytes();
                let found = line.windows(separator.len()).position(|w| w == separator);
                let split =
                    found.and_then(|at| Some((line.get(..at)?, line.get(at + separator.len()..)?)));
                let (key, value) = split.ok_or_else(|| {
                    lines.wrong("there is no key separator: add one, or leave --key-separator out")
                })?;
                (Some(key), value)
            }
        };
        let is_null = self.null.as_deref().is_some_and(|n| n.as_bytes() == value);
        let message = Message {
            partition: self.partition,
            key,
            value: (!is_null).then_some(value),
            ..Message::default()
        };
        self.send_one(sink, message, lines)
    }

    fn send_json(&self, sink: &mut dyn Sink, line: &[u8], lines: &Lines) -> Result<u64> {
        let parsed: Parsed = record_json::parse(line).map_err(|why| lines.wrong(why))?;
        let headers: Vec<(&[u8], Option<&[u8]>)> = parsed
            .headers
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
            .collect();
        let message = Message {
            partition: self.partition.or(parsed.partition),
            key: parsed.key.as_deref(),
            value: parsed.value.as_deref(),
            headers: &headers,
            timestamp: parsed.timestamp,
        };
        self.send_one(sink, message, lines)
    }

    fn send_one(&self, sink: &mut dyn Sink, message: Message<'_>, lines: &Lines) -> Result<u64> {
        let size = message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len);
        match sink.send(message) {
            Ok(()) => Ok(size as u64),
            Err(error) => Err(error.at(lines.place()).into()),
        }
    }
}

fn wait_until(clock: &dyn Clock, moment: Duration) {
    loop {
        let left = moment.saturating_sub(clock.monotonic());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}
