//! Records in place: walking them allocates nothing.

use super::span::{RecordSpan, Span, Spans};
use super::wire::Cursor;
use crate::error::Result;
use crate::types::{Offset, Timestamp};

/// One record, borrowed from its (decompressed) batch.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    pub offset: Offset,
    /// Of the record, or of the append when the batch says so.
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// The headers of a record, not walked yet. Order and repeated keys are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) count: u32,
}

/// One header. Keys are UTF-8 by Kafka's rule, but what is stored may not be: they stay bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    pub fn len(&self) -> usize {
        self.count as usize
    }
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// `count` headers in their wire form, from elsewhere than a record; `None` unless they take
    /// exactly `bytes`.
    pub fn checked(bytes: &'a [u8], count: u32) -> Option<Headers<'a>> {
        let mut cursor = Cursor { bytes, at: 0 };
        for _ in 0..count {
            read_header(&mut cursor, bytes)?;
        }
        (cursor.at == bytes.len()).then_some(Headers { bytes, count })
    }

    /// Headers of a record that [`Records`] yielded were walked once already, so this cannot fail.
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + 'a {
        let bytes = self.bytes;
        let mut cursor = Cursor { bytes, at: 0 };
        (0..self.count).map_while(move |_| read_header(&mut cursor, bytes))
    }

    /// The headers in their wire form, without their count: what [`super::BatchBuilder::push_view`]
    /// takes back.
    pub fn wire(&self) -> &'a [u8] {
        self.bytes
    }
}

fn read_header<'a>(cursor: &mut Cursor<'_>, bytes: &'a [u8]) -> Option<Header<'a>> {
    let key = read_slice(cursor, bytes)??;
    let value = read_slice(cursor, bytes)?;
    Some(Header { key, value })
}

fn read_slice<'a>(cursor: &mut Cursor<'_>, bytes: &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Ok(len) = usize::try_from(cursor.varint_i32()?) else {
        return Some(None);
    };
    let at = cursor.at;
    cursor.skip(len)?;
    bytes.get(at..cursor.at).map(Some)
}

/// Walks the records of one batch. Every length is checked; an error ends the walk. Offsets must
/// ascend; what is left over after the last record is an error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    spans: Spans<'a>,
}

impl<'a> Records<'a> {
    /// Over the plain payload of the batch with this header.
    pub(super) fn new(header: &super::BatchHeader, plain: &'a [u8]) -> Self {
        Records {
            spans: Spans::new(header, plain),
        }
    }

    /// Moves on to the first record at or after `offset`. What is jumped over is looked at no closer
    /// than its length and offset.
    pub fn skip_to(&mut self, offset: Offset) {
        self.spans.skip_to(offset);
    }

    /// How many records the header says are left.
    pub fn remaining(&self) -> usize {
        self.spans.remaining()
    }

    /// The plain bytes that are walked.
    pub fn payload(&self) -> &'a [u8] {
        self.spans.payload()
    }

    /// The same walk, yielding positions instead of slices.
    pub fn into_spans(self) -> Spans<'a> {
        self.spans
    }
}

impl RecordSpan {
    /// The record as slices of `payload`, which must be the one that was walked.
    #[inline(always)]
    pub fn view<'a>(&self, payload: &'a [u8]) -> RecordView<'a> {
        RecordView {
            offset: self.offset,
            timestamp: self.timestamp,
            key: slice(self.key, payload),
            value: slice(self.value, payload),
            headers: Headers {
                bytes: slice(Some(self.headers), payload).unwrap_or_default(),
                count: self.header_count,
            },
        }
    }
}

#[inline(always)]
fn slice(span: Option<Span>, payload: &[u8]) -> Option<&[u8]> {
    payload.get(span?.range())
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordView<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.spans.next()? {
            Ok(span) => Some(Ok(span.view(self.spans.payload()))),
            Err(e) => Some(Err(e)),
        }
    }
}
