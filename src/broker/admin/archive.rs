//! What lies in the archive, of topics in use.

use std::fmt;

use super::page::Page;
use crate::engine::Engine;

pub(super) fn add(engine: &Engine, page: &mut Page<'_>) -> fmt::Result {
    let topics = archived(engine);
    page.gauges(
        "levada_archive_files",
        "Parquet files, of partitions in use.",
        |rows| {
            let mut all = topics.iter();
            all.try_for_each(|(topic, files, _)| rows.gauge(&[("topic", topic)], *files))
        },
    )?;
    page.gauges("levada_archive_bytes", "Bytes of those files.", |rows| {
        let mut all = topics.iter();
        all.try_for_each(|(topic, _, bytes)| rows.gauge(&[("topic", topic)], *bytes))
    })
}

/// Topic, files and bytes. The archive of a partition was opened with its log: it is only looked up.
#[cfg(feature = "archive")]
fn archived(engine: &Engine) -> Vec<(std::sync::Arc<str>, u64, u64)> {
    let mut all = Vec::new();
    for topic in engine.topics().unwrap_or_default() {
        let (mut files, mut bytes) = (0, 0);
        for handle in topic.partitions() {
            if handle.log_if_open().is_none() {
                continue;
            }
            if let Ok(Some(archive)) = handle.archive() {
                files += archive.files().len() as u64;
                bytes += archive.size_bytes();
            }
        }
        if files > 0 {
            all.push((topic.name().clone(), files, bytes));
        }
    }
    all
}

#[cfg(not(feature = "archive"))]
fn archived(_: &Engine) -> Vec<(std::sync::Arc<str>, u64, u64)> {
    Vec::new()
}
