//! Offset to position: entries of 8 bytes, relative offset (i32) and position (i32), big-endian,
//! both ascending; one for about every 4 KiB of log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::table::Table;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::types::Offset;

const ENTRY_BYTES: usize = 8;

/// The offset index of one segment (`<base>.index`).
///
/// An entry says: the batch with this last offset starts at this position (Kafka writes the last
/// offset of the batch), so a reader who starts there misses nothing.
#[derive(Debug)]
pub struct OffsetIndex {
    base: Offset,
    entries_max: usize,
    table: Table<ENTRY_BYTES>,
}

impl OffsetIndex {
    /// An empty index for a new segment. No I/O: the file comes with the first write.
    pub fn create(disk: Arc<dyn Disk>, path: &Path, base: Offset, size_bytes_max: u32) -> Self {
        OffsetIndex {
            base,
            entries_max: size_bytes_max as usize / ENTRY_BYTES,
            table: Table::create(disk, path),
        }
    }

    /// An existing file, whose size is known from the listing of its directory. No I/O until it is
    /// used; then it is checked whole, and Corrupt names file and entry.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        base: Offset,
        size_bytes_max: u32,
        size_bytes: u64,
        sealed: bool,
    ) -> Self {
        OffsetIndex {
            base,
            entries_max: size_bytes_max as usize / ENTRY_BYTES,
            table: Table::open(disk, path, size_bytes, sealed),
        }
    }

    /// Adds an entry. The caller has asked [`is_full`](Self::is_full), and rolls before an offset leaves
    /// the range of 31 bits.
    ///
    /// Errors: Corrupt unless `offset` and `position` are above those of the last entry.
    pub fn append(&self, offset: Offset, position: u32) -> Result<()> {
        if let Some((last, at)) = self.last()?
            && (offset <= last || position <= at)
        {
            return Err(Error::corrupt(format!(
                "index {}: its last entry (offset {last}, byte {at}) is not below the new one (offset \
                 {offset}, byte {position}): remove the file, it is made anew",
                self.path().display()
            )));
        }
        let relative = self.relative(offset)?;
        let mut entry = [0; ENTRY_BYTES];
        entry[..4].copy_from_slice(&relative.to_be_bytes());
        entry[4..].copy_from_slice(&position.to_be_bytes());
        self.table.push(&check, &entry)
    }

    /// The entry with the largest offset at or below `offset`; the segment's start when there is none.
    pub fn lookup(&self, offset: Offset) -> Result<(Offset, u32)> {
        let wanted = offset.since(self.base);
        self.table.look(&check, |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            let after = entries.partition_point(|e| i64::from(read(e).0) <= wanted);
            let found = after.checked_sub(1).and_then(|at| entries.get(at));
            found.map_or((self.base, 0), |e| self.absolute(e))
        })
    }

    /// The first entry that starts at or after `position`: an upper bound for a bounded read.
    pub fn lookup_position(&self, position: u32) -> Result<Option<(Offset, u32)>> {
        self.table.look(&check, |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            let at = entries.partition_point(|e| read(e).1 < position);
            entries.get(at).map(|e| self.absolute(e))
        })
    }

    pub fn last(&self) -> Result<Option<(Offset, u32)>> {
        Ok(self.table.last(&check)?.map(|e| self.absolute(&e)))
    }

    pub fn entries(&self) -> Result<Vec<(Offset, u32)>> {
        self.table.look(&check, |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            entries.iter().map(|e| self.absolute(e)).collect()
        })
    }

    pub fn len(&self) -> Result<usize> {
        self.table.look(&check, |bytes| bytes.len() / ENTRY_BYTES)
    }

    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Whether the segment must be rolled before another entry.
    pub fn is_full(&self) -> Result<bool> {
        Ok(self.len()? >= self.entries_max)
    }

    /// Forgets all entries at or above `offset`.
    pub fn truncate_to(&self, offset: Offset) -> Result<()> {
        let wanted = offset.since(self.base);
        let keep = self.table.look(&check, |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            entries.partition_point(|e| i64::from(read(e).0) < wanted)
        })?;
        self.table.truncate(&check, keep)
    }

    /// Checks every entry, and that none points behind the end of the log file.
    pub fn sanity_check(&self, log_bytes: u64) -> Result<()> {
        match self.last()? {
            Some((offset, position)) if u64::from(position) >= log_bytes => {
                Err(Error::corrupt(format!(
                    "index {}: the entry for offset {offset} points to byte {position}, but the log \
                     has {log_bytes}",
                    self.path().display()
                )))
            }
            _ => Ok(()),
        }
    }

    fn relative(&self, offset: Offset) -> Result<i32> {
        let relative = i32::try_from(offset.since(self.base))
            .ok()
            .filter(|r| *r >= 0);
        relative.ok_or_else(|| {
            Error::internal(format!(
                "offset {offset} does not fit the index of the segment at {}",
                self.base
            ))
        })
    }

    fn absolute(&self, entry: &[u8; ENTRY_BYTES]) -> (Offset, u32) {
        let (relative, position) = read(entry);
        (self.base.plus(i64::from(relative)), position)
    }
}

fn read(entry: &[u8; ENTRY_BYTES]) -> (i32, u32) {
    let [a, b, c, d, e, f, g, h] = *entry;
    (
        i32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    )
}

fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut before: Option<(i32, u32)> = None;
    for (at, entry) in entries.iter().enumerate() {
        let (relative, position) = read(entry);
        let ascends = before.is_none_or(|(r, p)| relative > r && position > p);
        if relative < 0 || position > i32::MAX as u32 || !ascends {
            return Err(Error::corrupt(format!(
                "index {}: entry {at} (relative offset {relative}, position {position}) does not \
                 ascend: remove the file, it is made anew",
                path.display()
            )));
        }
        before = Some((relative, position));
    }
    Ok(())
}

super::table::shared_methods!(OffsetIndex);
