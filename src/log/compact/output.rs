//! The segment that replaces a group: `<base>.log.cleaned` and its indexes.
//!
//! Runs of unchanged batches go from the mapped source to the file without being copied together;
//! while a lone source has no change at all, nothing is written.

use std::io::IoSlice;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::swap::{CLEANED, Part, part_path};
use crate::disk::{Disk, File, Open};
use crate::error::{Error, Result};
use crate::log::index::{OffsetIndex, TimeIndex, TxnIndex};
use crate::types::{Offset, Timestamp};

/// Changed batches are collected up to here before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// A run of unchanged bytes shorter than this is collected as well.
const RUN_BYTES_MIN: usize = 1 << 16;

/// Sizes for the new indexes.
#[derive(Clone, Copy, Debug)]
pub struct OutputOptions {
    pub base: Offset,
    pub index_bytes_max: u32,
    pub index_interval_bytes: u32,
}

#[derive(Debug)]
pub struct Output {
    file: Option<Arc<dyn File>>,
    disk: Arc<dyn Disk>,
    options: OutputOptions,
    path: PathBuf,
    pub index: OffsetIndex,
    pub time: TimeIndex,
    pub txn: TxnIndex,
    /// Bytes in the file; those in `buffer` come next, then those of `run`.
    written: u64,
    buffer: Vec<u8>,
    /// Unchanged bytes of the source at hand.
    run: Range<usize>,
    /// Bytes since the last index entry.
    unindexed: u64,
    pub latest: Option<(Timestamp, Offset)>,
}

impl Output {
    pub fn new(disk: Arc<dyn Disk>, dir: &Path, options: OutputOptions) -> Output {
        let at = |part| part_path(dir, options.base, part, CLEANED);
        let (base, max) = (options.base, options.index_bytes_max);
        Output {
            file: None,
            options,
            path: at(Part::Log),
            index: OffsetIndex::create(disk.clone(), &at(Part::Index), base, max),
            time: TimeIndex::create(disk.clone(), &at(Part::Time), base, max),
            txn: TxnIndex::create(disk.clone(), &at(Part::Txn), base),
            disk,
            written: 0,
            buffer: Vec::new(),
            run: 0..0,
            unindexed: 0,
            latest: None,
        }
    }

    pub fn size_bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64 + self.run.len() as u64
    }

    /// The batch at `range` of `source` stays as it is.
    pub fn same(
        &mut self,
        source: &[u8],
        range: Range<usize>,
        last_offset: Offset,
        max_timestamp: Timestamp,
    ) -> Result<()> {
        self.note(range.len(), last_offset, max_timestamp)?;
        if self.run.end == range.start && !self.run.is_empty() {
            self.run.end = range.end;
            return Ok(());
        }
        self.end_run(source)?;
        self.run = range;
        Ok(())
    }

    /// These bytes come next.
    pub fn rebuilt(
        &mut self,
        source: &[u8],
        batch: &[u8],
        last_offset: Offset,
        max_timestamp: Timestamp,
    ) -> Result<()> {
        self.note(batch.len(), last_offset, max_timestamp)?;
        self.end_run(source)?;
        self.buffer.extend_from_slice(batch);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write(&[])?;
        }
        Ok(())
    }

    /// Index entries for a batch that is about to be added.
    fn note(&mut self, bytes: usize, last: Offset, max: Timestamp) -> Result<()> {
        let position = u32::try_from(self.size_bytes()).ok();
        let position = position.filter(|p| *p <= i32::MAX as u32);
        let position = position.ok_or_else(|| {
            let path = self.path.display();
            Error::internal(format!("compaction made {path} larger than 2 GiB"))
        })?;
        if self.latest.is_none_or(|(latest, _)| max > latest) {
            self.latest = Some((max, last));
        }
        if self.unindexed > u64::from(self.options.index_interval_bytes) {
            if !self.index.is_full()? {
                self.index.append(last, position)?;
            }
            if let Some((latest, at)) = self.latest.filter(|_| position > 0)
                && !self.time.is_full()?
            {
                self.time.append(latest, at)?;
            }
            self.unindexed = 0;
        }
        self.unindexed += bytes as u64;
        Ok(())
    }

    /// The source at hand changes, or something else comes after its unchanged bytes.
    pub fn end_run(&mut self, source: &[u8]) -> Result<()> {
        let run = source
            .get(std::mem::take(&mut self.run))
            .unwrap_or_default();
        if run.len() < RUN_BYTES_MIN {
            self.buffer.extend_from_slice(run);
            if self.buffer.len() >= BUFFER_BYTES {
                self.write(&[])?;
            }
            return Ok(());
        }
        self.write(run)
    }

    /// Writes the buffer and `then`.
    fn write(&mut self, then: &[u8]) -> Result<()> {
        let wrong = |e| Error::io(format_args!("write {}", self.path.display()), e);
        let file = match &self.file {
            Some(file) => file.clone(),
            None => self.disk.open(&self.path, Open::Truncate).map_err(wrong)?,
        };
        let parts = [IoSlice::new(&self.buffer), IoSlice::new(then)];
        file.write_at(&parts, self.written).map_err(wrong)?;
        self.written += (self.buffer.len() + then.len()) as u64;
        self.buffer.clear();
        self.file = Some(file);
        Ok(())
    }

    /// Everything is on the disk when this returns. `had_txn`: one of the replaced segments has a
    /// transaction index, which must be replaced even by an empty one.
    pub fn finish(&mut self, source: &[u8], had_txn: bool) -> Result<()> {
        self.end_run(source)?;
        self.write(&[])?;
        if let Some((latest, at)) = self.latest {
            self.time.append(latest, at)?;
        }
        let wrong = |e| Error::io(format_args!("sync {}", self.path.display()), e);
        if let Some(file) = &self.file {
            file.sync().map_err(wrong)?;
        }
        self.index.sync()?;
        self.time.sync()?;
        if had_txn {
            self.txn.force_sync()
        } else {
            self.txn.sync()
        }
    }
}
