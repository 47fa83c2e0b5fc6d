//! What lies in a partition's directory, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::names::parse;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::types::Offset;

/// The files that belong to one base offset, with their sizes.
#[derive(Clone, Debug, Default)]
pub struct SegmentFiles {
    pub log: Option<u64>,
    pub index: Option<u64>,
    pub time: Option<u64>,
    pub txn: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Files {
    pub segments: BTreeMap<Offset, SegmentFiles>,
    /// Producer snapshots.
    pub snapshots: Vec<Offset>,
    /// Snapshots of the metadata.
    pub metadata_snapshots: Vec<PathBuf>,
    /// What an interrupted compaction or removal left.
    pub left_over: Vec<PathBuf>,
}

pub fn list(disk: &dyn Disk, dir: &Path) -> Result<Files> {
    let entries = disk
        .list(dir)
        .map_err(|e| Error::io(format_args!("list {}", dir.display()), e))?;
    let mut files = Files::default();
    for entry in entries.into_iter().filter(|e| !e.is_dir) {
        let over = [".deleted", ".cleaned", ".swap", ".tmp"];
        if over.iter().any(|suffix| entry.name.ends_with(suffix)) {
            files.left_over.push(dir.join(&entry.name));
        } else if entry.name.ends_with(".checkpoint") {
            files.metadata_snapshots.push(dir.join(&entry.name));
        } else if let Some((base, suffix)) = parse(&entry.name) {
            let size = Some(entry.size_bytes);
            let segment = |files: &mut Files, set: &dyn Fn(&mut SegmentFiles)| {
                set(files.segments.entry(base).or_default());
            };
            match suffix {
                "log" => segment(&mut files, &|s| s.log = size),
                "index" => segment(&mut files, &|s| s.index = size),
                "timeindex" => segment(&mut files, &|s| s.time = size),
                "txnindex" => segment(&mut files, &|s| s.txn = size),
                "snapshot" => files.snapshots.push(base),
                _ => {}
            }
        }
    }
    files.snapshots.sort_unstable();
    files.metadata_snapshots.sort();
    files.left_over.sort();
    Ok(files)
}
