//! The subcommand.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::write;
use crate::archive::arrow::Columns;
use crate::cli::backend::Local;
use crate::cli::commands::Subcommand;
use crate::cli::context::Context;
use crate::cli::output::note;
use crate::cli::position::{self, Position};
use crate::cli::progress;
use crate::cli::stop::Result;
use crate::cli::summary::Summary;
use crate::embedded::{Bound, Database, ScanOptions};
use crate::engine::PartitionHandle;
use crate::types::IsolationLevel;

/// A table on a terminal ends here unless --limit says otherwise.
const TABLE_ROWS: u64 = 100;

/// Read a topic, archive and live log, as a table
#[derive(Debug, Parser)]
#[command(
    name = "scan",
    after_help = "\
Examples:
  levada --dir data scan orders
  levada --dir data scan orders --format csv --columns offset,timestamp,key,value --output orders.csv
  levada --dir data scan orders --format jsonl --start 2026-11-01T00:00:00Z --end 2026-11-02T00:00:00Z
  levada --dir data scan orders --format parquet --output orders.parquet

Columns: partition, offset, timestamp, key, value, headers. In CSV, bytes that are no text are written as
\"base64:…\"; null is an empty field. A table shows 100 rows, or --limit of them."
)]
pub struct Scan {
    topic: String,
    /// How to write the rows; --json is --format jsonl
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, value_parser = Position::argument,
        help = format!("Where to begin: {}", position::FORMS))]
    start: Option<Position>,
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, value_parser = Position::argument,
        help = "Where to end, which is not read any more: the same forms")]
    end: Option<Position>,
    /// Which columns, in this order
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Only this partition; may be given more than once
    #[arg(long, value_name = "N")]
    partition: Vec<i32>,
    /// At most that many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Leave records of aborted transactions out, and end at open ones
    #[arg(long)]
    committed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Csv,
    Jsonl,
    Parquet,
}

impl Subcommand for Scan {
    fn run(self, context: &Context) -> Result {
        let format = match (self.format, context.json()) {
            (Some(format), _) => format,
            (None, true) => Format::Jsonl,
            (None, false) => Format::Table,
        };
        context.with_database(|db| {
            let options = self.options(db)?;
            let scan = db.scan(&self.topic, options)?;
            let mut sink = write::open(format, self.output.as_deref(), scan.schema(), context)?;
            let limit = self.limit.unwrap_or(match format {
                Format::Table => TABLE_ROWS,
                _ => u64::MAX,
            });
            let bar = progress::of_items(None);
            let mut rows = 0u64;
            for batch in scan {
                let batch = batch?;
                let left = usize::try_from(limit - rows).unwrap_or(usize::MAX);
                let batch = batch.slice(0, batch.num_rows().min(left));
                rows += batch.num_rows() as u64;
                sink.write(&batch)?;
                bar.set_position(rows);
                if rows >= limit {
                    break;
                }
            }
            sink.finish()?;
            let took = progress::finish(&bar);
            if self.output.is_some() {
                note(&Summary::new(rows, 0, took).rows_text());
            }
            Ok(())
        })
    }
}

impl Scan {
    fn options(&self, db: &Database) -> Result<ScanOptions> {
        let topic = db.engine().topic(&self.topic)?;
        let columns = match &self.columns {
            Some(names) => Columns::parse(names.iter().map(|n| n.trim()))?,
            None => Columns::default(),
        };
        for number in &self.partition {
            db.engine().partition(&self.topic, *number)?;
        }
        let wanted = |handle: &&std::sync::Arc<PartitionHandle>| {
            self.partition.is_empty() || self.partition.contains(&handle.name().partition)
        };
        let mut handles: Vec<&PartitionHandle> = Vec::new();
        handles.extend(topic.partitions().iter().filter(wanted).map(|h| &**h));
        // Partitions that a PARTITION:OFFSET start leaves out are not read.
        let start = self.start.as_ref();
        if let Some(Position::Each(pairs)) = start {
            handles.retain(|h| pairs.iter().any(|(p, _)| *p == h.name().partition));
        }
        Ok(ScanOptions {
            partitions: Some(handles.iter().map(|h| h.name().partition).collect()),
            start: bound(db, start, &handles)?,
            end: bound(db, self.end.as_ref(), &handles)?,
            columns,
            isolation: match self.committed {
                true => IsolationLevel::ReadCommitted,
                false => IsolationLevel::ReadUncommitted,
            },
            ..ScanOptions::default()
        })
    }
}

fn bound(
    db: &Database,
    position: Option<&Position>,
    handles: &[&PartitionHandle],
) -> Result<Bound> {
    match position {
        None => Ok(Bound::Open),
        Some(Position::Time(moment)) => Ok(Bound::Time(*moment)),
        Some(position) => {
            let places: Vec<_> = handles.iter().map(|h| h.name().clone()).collect();
            let resolved = position.resolve(&mut Local::new(db), &places)?;
            let offsets = resolved
                .into_iter()
                .map(|(p, offset)| (p.partition, offset));
            Ok(Bound::Offsets(offsets.collect()))
        }
    }
}
