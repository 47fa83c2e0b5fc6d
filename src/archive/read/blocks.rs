//! The two ways into an archive file: its tail, and its data pages block by block. Nothing reaches the
//! Parquet reader before its checksum was compared.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::super::layout::BLOCK_BYTES;
use super::super::store::Blob;
use crate::codec::crc32c::crc32c;
use crate::error::{Error, Result};
use crate::sync::Mutex;

/// Reads of up to this many blocks are remembered: the facts of a batch lie side by side.
const REMEMBERED_BLOCKS: usize = 4;
const REMEMBERED: usize = 8;

/// The data pages of a file.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    blob: Arc<dyn Blob>,
    place: String,
    /// Where the data pages end.
    end: u64,
    /// The checksum of each block.
    sums: Vec<u32>,
    /// Small reads of late: first byte and content, checked.
    recent: Mutex<VecDeque<(u64, Bytes)>>,
}

impl Blocks {
    /// Errors: Corrupt when there is not one checksum for each block.
    pub fn new(blob: Arc<dyn Blob>, place: String, end: u64, sums: Vec<u32>) -> Result<Blocks> {
        if end.div_ceil(BLOCK_BYTES as u64) != sums.len() as u64 {
            return Err(Error::corrupt(format!(
                "{place}: {} block checksums for {end} bytes of pages",
                sums.len()
            )));
        }
        let recent = Mutex::new(VecDeque::with_capacity(REMEMBERED));
        Ok(Blocks {
            shared: Arc::new(Shared {
                blob,
                place,
                end,
                sums,
                recent,
            }),
        })
    }

    fn read(&self, position: u64, len: usize) -> Result<Bytes> {
        let Shared { end, place, .. } = &*self.shared;
        let wanted_end = position.checked_add(len as u64).filter(|e| e <= end);
        let wanted_end = wanted_end.ok_or_else(|| {
            Error::corrupt(format!(
                "{place}: {len} bytes are wanted at {position}, the pages end at {end}: its description is damaged"
            ))
        })?;
        if len == 0 {
            return Ok(Bytes::new());
        }
        if let Some(found) = self.remembered(position, wanted_end) {
            return Ok(found);
        }
        let block = BLOCK_BYTES as u64;
        let first = position / block;
        let from = first * block;
        let to = wanted_end.div_ceil(block).saturating_mul(block).min(*end);
        let bytes = self.shared.blob.read(from, (to - from) as usize)?;
        self.check(first as usize, &bytes)?;
        if bytes.len() <= REMEMBERED_BLOCKS * BLOCK_BYTES {
            let mut recent = self.shared.recent.lock();
            if recent.len() >= REMEMBERED {
                recent.pop_front();
            }
            recent.push_back((from, bytes.clone()));
        }
        let at = (position - from) as usize;
        Ok(bytes.slice(at..at + len))
    }

    fn remembered(&self, position: u64, end: u64) -> Option<Bytes> {
        let recent = self.shared.recent.lock();
        let holds =
            |(from, bytes): &&(u64, Bytes)| *from <= position && end <= *from + bytes.len() as u64;
        let (from, bytes) = recent.iter().find(holds)?;
        Some(bytes.slice((position - from) as usize..(end - from) as usize))
    }

    fn check(&self, first: usize, bytes: &[u8]) -> Result<()> {
        for (at, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
            if self.shared.sums.get(first + at) != Some(&crc32c(block)) {
                return Err(Error::corrupt(format!(
                    "{}: position {}: checksum of a block of {} bytes does not match: restore the file from a backup",
                    self.shared.place,
                    (first + at) * BLOCK_BYTES,
                    block.len()
                )));
            }
        }
        Ok(())
    }

    /// Compares the checksum of every block.
    pub fn check_all(&self) -> Result<()> {
        const AT_ONCE: u64 = 64 * BLOCK_BYTES as u64;
        let mut position = 0;
        while position < self.shared.end {
            let len = AT_ONCE.min(self.shared.end - position);
            let bytes = self.shared.blob.read(position, len as usize)?;
            self.check((position / BLOCK_BYTES as u64) as usize, &bytes)?;
            position += len;
        }
        Ok(())
    }
}

impl Length for Blocks {
    fn len(&self) -> u64 {
        self.shared.end
    }
}

impl ChunkReader for Blocks {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        // Only page headers are read this way, and only without a page index: a block is enough.
        let len = self
            .shared
            .end
            .saturating_sub(start)
            .min(BLOCK_BYTES as u64);
        Ok(self.get_bytes(start, len as usize)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.read(start, length).map_err(external)
    }
}

/// Carries an error of ours through the Parquet crate; [`ours`] takes it out again.
fn external(error: Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// The error of a read: ours where we made it, else Corrupt, as what the reader cannot take is damage.
pub(crate) fn ours(place: &str, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::corrupt(format!("{place}: {other}")),
        },
        other => Error::corrupt(format!("{place}: {other}")),
    }
}

/// Page indexes and footer, in memory. What lies before them cannot be read through it.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub bytes: Bytes,
    /// Where it starts in the file.
    pub position: u64,
}

impl Length for Tail {
    fn len(&self) -> u64 {
        self.position + self.bytes.len() as u64
    }
}

impl ChunkReader for Tail {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let len = Length::len(self).saturating_sub(start);
        Ok(self.get_bytes(start, len as usize)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let from = start.checked_sub(self.position).map(|at| at as usize);
        let to = from.and_then(|from| from.checked_add(length));
        match (from, to) {
            (Some(from), Some(to)) if to <= self.bytes.len() => Ok(self.bytes.slice(from..to)),
            _ => Err(ParquetError::EOF(format!(
                "{length} bytes at {start} lie outside the tail"
            ))),
        }
    }
}
