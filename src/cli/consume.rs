//! `levada consume`: records become lines or JSON.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde_json::json;

use super::commands::Subcommand;
use super::context::Context;
use super::output::{Output, note};
use super::position::{self, Position};
use super::record_json::Written;
use super::stop::Result;
use super::summary::Summary;
use super::{human, time};
use crate::embedded::{Consumer, ConsumerOptions, Database, PolledBatch, Start};
use crate::engine::PartitionHandle;
use crate::error::Error;
use crate::record::RecordView;
use crate::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

/// How long a poll waits before it looks again whether the end is reached.
const POLL_MAX: Duration = Duration::from_millis(500);

/// Read records of topics
#[derive(Debug, Parser)]
#[command(
    name = "consume",
    after_help = "\
Examples:
  levada --dir data consume orders
  levada --dir data consume orders --from -10 --format json
  levada --dir data consume orders --from 2026-11-01T00:00:00Z --until 2026-11-02T00:00:00Z
  levada --dir data consume orders --from 0:1200,3:17 --max 5
  levada --dir data consume orders payments --group billing --format raw | wc -l

It ends at the end that each partition had at the start, or with --follow waits for more (there can be
more only where this process itself serves producers). A group goes on where it stopped; what was
written out is committed. A summary goes to standard error."
)]
pub struct Consume {
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, value_parser = Position::argument,
        help = format!("Where to begin: {}", position::FORMS))]
    from: Option<Position>,
    /// End at the end that there is now (the default)
    #[arg(long, conflicts_with = "follow")]
    until_end: bool,
    /// End before the first record at or after this moment
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "follow")]
    until: Option<Timestamp>,
    /// Wait for more records instead of ending
    #[arg(long)]
    follow: bool,
    /// End after that many records
    #[arg(long, value_name = "N")]
    max: Option<u64>,
    /// Read as a member of this group, from its committed offsets on, and commit
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// How to show a record; --json is --format json
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Put the key and SEP before a raw value
    #[arg(long, value_name = "SEP")]
    key_separator: Option<String>,
    /// Read this partition only; may be given more than once
    #[arg(long, value_name = "N", conflicts_with = "group")]
    partition: Vec<i32>,
    /// Which records of transactions to show
    #[arg(long, value_enum, default_value_t = Isolation::Uncommitted)]
    isolation: Isolation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Place, time, key and value on a line, what is no text escaped
    Text,
    /// An object on a line
    Json,
    /// The value's bytes and a line end
    Raw,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Isolation {
    #[value(name = "read_uncommitted")]
    Uncommitted,
    #[value(name = "read_committed")]
    Committed,
}

fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    time::parse(text).map_err(|e| e.to_string())
}

/// Where each partition is to end; `None` follows.
type Bounds = Option<BTreeMap<TopicPartition, Offset>>;

impl Subcommand for Consume {
    fn run(self, context: &Context) -> Result {
        let format = match (self.format, context.json()) {
            (Some(format), _) => format,
            (None, true) => Format::Json,
            (None, false) => Format::Text,
        };
        context.with_database(|db| {
            let clock = db.engine().clock().clone();
            let started = clock.monotonic();
            let mut reading = Reading {
                command: &self,
                format,
                output: context.output(),
                records: 0,
                bytes: 0,
            };
            let outcome = reading.run(db);
            let summary = Summary::new(reading.records, reading.bytes, clock.monotonic() - started);
            outcome?;
            note(&match context.json() {
                true => json!({"summary": summary}).to_string(),
                false => summary.text(),
            });
            Ok(())
        })
    }
}

/// One run of the command.
struct Reading<'a> {
    command: &'a Consume,
    format: Format,
    output: Output,
    records: u64,
    bytes: u64,
}

