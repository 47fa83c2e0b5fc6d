//! Topics, partitions, appends and syncs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::page::{Page, Rows};
use crate::engine::{Engine, KnownEnds, PartitionHandle};
use crate::types::Offset;

pub(super) fn add(engine: &Engine, page: &mut Page<'_>) -> fmt::Result {
    // Empty once the engine is closed.
    let topics = engine.topics().unwrap_or_default();
    let partitions: Vec<Arc<PartitionHandle>> = topics
        .iter()
        .flat_map(|t| t.partitions())
        .cloned()
        .collect();
    page.gauge(
        "levada_topics",
        "Topics, internal ones included.",
        topics.len() as u64,
    )?;
    page.gauge(
        "levada_partitions",
        "Partitions of all topics.",
        partitions.len() as u64,
    )?;
    let open = partitions.iter().filter_map(|p| p.log_if_open());
    let (mut count, mut failed) = (0, 0);
    for log in open {
        count += 1;
        failed += u64::from(!log.takes_writes());
    }
    page.gauge("levada_partitions_open", "Partitions in use.", count)?;
    page.gauge(
        "levada_partitions_failed",
        "Partitions that take no records until they are opened again, because writing or syncing failed.",
        failed,
    )?;
    ends(&partitions, page)?;
    sizes(&partitions, page)?;
    written(engine, page)
}

fn ends(partitions: &[Arc<PartitionHandle>], page: &mut Page<'_>) -> fmt::Result {
    let known: Vec<_> = partitions
        .iter()
        .filter_map(|p| Some((p, p.known_ends()?)))
        .collect();
    let each = |rows: &mut Rows<'_>, offset: fn(&KnownEnds) -> Offset| {
        let mut all = known.iter();
        all.try_for_each(|(p, ends)| {
            let number = p.name().partition.to_string();
            let labels = [("topic", &*p.name().topic), ("partition", number.as_str())];
            rows.gauge(&labels, offset(ends).get().unsigned_abs())
        })
    };
    page.gauges(
        "levada_log_start_offset",
        "The first offset that can be read, of partitions whose ends are known.",
        |rows| each(rows, |ends| ends.start),
    )?;
    page.gauges(
        "levada_log_end_offset",
        "The offset after the last that consumers see, of partitions whose ends are known.",
        |rows| each(rows, |ends| ends.end),
    )
}

fn sizes(partitions: &[Arc<PartitionHandle>], page: &mut Page<'_>) -> fmt::Result {
    page.gauges(
        "levada_log_size_bytes",
        "Bytes of the segments on this disk, of partitions in use.",
        |rows| {
            for handle in partitions {
                let Some(log) = handle.log_if_open() else {
                    continue;
                };
                let name = handle.name();
                let number = name.partition.to_string();
                let labels = [("topic", &*name.topic), ("partition", number.as_str())];
                rows.gauge(&labels, log.size_bytes())?;
            }
            Ok(())
        },
    )
}

fn written(engine: &Engine, page: &mut Page<'_>) -> fmt::Result {
    let counters = engine.counters();
    page.histograms(
        "levada_log_append_seconds",
        "Appends to a partition: checking, waiting for others, writing to the page cache.",
        |rows| rows.histogram(&[], &counters.appends.read()),
    )?;
    page.counter(
        "levada_log_appended_records",
        "Records appended, those of internal topics included.",
        counters.appended_records.load(Ordering::Relaxed),
    )?;
    page.counter(
        "levada_log_appended_bytes",
        "Bytes of the batches appended.",
        counters.appended_bytes.load(Ordering::Relaxed),
    )?;
    page.histograms(
        "levada_log_sync_seconds",
        "Syncs of a partition's files to the disk.",
        |rows| rows.histogram(&[], &counters.syncs.read()),
    )?;
    page.counter(
        "levada_log_sync_failures",
        "Syncs that failed; the partition takes no more records.",
        counters.sync_failures.load(Ordering::Relaxed),
    )?;
    page.gauge(
        "levada_log_syncs_waiting",
        "Partitions that wait for their sync.",
        engine.syncs_waiting() as u64,
    )
}
