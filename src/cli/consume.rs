//! `levada consume`: records become lines or JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde_json::json;

use super::backend::{Backend, Source, SourceOptions};
use super::commands::Subcommand;
use super::context::Context;
use super::output::{Output, note};
use super::position::{self, Position};
use super::record_json::Written;
use super::stop::Result;
use super::summary::Summary;
use super::{human, time};
use crate::client::At;
use crate::embedded::Start;
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
  levada --bootstrap localhost:9092 consume orders --follow

It ends at the end that each partition had at the start, or with --follow waits for more (in a data
directory there is none: this process alone has it open). A group goes on where it stopped; what was
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
        context.with_backend(|on| {
            let clock = on.clock();
            let started = clock.monotonic();
            let mut reading = Reading {
                command: &self,
                format,
                output: context.output(),
                records: 0,
                bytes: 0,
            };
            let outcome = reading.run(on);
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
    fn run(&mut self, on: &mut dyn Backend) -> Result {
        let places = self.partitions(on)?;
        let isolation = match self.command.isolation {
            Isolation::Uncommitted => IsolationLevel::ReadUncommitted,
            Isolation::Committed => IsolationLevel::ReadCommitted,
        };
        let bounds = self.bounds(on, &places, isolation)?;
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
        let group = self.command.group.clone();
        let begin = match group {
            Some(_) => Vec::new(),
            None => from.resolve(on, &places)?,
        };
        let mut source = on.source(SourceOptions {
            group,
            start,
            isolation,
        })?;
        if self.command.group.is_some() {
            let topics: Vec<&str> = self.command.topics.iter().map(String::as_str).collect();
            source.subscribe(&topics)?;
        } else {
            source.assign(&begin)?;
        }
        let outcome = self.read(&mut *source, &bounds);
        let closed = source.close();
        outcome?;
        Ok(closed?)
    }

    fn partitions(&self, on: &mut dyn Backend) -> Result<Vec<TopicPartition>> {
        let mut all = Vec::new();
        for name in &self.command.topics {
            let places = on.places(name)?;
            for number in &self.command.partition {
                let found = places.iter().find(|place| place.partition == *number);
                all.push(found.cloned().ok_or_else(|| {
                    let count = places.len();
                    Error::not_found(format!(
                        "topic {name} has no partition {number}: it has {count}, counted from 0"
                    ))
                })?);
            }
            if self.command.partition.is_empty() {
                all.extend(places);
            }
        }
        all.dedup();
        Ok(all)
    }

    fn bounds(
        &self,
        on: &mut dyn Backend,
        places: &[TopicPartition],
        isolation: IsolationLevel,
    ) -> Result<Bounds> {
        if self.command.follow {
            return Ok(None);
        }
        let ends = on.offsets(places, At::Latest(isolation))?;
        let until = match self.command.until {
            Some(moment) => on.offsets(places, At::Time(moment))?,
            None => vec![None; places.len()],
        };
        let both = ends.into_iter().zip(until);
        let bound = both.map(|(end, until)| {
            let end = end.unwrap_or(Offset::ZERO);
            until.map_or(end, |offset| end.min(offset))
        });
        Ok(Some(places.iter().cloned().zip(bound).collect()))
    }

    fn read(&mut self, source: &mut dyn Source, bounds: &Bounds) -> Result {
        loop {
            let left = self.command.max.map(|max| max.saturating_sub(self.records));
            if left == Some(0) || self.is_over(source, bounds)? {
                break;
            }
            let most = left.map_or(500, |left| left.min(500)) as usize;
            let read = source.poll(most, POLL_MAX, &mut |place, record| {
                let bound = bounds.as_ref().and_then(|b| b.get(place));
                match bound.is_some_and(|bound| record.offset >= *bound) {
                    true => Ok(()),
                    false => self.write(place, record),
                }
            })?;
            self.output.flush()?;
            if self.command.group.is_some() && read > 0 {
                commit(source, bounds)?;
            }
        }
        Ok(())
    }

    /// Whether every partition is read up to its bound: by this process, or by other members of its
    /// group. Those of a member that died come here after a while.
    fn is_over(&self, source: &mut dyn Source, bounds: &Bounds) -> Result<bool> {
        let Some(bounds) = bounds else {
            return Ok(false);
        };
        let assigned = source.assignment()?;
        for name in &assigned {
            let bound = bounds.get(name).copied().unwrap_or(Offset::ZERO);
            if source.position(name)? < bound {
                return Ok(false);
            }
            // Nothing beyond it is wanted; the others go on.
            source.pause(name)?;
        }
        if self.command.group.is_none() || assigned.len() >= bounds.len() {
            return Ok(true);
        }
        let committed: BTreeMap<_, _> = source.committed_by_all()?.into_iter().collect();
        let mut others = bounds.iter().filter(|(name, _)| !assigned.contains(name));
        Ok(others.all(|(name, bound)| committed.get(name).is_some_and(|at| at >= bound)))
    }

    fn write(&mut self, place: &TopicPartition, record: &RecordView<'_>) -> Result {
        self.records += 1;
        let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        self.bytes += size as u64;
        match self.format {
            Format::Json => self.output.json_line(&Written { place, record }),
            Format::Text => self.text(place, record),
            Format::Raw => self.raw(record),
        }
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
fn commit(source: &mut dyn Source, bounds: &Bounds) -> Result {
    let mut offsets = Vec::new();
    for name in source.assignment()? {
        let bound = bounds.as_ref().and_then(|b| b.get(&name)).copied();
        let position = source.position(&name)?;
        offsets.push((name, position.min(bound.unwrap_or(Offset::MAX))));
    }
    Ok(source.commit(&offsets)?)
}
