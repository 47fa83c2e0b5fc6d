//! The data directory as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;

use super::archive::Archive;
use super::partition::PartitionCheck;
use super::report::{Report, Severity};
use crate::cli::progress;
use crate::config::{CLUSTER_METADATA, is_internal_topic};
use crate::disk::{DirectoryLock, Disk};
use crate::engine::metadata::Identity;
use crate::engine::metadata::directories::parse_partition_dir;
use crate::error::{Error, Kind, Result};
use crate::log::{checkpoint, metadata_file};
use crate::types::{Offset, TopicPartition};

/// Kafka's marker of a clean shutdown.
pub const CLEAN_MARKER: &str = ".kafka_cleanshutdown";

type Checkpoint = BTreeMap<TopicPartition, Offset>;

/// Reads all of it. Nobody else may have it open meanwhile; of a directory that this user cannot write,
/// nobody is kept out.
///
/// Errors: NotFound, Invalid (not Levada's), Conflict (open elsewhere), Denied (cannot be read).
pub fn check(disk: &Arc<dyn Disk>, dir: &Path, deep: bool) -> Result<Report> {
    let mut report = Report {
        dir: dir.to_owned(),
        clean: disk.exists(&dir.join(CLEAN_MARKER)),
        ..Report::default()
    };
    identify(&**disk, dir, &mut report)?;
    let _lock = lock(&**disk, dir)?;
    let points = read_checkpoint(&**disk, dir, checkpoint::RECOVERY_POINT, &mut report)?;
    let starts = read_checkpoint(&**disk, dir, checkpoint::LOG_START, &mut report)?;
    read_checkpoint(&**disk, dir, checkpoint::HIGH_WATERMARK, &mut report)?;
    read_checkpoint(&**disk, dir, checkpoint::CLEANER, &mut report)?;
    let partitions = partitions(&**disk, dir)?;
    let bar = progress::of_bytes(Some(size_bytes(&**disk, &partitions)));
    for (name, path) in &partitions {
        bar.set_message(name.to_string());
        check_partition(
            disk,
            name,
            path,
            (&points, &starts),
            deep,
            &mut report,
            &bar,
        )?;
    }
    if let Some(archive) = Archive::open(disk, dir.join("archive")) {
        let shown = partitions
            .iter()
            .filter(|(name, _)| !is_internal_topic(&name.topic));
        for (name, path) in shown {
            bar.set_message(format!("archive of {name}"));
            if let Ok(Some(id)) = metadata_file::read(&**disk, path) {
                archive.check(name, id, &mut report);
            }
        }
    }
    for name in points.keys().filter(|name| !partitions.contains_key(name)) {
        let path = dir.join(name.to_string());
        let what = "the directory is missing, but a checkpoint knows the partition";
        report.find(severity(&report), &path, None, what);
    }
    progress::finish(&bar);
    report.findings.sort();
    Ok(report)
}

/// A deleted topic stays in the checkpoints of an engine that did not close.
fn severity(report: &Report) -> Severity {
    match report.clean {
        true => Severity::Damage,
        false => Severity::Recovery,
    }
}

fn identify(disk: &dyn Disk, dir: &Path, report: &mut Report) -> Result<()> {
    if !disk.exists(dir) {
        let dir = dir.display();
        return Err(Error::not_found(format!(
            "there is no data directory {dir}"
        )));
    }
    match Identity::read(disk, dir) {
        Ok(Some(_)) => Ok(()),
        Ok(None) if disk.exists(&dir.join(format!("{CLUSTER_METADATA}-0"))) => {
            let path = dir.join("meta.properties");
            report.find(Severity::Damage, &path, None, "the file is missing");
            Ok(())
        }
        Ok(None) => {
            let dir = dir.display();
            Err(Error::invalid(format!(
                "{dir} is not a Levada data directory"
            )))
        }
        Err(error) if error.kind() == Kind::Corrupt => {
            let path = dir.join("meta.properties");
            report.find(Severity::Damage, &path, None, error.message());
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn lock(disk: &dyn Disk, dir: &Path) -> Result<Option<DirectoryLock>> {
    match disk.lock(dir) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == Kind::Denied => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_checkpoint(
    disk: &dyn Disk,
    dir: &Path,
    file: &str,
    report: &mut Report,
) -> Result<Checkpoint> {
    let path = dir.join(file);
    match checkpoint::read(disk, &path) {
        Ok(entries) => Ok(entries.into_iter().collect()),
        Err(error) if error.kind() == Kind::Corrupt => {
            report.find_derived(Severity::Damage, &path, error.message());
            Ok(Checkpoint::new())
        }
        Err(error) => Err(error),
    }
}

fn partitions(disk: &dyn Disk, dir: &Path) -> Result<BTreeMap<TopicPartition, PathBuf>> {
    let entries = disk
        .list(dir)
        .map_err(|e| Error::io(format_args!("list {}", dir.display()), e))?;
    let dirs = entries.into_iter().filter(|e| e.is_dir);
    let named = dirs.filter_map(|e| Some((parse_partition_dir(&e.name)?, dir.join(&e.name))));
    Ok(named.collect())
}

fn size_bytes(disk: &dyn Disk, partitions: &BTreeMap<TopicPartition, PathBuf>) -> u64 {
    let entries = partitions.values().filter_map(|dir| disk.list(dir).ok());
    let logs = entries.flatten().filter(|e| e.name.ends_with(".log"));
    logs.map(|e| e.size_bytes).sum()
}

fn check_partition(
    disk: &Arc<dyn Disk>,
    name: &TopicPartition,
    dir: &Path,
    (points, starts): (&Checkpoint, &Checkpoint),
    deep: bool,
    report: &mut Report,
    bar: &ProgressBar,
) -> Result<()> {
    let clean = report.clean;
    PartitionCheck {
        disk,
        dir,
        clean,
        recovery_point: points.get(name).copied(),
        log_start: starts.get(name).copied(),
        deep,
        report,
        bar,
    }
    .run()
}
