//! Checksums of an archive file, taken while it is written.

use std::io::{self, Write};

use super::super::layout::BLOCK_BYTES;
use super::super::store::BlobWriter;
use crate::codec::crc32c;
use crate::error::Error;

/// Passes a file on to its store. The data pages get a checksum for each block of 32 KiB, which the
/// footer keeps; everything after them (page indexes, footer) gets one, which the catalog keeps.
#[derive(Debug)]
pub(super) struct Summed {
    to: Box<dyn BlobWriter>,
    position: u64,
    /// Checksums of the blocks that are complete.
    blocks: Vec<u32>,
    /// The checksum of the block, or of the tail, so far.
    open: u32,
    /// Where the data pages ended.
    tail: Option<u64>,
    /// What the store said, as `Write` cannot carry it.
    failed: Option<Error>,
}

impl Summed {
    pub fn new(to: Box<dyn BlobWriter>) -> Summed {
        Summed {
            to,
            position: 0,
            blocks: Vec::new(),
            open: 0,
            tail: None,
            failed: None,
        }
    }

    /// The data pages are complete: gives the blocks' checksums and where the pages end.
    pub fn begin_tail(&mut self) -> (Vec<u32>, u64) {
        if !self.position.is_multiple_of(BLOCK_BYTES as u64) {
            self.blocks.push(self.open);
        }
        self.open = 0;
        self.tail = Some(self.position);
        (std::mem::take(&mut self.blocks), self.position)
    }

    pub fn take_failure(&mut self) -> Option<Error> {
        self.failed.take()
    }

    /// The store's writer, where the tail starts, its checksum.
    pub fn end(self) -> (Box<dyn BlobWriter>, u64, u32) {
        let tail = self.tail.unwrap_or(self.position);
        (self.to, tail, self.open)
    }

    fn sum(&mut self, mut bytes: &[u8]) {
        if self.tail.is_some() {
            self.open = crc32c::extend(self.open, bytes);
            return;
        }
        let mut position = self.position;
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - (position % BLOCK_BYTES as u64) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.open = crc32c::extend(self.open, now);
            if now.len() == room {
                self.blocks.push(self.open);
                self.open = 0;
            }
            position += now.len() as u64;
            bytes = later;
        }
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.to.write(bytes) {
            let told = io::Error::other(error.message().to_owned());
            self.failed = Some(error);
            return Err(told);
        }
        self.sum(bytes);
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
