//! A batch in place: its header parsed, its bytes borrowed.

use super::header::{self, BatchHeader, CRC_FROM, HEADER_BYTES};
use super::iter::Records;
use crate::codec::compression::{Compression, decompress};
use crate::codec::crc32c::crc32c;
use crate::error::{Code, Error, Result};

/// One whole batch, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// The batch at the start of `bytes`, which may hold more after it. Checks lengths, not the CRC.
    pub fn parse(bytes: &'a [u8]) -> Result<BatchView<'a>> {
        let header = BatchHeader::parse(bytes)?;
        match bytes.get(..header.size_bytes) {
            Some(bytes) => Ok(BatchView { header, bytes }),
            None => Err(Error::coded(
                Code::CorruptMessage,
                format!(
                    "batch at offset {} is cut short: {} of its {} bytes are there",
                    header.base_offset,
                    bytes.len(),
                    header.size_bytes
                ),
            )),
        }
    }

    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// Exactly this batch.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Everything after the header, as stored (perhaps compressed).
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Compares the checksum; the error names the offset.
    pub fn check_crc(&self) -> Result<()> {
        let found = crc32c(self.bytes.get(CRC_FROM..).unwrap_or_default());
        if found == self.header.crc {
            return Ok(());
        }
        Err(Error::coded(
            Code::CorruptMessage,
            format!(
                "batch at offset {}: checksum {found:08x} does not match the {:08x} in its header",
                self.header.base_offset, self.header.crc
            ),
        ))
    }

    /// Which codec the payload has; an error with code 76 for an id that Kafka has not given out.
    pub fn compression(&self) -> Result<Compression> {
        self.header.attributes.compression().ok_or_else(|| {
            Error::coded(
                Code::UnsupportedCompressionType,
                format!(
                    "batch at offset {}: unknown compression codec {}",
                    self.header.base_offset,
                    self.header.attributes.0 & 7
                ),
            )
        })
    }

    /// The records, decompressed into `scratch` when they are compressed (its old content is lost);
    /// borrowed from the batch when not. `limit_bytes` bounds the decompressed size.
    pub fn records<'s>(&self, scratch: &'s mut Vec<u8>, limit_bytes: usize) -> Result<Records<'s>>
    where
        'a: 's,
    {
        let plain = match self.plain_in_place()? {
            Some(plain) => plain,
            None => {
                scratch.clear();
                self.decompress_into(scratch, limit_bytes)?;
                scratch.as_slice()
            }
        };
        Ok(Records::new(&self.header, plain))
    }

    /// The payload when nothing has to be decompressed. A batch that compaction emptied has none,
    /// whatever codec its header names.
    pub(super) fn plain_in_place(&self) -> Result<Option<&'a [u8]>> {
        let stored = self.compression()? != Compression::None;
        let packed = stored && !(self.header.count == 0 && self.payload().is_empty());
        Ok((!packed).then(|| self.payload()))
    }

    pub(super) fn decompress_into(&self, into: &mut Vec<u8>, limit_bytes: usize) -> Result<()> {
        let limit = limit_bytes.min(i32::MAX as usize);
        decompress(self.compression()?, self.payload(), limit, into).map_err(|e| {
            let place = format_args!("batch at offset {}", self.header.base_offset);
            e.at(place)
        })
    }
}

/// Walks a run of batches. Ends at the first that is cut short (a fetch may end so); yields an error
/// and ends at one that is damaged.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    position: usize,
    damaged: bool,
}

impl<'a> Batches<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Batches {
            rest: bytes,
            position: 0,
            damaged: false,
        }
    }

    /// What was not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes were walked.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.damaged {
            return None;
        }
        let whole = match header::peek_size(self.rest) {
            Ok(None) => return None,
            Ok(Some(size)) if size > self.rest.len() => return None,
            Ok(Some(_)) => BatchView::parse(self.rest),
            Err(e) => Err(e),
        };
        match whole {
            Ok(view) => {
                let size = view.bytes.len();
                self.rest = self.rest.get(size..).unwrap_or_default();
                self.position += size;
                Some(Ok(view))
            }
            Err(e) => {
                self.damaged = true;
                Some(Err(e.at(format_args!("position {}", self.position))))
            }
        }
    }
}
