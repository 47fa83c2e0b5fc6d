//! Aborted transactions whose marker lies in a segment: entries of 34 bytes, version (i16, 0),
//! producer id, first offset, last offset (the marker's) and last stable offset (i64 each).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::table::Table;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::Aborted;
use crate::types::{Offset, ProducerId};

const ENTRY_BYTES: usize = 34;

/// The transaction index of one segment (`<base>.txnindex`). Most segments have none: the file is
/// made with the first aborted transaction.
#[derive(Debug)]
pub struct TxnIndex {
    base: Offset,
    table: Table<ENTRY_BYTES>,
}

/// Whether a search must go on in the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnSearch {
    /// Later segments cannot have a transaction that overlaps.
    Complete,
    Continue,
}

impl TxnIndex {
    /// Empty, no file.
    pub fn create(disk: Arc<dyn Disk>, path: &Path, base: Offset) -> Self {
        let table = Table::create(disk, path);
        TxnIndex { base, table }
    }

    /// An existing file of `size_bytes`; no I/O until it is used.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        base: Offset,
        size_bytes: u64,
        sealed: bool,
    ) -> Self {
        let table = Table::open(disk, path, size_bytes, sealed);
        TxnIndex { base, table }
    }

    /// Adds a transaction. Errors: Corrupt unless its last offset is above that of the last entry.
    pub fn append(&self, aborted: &Aborted) -> Result<()> {
        let last = self.table.last(&|p, b| self.check(p, b))?;
        let last = last.map(|e| read(&e).1.last_offset);
        if let Some(last) = last.filter(|last| *last >= aborted.last_offset) {
            return Err(Error::corrupt(format!(
                "transaction index {}: its last marker at {last} is not below the new one at {}: remove \
                 the file, it is made anew",
                self.path().display(),
                aborted.last_offset
            )));
        }
        let mut entry = [0; ENTRY_BYTES];
        let numbers = [
            aborted.producer_id.get(),
            aborted.first_offset.get(),
            aborted.last_offset.get(),
            aborted.last_stable.get(),
        ];
        for (to, number) in entry[2..].chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        self.table.push(&|p, b| self.check(p, b), &entry)
    }

    /// Adds to `into`, in order, what overlaps `from..to`. Stops early where the last stable offset
    /// says that nothing later can overlap. An absent or empty index costs nothing.
    pub fn collect(&self, from: Offset, to: Offset, into: &mut Vec<Aborted>) -> Result<TxnSearch> {
        if self.table.is_surely_empty() {
            return Ok(TxnSearch::Continue);
        }
        self.table.look(&|p, b| self.check(p, b), |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            // Last offsets ascend, so what ended before `from` is a prefix.
            let start = entries.partition_point(|e| read(e).1.last_offset < from);
            for entry in entries.get(start..).unwrap_or_default() {
                let (_, aborted) = read(entry);
                if aborted.first_offset < to {
                    into.push(aborted);
                }
                if aborted.last_stable >= to {
                    return TxnSearch::Complete;
                }
            }
            TxnSearch::Continue
        })
    }

    pub fn entries(&self) -> Result<Vec<Aborted>> {
        self.table.look(&|p, b| self.check(p, b), |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            entries.iter().map(|e| read(e).1).collect()
        })
    }

    pub fn len(&self) -> Result<usize> {
        let look = |bytes: &[u8]| bytes.len() / ENTRY_BYTES;
        self.table.look(&|p, b| self.check(p, b), look)
    }

    /// Whether there is surely nothing in it; costs no I/O.
    pub fn is_surely_empty(&self) -> bool {
        self.table.is_surely_empty()
    }

    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.table.is_surely_empty() || self.len()? == 0)
    }

    /// Forgets the transactions whose marker is at or above `offset`.
    pub fn truncate_to(&self, offset: Offset) -> Result<()> {
        if self.table.is_surely_empty() {
            return Ok(());
        }
        let keep = self.table.look(&|p, b| self.check(p, b), |bytes| {
            let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
            entries.partition_point(|e| read(e).1.last_offset < offset)
        })?;
        self.table.truncate(&|p, b| self.check(p, b), keep)
    }

    /// Checks every entry: version, order, and that no marker lies below the segment.
    pub fn sanity_check(&self) -> Result<()> {
        self.table.look(&|p, b| self.check(p, b), |_| ())
    }

    fn check(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
        let mut before = Offset(self.base.get() - 1);
        for (at, entry) in entries.iter().enumerate() {
            let (version, aborted) = read(entry);
            let sound = version == 0
                && aborted.producer_id.is_some()
                && aborted.first_offset >= Offset::ZERO
                && aborted.first_offset <= aborted.last_offset
                && aborted.last_offset > before;
            if !sound {
                return Err(Error::corrupt(format!(
                    "transaction index {}: entry {at} (version {version}, {aborted:?}) cannot be: \
                     remove the file, it is made anew",
                    path.display()
                )));
            }
            before = aborted.last_offset;
        }
        Ok(())
    }

    /// Writes what is new; makes no file when there is nothing to say.
    pub fn write(&self) -> Result<()> {
        if self.has_no_file() {
            return Ok(());
        }
        self.table.write()
    }

    /// Writes and syncs; makes no file when there is nothing to say.
    pub fn sync(&self) -> Result<()> {
        if self.has_no_file() {
            return Ok(());
        }
        self.table.sync()
    }

    /// As [`sync`](Self::sync), but an empty index makes an empty file: it replaces another.
    pub fn force_sync(&self) -> Result<()> {
        self.table.sync()
    }

    /// Writes; from now on the file does not change.
    pub fn seal(&self) -> Result<()> {
        if self.has_no_file() {
            return Ok(());
        }
        self.table.seal()
    }

    fn has_no_file(&self) -> bool {
        self.table.is_surely_empty() && !self.table.is_in_file()
    }

    pub fn path(&self) -> PathBuf {
        self.table.path()
    }

    /// The file was renamed by the owner of the segment.
    pub fn moved(&self, to: &Path) {
        self.table.moved(to);
    }

    /// The size of the file once it is written.
    pub fn size_bytes(&self) -> Result<u64> {
        Ok(self.len()? as u64 * ENTRY_BYTES as u64)
    }

    /// Reads the file if it was not read yet: it will be another one soon.
    pub fn hold(&self) -> Result<()> {
        self.sanity_check()
    }

    /// Lets go of memory that can be read again.
    pub fn rest(&self) {
        self.table.rest();
    }
}

fn read(entry: &[u8; ENTRY_BYTES]) -> (i16, Aborted) {
    let mut numbers = entry[2..].as_chunks::<8>().0.iter();
    let mut next = || numbers.next().map_or(0, |n| i64::from_be_bytes(*n));
    let aborted = Aborted {
        producer_id: ProducerId(next()),
        first_offset: Offset(next()),
        last_offset: Offset(next()),
        last_stable: Offset(next()),
    };
    (i16::from_be_bytes([entry[0], entry[1]]), aborted)
}
