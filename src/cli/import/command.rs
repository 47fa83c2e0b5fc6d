//! The subcommand.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use serde_json::Value;

use super::csv::Csv;
use super::jsonl::JsonLines;
use super::parquet::Parquet;
use super::row::{self, Row, Rows};
use crate::cli::backend::{Backend, Sink, SinkOptions};
use crate::cli::commands::Subcommand;
use crate::cli::context::Context;
use crate::cli::stop::Result;
use crate::cli::summary::Summary;
use crate::cli::{produce, progress};
use crate::codec::compression::Compression;
use crate::embedded::Message;
use crate::engine::NewTopic;
use crate::error::{Error, Kind};

/// Turn a CSV, JSON lines or Parquet file into records
#[derive(Debug, Parser)]
#[command(
    name = "import",
    after_help = "\
Examples:
  levada --dir data import flights.csv --topic flights --key-column carrier --timestamp-column time_hour
  levada --dir data import events.jsonl --topic events --value-column payload
  levada --dir data import table.parquet --topic table --partitions 4 --compression zstd

A record's value is the whole row as a JSON object, or one column as it stands. Timestamps are
milliseconds since 1970 or RFC 3339. In CSV an empty field is null, and what looks like a number is one."
)]
pub struct Import {
    file: PathBuf,
    /// Where the records go
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    /// What the file is; without it by its name
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The record's key
    #[arg(long, value_name = "NAME")]
    key_column: Option<String>,
    /// The record's timestamp; without it the time of the import
    #[arg(long, value_name = "NAME")]
    timestamp_column: Option<String>,
    /// The record's value; without it the whole row
    #[arg(long, value_name = "NAME")]
    value_column: Option<String>,
    /// Make the topic, with that many partitions, when it is not there
    #[arg(long, value_name = "N")]
    partitions: Option<i32>,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = "none", value_parser = produce::codec)]
    compression: Compression,
    /// Keep CSV fields as text, numbers too
    #[arg(long)]
    text: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
    Parquet,
}

impl Subcommand for Import {
    fn run(self, context: &Context) -> Result {
        let mut rows = self.open()?;
        let summary = match self.partitions {
            Some(_) => context.with_new_backend(|on| self.send(on, &mut *rows)),
            None => context.with_backend(|on| self.send(on, &mut *rows)),
        }?;
        context.output().show(&summary, |s| s.text())
    }
}

impl Import {
    fn open(&self) -> Result<Box<dyn Rows>> {
        Ok(match self.format.map_or_else(|| by_name(&self.file), Ok)? {
            Format::Csv => Box::new(Csv::open(&self.file, self.text)?),
            Format::Jsonl => Box::new(JsonLines::open(&self.file)?),
            Format::Parquet => Box::new(Parquet::open(&self.file)?),
        })
    }

    fn send(&self, on: &mut dyn Backend, rows: &mut dyn Rows) -> Result<Summary> {
        match (on.places(&self.topic), self.partitions) {
            (Err(error), Some(count)) if error.kind() == Kind::NotFound => {
                on.create_topic(&NewTopic::new(&self.topic, count))?;
            }
            (found, _) => drop(found?),
        }
        let options = SinkOptions {
            compression: self.compression,
            ..SinkOptions::default()
        };
        let mut sink = on.sink(&self.topic, &options)?;
        let bar = progress::of_items(None);
        let sent = self.send_rows(&mut *sink, rows, &bar);
        let delivered = sink.finish();
        let took = progress::finish(&bar);
        let (records, bytes) = sent?;
        delivered?;
        Ok(Summary::new(records, bytes, took))
    }

    fn send_rows(
        &self,
        sink: &mut dyn Sink,
        rows: &mut dyn Rows,
        bar: &indicatif::ProgressBar,
    ) -> Result<(u64, u64)> {
        let (mut records, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            let sent = self.send_row(sink, row);
            bytes += sent.map_err(|e| e.at(rows.place()))?;
            records += 1;
            bar.inc(1);
        }
        Ok((records, bytes))
    }

    fn send_row(&self, sink: &mut dyn Sink, row: Row) -> Result<u64, Error> {
        let column = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => match row.get(name) {
                Some(value) => Ok(Some(value)),
                None => {
                    let names: Vec<&str> = row.keys().map(String::as_str).collect();
                    let names = names.join(", ");
                    Err(Error::invalid(format!(
                        "there is no column {name}, but {names}"
                    )))
                }
            },
        };
        let key = column(&self.key_column)?.and_then(row::bytes);
        let timestamp = column(&self.timestamp_column)?.map_or(Ok(None), row::moment)?;
        let value = match column(&self.value_column)? {
            Some(value) => row::bytes(value),
            None => Some(Value::Object(row).to_string().into_bytes()),
        };
        let message = Message {
            key: key.as_deref(),
            value: value.as_deref(),
            timestamp,
            ..Message::default()
        };
        sink.send(message)?;
        Ok((key.map_or(0, |k| k.len()) + value.map_or(0, |v| v.len())) as u64)
    }
}

fn by_name(path: &Path) -> Result<Format> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("jsonl" | "ndjson" | "json") => Ok(Format::Jsonl),
        Some("parquet" | "pq") => Ok(Format::Parquet),
        _ => Err(Error::invalid(format!(
            "{}: its name does not end in .csv, .jsonl or .parquet: say --format",
            path.display()
        ))
        .into()),
    }
}
