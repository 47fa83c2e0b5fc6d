//! Time to offset: entries of 12 bytes, timestamp (i64) and relative offset (i32), big-endian. An
//! entry (t, o) says: no record up to offset o is later than t, so what is later than t lies behind o.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::table::Table;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::types::{Offset, Timestamp};

const ENTRY_BYTES: usize = 12;

/// The time index of one segment (`<base>.timeindex`). Timestamps and offsets ascend.
#[derive(Debug)]
pub struct TimeIndex {
    base: Offset,
    entries_max: usize,
    table: Table<ENTRY_BYTES>,
}

impl TimeIndex {
    /// An empty index for a new segment. No I/O: the file comes with the first write.
    pub fn create(disk: Arc<dyn Disk>, path: &Path, base: Offset, size_bytes_max: u32) -> Self {
        TimeIndex {
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
        TimeIndex {
            base,
            entries_max: size_bytes_max as usize / ENTRY_BYTES,
            table: Table::open(disk, path, size_bytes, sealed),
        }
    }

    /// Adds the largest timestamp so far and the offset that has it; does nothing when it is not
    /// later than the last entry. Gives whether it added.
    pub fn append(&self, timestamp: Timestamp, offset: Offset) -> Result<bool> {
        let (last, at) = self.last()?.unwrap_or((Timestamp::NONE, self.base));
        if timestamp <= last {
            return Ok(false);
        }
        if offset < at {
            return Err(Error::corrupt(format!(
                "time index {}: its last entry names offset {at}, above the new one's {offset}: remove \
                 the file, it is made anew",
                self.path().display()
            )));
        }
        let relative = i32::try_from(offset.since(self.base)).map_err(|_| {
            Error::internal(format!(
                "offset {offset} does not fit the time index of the segment at {}",
                self.base
            ))
        })?;
        let mut entry = [0; ENTRY_BYTES];
        entry[..8].copy_from_slice(&timestamp.get().to_be_bytes());
        entry[8..].copy_from_slice(&relative.to_be_bytes());
        self.table.push(&check, &entry)?;
        Ok(true)
    }

    /// The last entry with a timestamp strictly below `timestamp`, or the segment's start: the first
    /// record at or after `timestamp` has an offset at or above the one given.
    pub fn lookup(&self, timestamp: Timestamp) -> Result<(Timestamp, Offset)> {
        self.table.look(&check, |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            let after = entries.partition_point(|e| read(e).0 < timestamp.get());
            let found = after.checked_sub(1).and_then(|at| entries.get(at));
            found.map_or((Timestamp::NONE, self.base), |e| self.absolute(e))
        })
    }

    /// The latest timestamp and the offset that has it; exact once the segment is sealed.
    pub fn last(&self) -> Result<Option<(Timestamp, Offset)>> {
        Ok(self.table.last(&check)?.map(|e| self.absolute(&e)))
    }

    pub fn entries(&self) -> Result<Vec<(Timestamp, Offset)>> {
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

    /// Whether the segment must be rolled before another entry; one place is kept for the entry that
    /// sealing adds.
    pub fn is_full(&self) -> Result<bool> {
        Ok(self.len()? + 1 >= self.entries_max)
    }

    /// Forgets all entries at or above `offset`.
    pub fn truncate_to(&self, offset: Offset) -> Result<()> {
        let wanted = offset.since(self.base);
        let keep = self.table.look(&check, |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            entries.partition_point(|e| i64::from(read(e).1) < wanted)
        })?;
        self.table.truncate(&check, keep)
    }

    /// Checks every entry, and that none names an offset at or above `next_offset` of the segment.
    pub fn sanity_check(&self, next_offset: Offset) -> Result<()> {
        match self.last()? {
            Some((_, offset)) if offset >= next_offset => Err(Error::corrupt(format!(
                "time index {}: the last entry names offset {offset}, but the segment ends before \
                 {next_offset}",
                self.path().display()
            ))),
            _ => Ok(()),
        }
    }

    fn absolute(&self, entry: &[u8; ENTRY_BYTES]) -> (Timestamp, Offset) {
        let (timestamp, relative) = read(entry);
        (Timestamp(timestamp), self.base.plus(i64::from(relative)))
    }
}

fn read(entry: &[u8; ENTRY_BYTES]) -> (i64, i32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
    (
        i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        i32::from_be_bytes([i, j, k, l]),
    )
}

fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut before: Option<(i64, i32)> = None;
    for (at, entry) in entries.iter().enumerate() {
        let (timestamp, relative) = read(entry);
        // Kafka lets the offset stay where it is: sealing may name it again with a later time.
        let ascends = before.is_none_or(|(t, r)| timestamp > t && relative >= r);
        if relative < 0 || !ascends {
            return Err(Error::corrupt(format!(
                "time index {}: entry {at} (timestamp {timestamp}, relative offset {relative}) does \
                 not ascend: remove the file, it is made anew",
                path.display()
            )));
        }
        before = Some((timestamp, relative));
    }
    Ok(())
}

super::table::shared_methods!(TimeIndex);
