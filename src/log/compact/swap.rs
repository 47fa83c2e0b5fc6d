//! Putting a cleaned segment in the place of others so that a crash at any step leaves a log that
//! is whole: the old one or the new one.
//!
//! 1. `<base>.{index,timeindex,txnindex,log}.cleaned` are written and synced. A crash here: the
//!    files are removed at the next open, the old segments are untouched.
//! 2. They are renamed to `.swap`, the log last. With `<base>.log.swap` the run counts as done.
//! 3. The replaced segments behind the first are removed, then `.swap` is renamed to the final
//!    names, the log last. A crash here: the next open does these steps again.
//!
//! The directory is synced between the steps.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::clean::CleanedGroup;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::record::Batches;
use crate::types::Offset;

pub(super) const CLEANED: &str = ".cleaned";
const SWAP: &str = ".swap";

/// The files of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Log,
    Index,
    Time,
    Txn,
}

impl Part {
    const INDEXES: [Part; 3] = [Part::Index, Part::Time, Part::Txn];
    const ALL: [Part; 4] = [Part::Log, Part::Index, Part::Time, Part::Txn];

    const fn extension(self) -> &'static str {
        match self {
            Part::Log => "log",
            Part::Index => "index",
            Part::Time => "timeindex",
            Part::Txn => "txnindex",
        }
    }
}

pub(super) fn part_path(dir: &Path, base: Offset, part: Part, suffix: &str) -> PathBuf {
    let (base, extension) = (base.get(), part.extension());
    dir.join(format!("{base:020}.{extension}{suffix}"))
}

/// Puts a cleaned group in place. The caller has made sure that readers of the replaced segments
/// hold what they read: afterwards the names stand for other bytes.
pub fn swap_in(disk: &dyn Disk, dir: &Path, group: &CleanedGroup) -> Result<()> {
    // The names of the cleaned files must be lasting before one of them counts as done.
    sync_dir(disk, dir)?;
    for part in Part::INDEXES.into_iter().chain([Part::Log]) {
        move_part(disk, dir, group.base, part, CLEANED, SWAP)?;
    }
    sync_dir(disk, dir)?;
    finish(disk, dir, group.base, &group.replaces)
}

/// Removes what was cleaned for a group that will not be swapped in.
pub fn discard(disk: &dyn Disk, dir: &Path, base: Offset) -> Result<()> {
    for part in Part::ALL {
        remove(disk, &part_path(dir, base, part, CLEANED))?;
    }
    Ok(())
}

/// Completes the swaps that a crash cut short and removes what no swap counts on. To be called
/// before the segments of a directory are listed. Gives the logs that were put in place.
pub fn finish_swaps(disk: &dyn Disk, dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = disk.list(dir);
    let entries = entries.map_err(|e| Error::io(format_args!("list {}", dir.display()), e))?;
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let base_of = |name: &str, end: &str| -> Option<Offset> {
        let digits = name.strip_suffix(end).filter(|d| d.len() == 20)?;
        digits.parse().ok().map(Offset)
    };
    let bases: Vec<Offset> = names.iter().filter_map(|n| base_of(n, ".log")).collect();
    let mut swaps: Vec<Offset> = names
        .iter()
        .filter_map(|n| base_of(n, ".log.swap"))
        .collect();
    swaps.sort_unstable();
    let mut stray = 0;
    for name in &names {
        // An index without its log: the crash came before the log was renamed.
        let alone = name.ends_with(SWAP) && !swaps.iter().any(|b| name.starts_with(&stem(*b)));
        if name.ends_with(CLEANED) || alone {
            remove(disk, &dir.join(name))?;
            stray += 1;
        }
    }
    let mut finished = Vec::new();
    for base in swaps {
        let end = end_of(disk, &part_path(dir, base, Part::Log, SWAP))?.unwrap_or(base);
        // Only what has records in the new segment must go; what has none may stay, uncleaned.
        let replaced: Vec<Offset> = bases
            .iter()
            .copied()
            .filter(|b| *b > base && *b < end)
            .collect();
        finish(disk, dir, base, &replaced)?;
        finished.push(part_path(dir, base, Part::Log, ""));
    }
    if stray > 0 {
        sync_dir(disk, dir)?;
    }
    Ok(finished)
}

fn stem(base: Offset) -> String {
    format!("{:020}.", base.get())
}

/// Steps that may be done twice.
fn finish(disk: &dyn Disk, dir: &Path, base: Offset, replaced: &[Offset]) -> Result<()> {
    for old in replaced.iter().filter(|old| **old != base) {
        // The log first: without it the indexes belong to nothing.
        for part in Part::ALL {
            remove(disk, &part_path(dir, *old, part, ""))?;
        }
    }
    for part in Part::INDEXES {
        move_part(disk, dir, base, part, SWAP, "")?;
    }
    sync_dir(disk, dir)?;
    move_part(disk, dir, base, Part::Log, SWAP, "")?;
    sync_dir(disk, dir)
}

/// The offset after the last batch of a file of batches; `None` when it has none.
fn end_of(disk: &dyn Disk, path: &Path) -> Result<Option<Offset>> {
    let wrong = |e| Error::io(format_args!("map {}", path.display()), e);
    let bytes = disk.map(path).map_err(wrong)?;
    let mut end = None;
    for batch in Batches::new(&bytes) {
        end = Some(
            batch
                .map_err(|e| e.at(path.display()))?
                .header()
                .next_offset(),
        );
    }
    Ok(end)
}

fn move_part(
    disk: &dyn Disk,
    dir: &Path,
    base: Offset,
    part: Part,
    from: &str,
    to: &str,
) -> Result<()> {
    let (from, to) = (
        part_path(dir, base, part, from),
        part_path(dir, base, part, to),
    );
    match disk.rename(&from, &to) {
        // There is no transaction index, or a crash came after this step.
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| Error::io(format_args!("rename {}", from.display()), e)),
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove_file(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| Error::io(format_args!("remove {}", path.display()), e)),
    }
}

fn sync_dir(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let synced = disk.sync_dir(dir);
    synced.map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))
}
