//! The records of a batch as shared bytes, so that Arrow and Python can hold on to slices of them.

use bytes::Bytes;

use super::header::{BatchHeader, HEADER_BYTES};
use super::iter::Records;
use super::span::{Span, Spans};
use super::view::BatchView;
use crate::error::Result;

/// The decompressed payload of a batch as shared bytes, for readers that hand out slices of it
/// (Arrow, Python): a slice of the batch's own buffer when it is not compressed.
#[derive(Clone, Debug)]
pub struct PlainRecords {
    pub header: BatchHeader,
    pub payload: Bytes,
}

impl PlainRecords {
    /// `batch` starts with one batch; what follows it is left alone.
    pub fn open(batch: &Bytes, limit_bytes: usize) -> Result<PlainRecords> {
        let view = BatchView::parse(batch)?;
        let header = *view.header();
        let payload = if view.plain_in_place()?.is_some() {
            batch.slice(HEADER_BYTES..header.size_bytes)
        } else {
            let mut plain = Vec::new();
            view.decompress_into(&mut plain, limit_bytes)?;
            Bytes::from(plain)
        };
        Ok(PlainRecords { header, payload })
    }

    pub fn records(&self) -> Records<'_> {
        Records::new(&self.header, &self.payload)
    }

    /// The same walk as positions in `payload`: what an Arrow view needs.
    pub fn spans(&self) -> Spans<'_> {
        Spans::new(&self.header, &self.payload)
    }

    /// The shared bytes of a span that [`spans`](Self::spans) gave; no copy.
    pub fn bytes(&self, span: Span) -> Bytes {
        let range = span.range();
        if range.end > self.payload.len() {
            return Bytes::new();
        }
        self.payload.slice(range)
    }

    /// Where `slice`, borrowed from this payload (a key or value of a record), lies in it; `None`
    /// when it lies elsewhere.
    pub fn payload_range(&self, slice: &[u8]) -> Option<Span> {
        let start = self.payload.as_ptr() as usize;
        let at = (slice.as_ptr() as usize).checked_sub(start)?;
        let end = at.checked_add(slice.len())?;
        if end > self.payload.len() {
            return None;
        }
        Some(Span {
            at: u32::try_from(at).ok()?,
            len: u32::try_from(slice.len()).ok()?,
        })
    }
}
