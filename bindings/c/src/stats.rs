//! What a database is doing, as JSON. Nothing is opened for it.

use std::sync::atomic::Ordering;

use levada::embedded::{Database, TopicHandle};
use levada::{Error, Result};
use serde_json::{Value, json};

pub fn json(database: &Database) -> Result<String> {
    let engine = database.engine();
    let topics = engine.topics()?;
    let groups = engine.groups().list()?;
    let counters = engine.counters();
    let (appends, syncs) = (counters.appends.read(), counters.syncs.read());
    let jobs = engine.upkeep().reports();
    let stats = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "cluster_id": engine.cluster_id(),
        "topics": topics.iter().map(|t| topic(t)).collect::<Vec<_>>(),
        "groups": groups.iter().map(|g| &*g.id).collect::<Vec<_>>(),
        "appends": {"count": appends.count, "seconds": appends.seconds},
        "appended_records": counters.appended_records.load(Ordering::Relaxed),
        "appended_bytes": counters.appended_bytes.load(Ordering::Relaxed),
        "syncs": {"count": syncs.count, "seconds": syncs.seconds},
        "sync_failures": counters.sync_failures.load(Ordering::Relaxed),
        "syncs_waiting": engine.syncs_waiting(),
        "jobs": jobs.iter().map(|(job, report)| json!({
            "job": job.key(),
            "runs": report.runs,
            "failures": report.failures,
            "bytes": report.bytes,
            "last_error": report.last_error.as_ref().map(ToString::to_string),
        })).collect::<Vec<_>>(),
        "recovery": recovery(database),
    });
    serde_json::to_string(&stats)
        .map_err(|e| Error::internal("the statistics cannot be written").with_source(e))
}

fn topic(topic: &TopicHandle) -> Value {
    let partitions = topic.partitions().iter().map(|partition| {
        let ends = partition.known_ends();
        let log = partition.log_if_open();
        json!({
            "partition": partition.name().partition,
            "start": ends.as_ref().map(|e| e.start.get()),
            "end": ends.as_ref().map(|e| e.end.get()),
            "bytes": log.map(|l| l.size_bytes()),
        })
    });
    json!({"topic": &**topic.name(), "partitions": partitions.collect::<Vec<_>>()})
}

fn recovery(database: &Database) -> Value {
    let recovery = database.engine().recovery();
    let partitions = recovery.partitions.iter().map(|(name, done)| {
        json!({
            "partition": name.to_string(),
            "scanned_bytes": done.scanned_bytes,
            "cut_bytes": done.cut_bytes,
            "rebuilt_files": done.rebuilt.len(),
        })
    });
    json!({"clean": recovery.clean, "partitions": partitions.collect::<Vec<_>>()})
}
