//! Walking the batches of a segment: by header alone over bytes that are in memory, and with large
//! sequential reads over a file whose end is in doubt.

use std::io;

use crate::codec::crc32c;
use crate::disk::File;
use crate::record::BatchView;
use crate::types::Offset;

/// How much of a file the [`Scanner`] reads at once.
const READ_BYTES: usize = 4 << 20;

/// Where in a batch its checksum stands; it is of all that follows.
const CRC_AT: usize = 17;

/// A batch that says it is larger gets memory only after its checksum was compared.
const SIZE_TRUSTED_MAX: usize = 16 << 20;

/// How much is read at once to compare it.
const STEP_BYTES: usize = 1 << 20;

/// The header fields that a walk needs, read without looking at the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peek {
    pub base: Offset,
    pub next: Offset,
    pub size: usize,
}

fn be<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// The batch at the start of `bytes`; `Ok(None)` when too few are there to tell.
pub(super) fn peek(bytes: &[u8]) -> Result<Option<Peek>, &'static str> {
    let (Some(base), Some(length), Some(magic), Some(delta)) = (
        be(bytes, 0).map(i64::from_be_bytes),
        be(bytes, 8).map(i32::from_be_bytes),
        bytes.get(16).copied(),
        be(bytes, 23).map(i32::from_be_bytes),
    ) else {
        return Ok(None);
    };
    if magic != 2 {
        return Err("no batch of magic 2 starts here");
    }
    if length < 49 || delta < 0 || base < 0 {
        return Err("the length or offset fields of the batch are damaged");
    }
    let base = Offset(base);
    Ok(Some(Peek {
        base,
        next: base.plus(i64::from(delta) + 1),
        size: 12 + length.unsigned_abs() as usize,
    }))
}

/// Whether the batch of `size` bytes at `position` has the checksum that its header names. Read in steps:
/// a length that is damaged costs time, not memory.
pub(super) fn is_sound(file: &dyn File, position: u64, size: usize) -> io::Result<bool> {
    let mut crc = [0; 4];
    if file.read_at(&mut crc, position + CRC_AT as u64)? < crc.len() {
        return Ok(false);
    }
    let (mut sum, mut at) = (0, CRC_AT + crc.len());
    let mut buffer = vec![0; STEP_BYTES.min(size)];
    while at < size {
        let want = buffer.len().min(size - at);
        let into = buffer.get_mut(..want).unwrap_or_default();
        let got = match file.read_at(into, position + at as u64)? {
            0 => return Ok(false),
            got => got,
        };
        sum = crc32c::extend(sum, buffer.get(..got).unwrap_or_default());
        at += got;
    }
    Ok(sum == u32::from_be_bytes(crc))
}

/// What a [`Scanner`] came upon.
pub(crate) enum Step<'a> {
    /// A batch whose frame is whole; its checksum is the caller's to check. With the base offset of
    /// the one behind it, as far as that has one.
    Batch(BatchView<'a>, Option<Offset>),
    /// The file ended where a batch ended.
    End,
    /// What starts here is no whole batch.
    Bad(String),
}

/// Reads the batches of a file in order, 4 MiB at a time.
pub(crate) struct Scanner<'f> {
    file: &'f dyn File,
    /// Where the file ends for this scan.
    len: u64,
    /// Of `buffer[start]` in the file.
    position: u64,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<'f> Scanner<'f> {
    pub(crate) fn new(file: &'f dyn File, from: u64, len: u64) -> Self {
        Scanner {
            file,
            len,
            position: from,
            buffer: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    /// Makes `need` bytes (which the file must have) available at `start`.
    fn fill(&mut self, need: usize) -> io::Result<()> {
        if self.end - self.start >= need {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let left = usize::try_from(self.len - self.position).unwrap_or(usize::MAX);
        let want = left.min(READ_BYTES.max(need));
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        while self.end < need {
            let into = self.buffer.get_mut(self.end..want).unwrap_or_default();
            let at = self.position + self.end as u64;
            match self.file.read_at(into, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => self.end += n,
            }
        }
        Ok(())
    }

    /// Goes on at another position.
    pub(crate) fn seek(&mut self, position: u64) {
        self.position = position;
        (self.start, self.end) = (0, 0);
    }

    /// The next batch; after `End` or `Bad` there is nothing more to ask for.
    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        let position = self.position;
        let bad = |reason: &str| Ok(Step::Bad(reason.to_owned()));
        let left = self.len - position;
        if left == 0 {
            return Ok(Step::End);
        }
        if left < crate::record::HEADER_BYTES as u64 {
            return bad("the file ends within the header of a batch");
        }
        self.fill(crate::record::HEADER_BYTES)?;
        let found = match peek(self.buffer.get(self.start..self.end).unwrap_or_default()) {
            Ok(Some(found))
                if found.size as u64 <= left
                    && found.size > SIZE_TRUSTED_MAX
                    && !is_sound(self.file, position, found.size)? =>
            {
                return bad("the batch is damaged, its length perhaps");
            }
            Ok(Some(found)) => found,
            Ok(None) => return bad("the file ends within the header of a batch"),
            Err(reason) => return bad(reason),
        };
        if found.size as u64 > left {
            return bad("the file ends within a batch");
        }
        let behind = (left - found.size as u64).min(crate::record::HEADER_BYTES as u64) as usize;
        self.fill(found.size + behind)?;
        let follower = self.buffer.get(self.start + found.size..self.end);
        let follower = follower
            .and_then(|b| peek(b).ok().flatten())
            .map(|b| b.base);
        let at = self.start;
        self.start += found.size;
        self.position += found.size as u64;
        let bytes = self.buffer.get(at..at + found.size).unwrap_or_default();
        match BatchView::parse(bytes) {
            Ok(batch) => Ok(Step::Batch(batch, follower)),
            Err(e) => bad(e.message()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::path::Path;

    use super::*;
    use crate::disk::{Disk, FaultyDisk, Open};
    use crate::record::{BatchBuilder, BuildOptions};
    use crate::types::Timestamp;

    fn batch(value: &[u8]) -> Vec<u8> {
        let mut builder = BatchBuilder::default();
        builder.push(Timestamp(1), None, Some(value), &[]);
        builder.finish(&BuildOptions::default()).unwrap().to_vec()
    }

    #[test]
    fn a_damaged_length_costs_no_memory_and_a_large_batch_is_read() {
        let disk = FaultyDisk::new();
        let file = disk.open(Path::new("/log"), Open::CreateNew).unwrap();
        let large = batch(&vec![7; SIZE_TRUSTED_MAX + 1]);
        file.write_at(&[IoSlice::new(&large)], 0).unwrap();
        let mut damaged = batch(b"small");
        damaged[8..12].copy_from_slice(&(100_i32 << 20).to_be_bytes());
        let at = large.len() as u64;
        file.write_at(&[IoSlice::new(&damaged)], at).unwrap();
        file.set_len(at + (120 << 20)).unwrap();
        let mut scanner = Scanner::new(&*file, 0, at + (120 << 20));
        let Step::Batch(found, _) = scanner.step().unwrap() else {
            panic!("the large batch is sound");
        };
        assert_eq!(found.bytes().len(), large.len());
        let Step::Bad(_) = scanner.step().unwrap() else {
            panic!("the small one is not");
        };
        assert!(scanner.buffer.len() <= large.len() + READ_BYTES);
    }
}
