//! `levada archive`: segments to Parquet by hand, what is there, and whether it can be read.

use std::sync::Arc;

use clap::{Args, Parser, Subcommand as Choice};
use serde::Serialize;
use serde_json::json;

use super::commands::Subcommand;
use super::context::Context;
use super::output::table;
use super::stop::Result;
use super::{human, progress, time};
use crate::archive::store::LocalStore;
use crate::archive::{ArchivedFile, PartitionArchive, ReadCache, verify};
use crate::config::is_internal_topic;
use crate::embedded::Database;
use crate::engine::{MoveOut, TopicHandle};
use crate::error::Error;
use crate::types::Timestamp;

/// What reading a whole archive keeps in memory.
const CACHED_BYTES_MAX: usize = 8 << 20;
const CURSORS_MAX: usize = 1;

/// Move segments to Parquet files, list and verify them
#[derive(Debug, Parser)]
#[command(
    name = "archive",
    after_help = "\
Examples:
  levada --dir data archive run orders
  levada --dir data archive run orders --everything
  levada --dir data archive list orders
  levada --dir data archive verify

By itself a topic is archived as its settings levada.archive.after.ms and levada.archive.after.bytes say.
The files lie in data/archive/TOPIC and can be read by whatever reads Parquet."
)]
pub struct Archive {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Choice)]
enum Action {
    /// Move sealed segments to the archive now
    Run(Run),
    /// List archive files
    List {
        /// Of this topic only
        topic: Option<String>,
    },
    /// Read every archive file and compare its checksums
    Verify {
        /// Of this topic only
        topic: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// This topic only; without it every topic that is not compacted
    topic: Option<String>,
    /// Only what the topic's settings name
    #[arg(long, conflicts_with = "everything")]
    due: bool,
    /// Also what is in the segment being written
    #[arg(long)]
    everything: bool,
}

#[derive(Debug, Serialize)]
struct Moved {
    topic: String,
    partition: i32,
    /// Of local segments that went.
    local_bytes: u64,
    files: usize,
    archive_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Listed {
    topic: String,
    partition: i32,
    base_offset: i64,
    next_offset: i64,
    records: u64,
    size_bytes: u64,
    source_bytes: u64,
    latest_timestamp: Option<i64>,
    path: String,
}

#[derive(Debug, Serialize)]
struct Wrong {
    path: String,
    what: String,
}

impl Subcommand for Archive {
    fn run(self, context: &Context) -> Result {
        context.with_database(|db| match &self.action {
            Action::Run(run) => run_now(context, db, run),
            Action::List { topic } => list(context, db, topic.as_deref()),
            Action::Verify { topic } => verify_all(context, db, topic.as_deref()),
        })
    }
}

/// The topic that was named, or all that can have an archive.
fn topics(db: &Database, named: Option<&str>) -> Result<Vec<Arc<TopicHandle>>> {
    if let Some(name) = named {
        return Ok(vec![db.engine().topic(name)?]);
    }
    let all = db.engine().topics()?.into_iter();
    Ok(all
        .filter(|t| !is_internal_topic(t.name()) && !t.config().cleanup.compact)
        .collect())
}

/// The archives of these topics' partitions, for reading.
fn archives(db: &Database, topics: &[Arc<TopicHandle>]) -> Result<Vec<PartitionArchive>> {
    let engine = db.engine();
    let disk = engine.parts().disk.clone();
    let root = engine.data_dir().join("archive");
    if !disk.exists(&root) {
        return Ok(Vec::new());
    }
    let store = Arc::new(LocalStore::for_reading(disk, root));
    let cache = Arc::new(ReadCache::new(CACHED_BYTES_MAX, CURSORS_MAX));
    let mut archives = Vec::new();
    for handle in topics.iter().flat_map(|t| t.partitions()) {
        let (name, id) = (handle.name().clone(), handle.topic_id());
        archives.push(PartitionArchive::open(
            store.clone(),
            cache.clone(),
            name,
            id,
        )?);
    }
    Ok(archives)
}

fn run_now(context: &Context, db: &Database, run: &Run) -> Result {
    let which = match (run.due, run.everything) {
        (true, _) => MoveOut::Due,
        (_, true) => MoveOut::Everything,
        _ => MoveOut::Sealed,
    };
    let topics = topics(db, run.topic.as_deref())?;
    let mut local = Vec::new();
    let count = topics.iter().map(|t| t.partitions().len() as u64).sum();
    let bar = progress::of_items(Some(count));
    for handle in topics.iter().flat_map(|t| t.partitions()) {
        bar.set_message(handle.name().to_string());
        local.push(db.engine().archive_partition(handle, which)?);
        bar.inc(1);
    }
    progress::finish(&bar);
    let archives = archives(db, &topics)?;
    let moved = archives
        .iter()
        .zip(local)
        .map(|(archive, local_bytes)| Moved {
            topic: archive.name().topic.to_string(),
            partition: archive.name().partition,
            local_bytes,
            files: archive.files().len(),
            archive_bytes: archive.size_bytes(),
        });
    context.output().show(&moved.collect::<Vec<_>>(), |all| {
        if all.is_empty() {
            return "nothing to archive".to_owned();
        }
        let row = |m: &Moved| {
            vec![
                m.topic.clone(),
                m.partition.to_string(),
                human::bytes(m.local_bytes),
                m.files.to_string(),
                human::bytes(m.archive_bytes),
            ]
        };
        let headers = ["TOPIC", "PARTITION", "MOVED", "FILES", "ARCHIVE SIZE"];
        table(&headers, all.iter().map(row))
    })
}

fn list(context: &Context, db: &Database, topic: Option<&str>) -> Result {
    let mut listed = Vec::new();
    for archive in archives(db, &topics(db, topic)?)? {
        listed.extend(archive.files().iter().map(|file| shown(&archive, file)));
    }
    context.output().show(&listed, |all| {
        if all.is_empty() {
            return "no archive files".to_owned();
        }
        let row = |f: &Listed| {
            let latest = f.latest_timestamp.map(|ms| time::format(Timestamp(ms)));
            vec![
                f.topic.clone(),
                f.partition.to_string(),
                f.base_offset.to_string(),
                f.next_offset.to_string(),
                f.records.to_string(),
                human::bytes(f.size_bytes),
                latest.unwrap_or_default(),
                f.path.clone(),
            ]
        };
        let headers = [
            "TOPIC",
            "PARTITION",
            "FROM",
            "TO",
            "RECORDS",
            "SIZE",
            "LATEST",
            "FILE",
        ];
        table(&headers, all.iter().map(row))
    })
}

fn shown(archive: &PartitionArchive, file: &ArchivedFile) -> Listed {
    Listed {
        topic: archive.name().topic.to_string(),
        partition: archive.name().partition,
        base_offset: file.base_offset,
        next_offset: file.next_offset,
        records: file.rows,
        size_bytes: file.size_bytes,
        source_bytes: file.source_bytes,
        latest_timestamp: file.latest_timestamp().map(Timestamp::get),
        path: archive.place(file),
    }
}

fn verify_all(context: &Context, db: &Database, topic: Option<&str>) -> Result {
    let archives = archives(db, &topics(db, topic)?)?;
    let bar = progress::of_bytes(Some(
        archives.iter().map(PartitionArchive::size_bytes).sum(),
    ));
    let (mut files, mut wrong) = (0u64, Vec::new());
    for archive in &archives {
        let findings = verify::check_with(archive, |file| {
            files += 1;
            bar.inc(file.size_bytes);
        });
        wrong.extend(findings.into_iter().map(|finding| Wrong {
            path: finding.place,
            what: finding.error.message().to_owned(),
        }));
    }
    progress::finish(&bar);
    let document = json!({"files": files, "findings": wrong});
    context.output().show(&document, |_| {
        let lines = wrong
            .iter()
            .map(|w| format!("damaged: {}: {}\n", w.path, w.what));
        let lines: String = lines.collect();
        format!(
            "{lines}verified {files} archive files: {} damaged",
            wrong.len()
        )
    })?;
    match wrong.len() {
        0 => Ok(()),
        count => Err(Error::corrupt(format!(
            "{count} archive files are damaged, see the findings: restore them from a copy"
        ))
        .into()),
    }
}