impl Reading<'_> {
    fn run(&mut self, db: &Database) -> Result {
        let handles = self.partitions(db)?;
        let isolation = match self.command.isolation {
            Isolation::Uncommitted => IsolationLevel::ReadUncommitted,
            Isolation::Committed => IsolationLevel::ReadCommitted,
        };
        let bounds = self.bounds(&handles, isolation)?;
        let from = self.command.from.clone().unwrap_or(Position::Earliest);
        let start = match (from.start(), &self.command.group) {
            (None, Some(_)) => {
                return Err(Error::invalid(
                    "a group goes on where it stopped: --from takes earliest, latest or a time with --group; use `group reset` to move it",
                )
                .into());
            }
            (start, _) => start.unwrap_or(Start::Earliest),
        };
        let consumer = db.consumer(ConsumerOptions {
            group: self.command.group.clone(),
            start,
            isolation,
            auto_commit: false,
            client_id: "levada-cli".to_owned(),
            ..ConsumerOptions::default()
        })?;
        if self.command.group.is_some() {
            let topics: Vec<&str> = self.command.topics.iter().map(String::as_str).collect();
            consumer.subscribe(&topics)?;
        } else {
            self.assign(&consumer, &handles, &from)?;
        }
        let outcome = self.read(&consumer, &bounds);
        let closed = consumer.close();
        outcome?;
        Ok(closed?)
    }

    fn partitions(&self, db: &Database) -> Result<Vec<Arc<PartitionHandle>>> {
        let mut handles = Vec::new();
        for name in &self.command.topics {
            let topic = db.engine().topic(name)?;
            if self.command.partition.is_empty() {
                handles.extend(topic.partitions().iter().cloned());
            }
            for number in &self.command.partition {
                handles.push(db.engine().partition(name, *number)?);
            }
        }
        handles.dedup_by(|a, b| a.name() == b.name());
        Ok(handles)
    }

    fn bounds(
        &self,
        handles: &[Arc<PartitionHandle>],
        isolation: IsolationLevel,
    ) -> Result<Bounds> {
        if self.command.follow {
            return Ok(None);
        }
        let mut bounds = BTreeMap::new();
        for handle in handles {
            let ends = handle.ends()?;
            let mut end = match isolation {
                IsolationLevel::ReadUncommitted => ends.visible,
                IsolationLevel::ReadCommitted => ends.last_stable,
            };
            if let Some(moment) = self.command.until {
                let found = handle.log()?.offset_for_time(moment)?;
                end = found.map_or(end, |(offset, _)| end.min(offset));
            }
            bounds.insert(handle.name().clone(), end);
        }
        Ok(Some(bounds))
    }

    fn assign(
        &self,
        consumer: &Consumer,
        handles: &[Arc<PartitionHandle>],
        from: &Position,
    ) -> Result {
        let mut places = Vec::new();
        for handle in handles {
            if let Some(offset) = from.of(handle)? {
                places.push((handle.name().clone(), offset));
            }
        }
        let names: Vec<TopicPartition> = places.iter().map(|(name, _)| name.clone()).collect();
        consumer.assign(&names)?;
        for (name, offset) in &places {
            consumer.seek(name, *offset)?;
        }
        Ok(())
    }

    fn read(&mut self, consumer: &Consumer, bounds: &Bounds) -> Result {
        loop {
            let left = self.command.max.map(|max| max.saturating_sub(self.records));
            if left == Some(0) || self.is_over(consumer, bounds)? {
                break;
            }
            let most = left.map_or(500, |left| left.min(500)) as usize;
            let batches = consumer.poll(Some(most), POLL_MAX)?;
            for batch in &batches {
                self.write(batch, bounds)?;
            }
            self.output.flush()?;
            if self.command.group.is_some() && !batches.is_empty() {
                commit(consumer, bounds)?;
            }
        }
        Ok(())
    }

    /// Whether every partition is read up to its bound. A group's member may have to wait until it has
    /// all of them: from members of a process that died.
    fn is_over(&self, consumer: &Consumer, bounds: &Bounds) -> Result<bool> {
        let Some(bounds) = bounds else {
            return Ok(false);
        };
        let assigned = consumer.assignment()?;
        if self.command.group.is_some() && assigned.len() < bounds.len() {
            return Ok(false);
        }
        for name in &assigned {
            let bound = bounds.get(name).copied().unwrap_or(Offset::ZERO);
            if consumer.position(name)? < bound {
                return Ok(false);
            }
            // Nothing beyond it is wanted; the others go on.
            consumer.pause(std::slice::from_ref(name))?;
        }
        Ok(true)
    }

    fn write(&mut self, batch: &PolledBatch, bounds: &Bounds) -> Result {
        let place = batch.topic_partition();
        let bound = bounds.as_ref().and_then(|b| b.get(place)).copied();
        for record in batch.iter() {
            if bound.is_some_and(|bound| record.offset >= bound) {
                break;
            }
            self.records += 1;
            let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
            self.bytes += size as u64;
            match self.format {
                Format::Json => self.output.json_line(&Written {
                    place,
                    record: &record,
                })?,
                Format::Text => self.text(place, &record)?,
                Format::Raw => self.raw(&record)?,
            }
        }
        Ok(())
    }

    fn text(&mut self, place: &TopicPartition, record: &RecordView<'_>) -> Result {
        let shown = |bytes: Option<&[u8]>| bytes.map_or_else(|| "-".to_owned(), human::escaped);
        let at = time::format(record.timestamp);
        let (key, value) = (shown(record.key), shown(record.value));
        let line = format!("{place} @{} {at} {key} {value}\n", record.offset);
        self.output.bytes(line.as_bytes())
    }

    fn raw(&mut self, record: &RecordView<'_>) -> Result {
        if let Some(separator) = &self.command.key_separator {
            self.output.bytes(record.key.unwrap_or_default())?;
            self.output.bytes(separator.as_bytes())?;
        }
        self.output.bytes(record.value.unwrap_or_default())?;
        self.output.bytes(b"\n")
    }
}

/// Commits what was written out: up to the bounds, not what a poll gave beyond them.
fn commit(consumer: &Consumer, bounds: &Bounds) -> Result {
    let mut offsets = BTreeMap::new();
    for name in consumer.assignment()? {
        let bound = bounds.as_ref().and_then(|b| b.get(&name)).copied();
        let position = consumer.position(&name)?;
        offsets.insert(name, position.min(bound.unwrap_or(Offset::MAX)));
    }
    Ok(consumer.commit(Some(&offsets))?)
}
