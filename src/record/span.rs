//! The walk itself: where each part of a record lies in the payload. Everything else is made of it.

use super::BatchHeader;
use super::wire::Cursor;
use crate::config::TimestampType;
use crate::error::{Code, Error, Result};
use crate::types::{Offset, Timestamp};

/// A stretch of a payload, in bytes from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub at: u32,
    pub len: u32,
}

impl Span {
    #[inline(always)]
    pub const fn range(self) -> std::ops::Range<usize> {
        self.at as usize..self.at as usize + self.len as usize
    }
}

/// One record as positions in its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSpan {
    pub offset: Offset,
    /// Of the record, or of the append when the batch says so.
    pub timestamp: Timestamp,
    /// As stored, against the batch's base timestamp; keeps what LogAppendTime hides.
    pub timestamp_delta: i64,
    pub key: Option<Span>,
    pub value: Option<Span>,
    /// The headers without their count.
    pub headers: Span,
    pub header_count: u32,
}

/// Walks the records of one batch as positions; the rules are those of [`super::Records`].
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    cursor: Cursor<'a>,
    base_offset: Offset,
    base_timestamp: i64,
    append_time: Option<Timestamp>,
    left: i32,
    /// The next record's delta must not be below it.
    delta_min: i32,
    delta_max: i32,
}

/// What is wrong with a record. Turned into an error off the hot path.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A length or number ends outside the record.
    Framing(&'static str),
    Offset(i32),
    Leftover,
}

impl<'a> Spans<'a> {
    pub(super) fn new(header: &BatchHeader, plain: &'a [u8]) -> Self {
        let append = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
        Spans {
            cursor: Cursor {
                bytes: plain,
                at: 0,
            },
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp.get(),
            append_time: append.then_some(header.max_timestamp),
            left: header.count,
            delta_min: 0,
            delta_max: header.last_offset_delta,
        }
    }

    pub fn payload(&self) -> &'a [u8] {
        self.cursor.bytes
    }

    /// How many records the header says are left.
    pub fn remaining(&self) -> usize {
        self.left.max(0) as usize
    }

    /// Moves on to the first record at or after `offset`.
    pub fn skip_to(&mut self, offset: Offset) {
        let wanted = offset.since(self.base_offset);
        while self.left > 0 {
            let mut ahead = self.cursor;
            match skip_one(&mut ahead) {
                Some(delta) if (delta as i64) < wanted && delta >= self.delta_min => {
                    self.cursor = ahead;
                    self.delta_min = delta.saturating_add(1);
                    self.left -= 1;
                }
                // Wanted, or damaged: `next` says which.
                _ => return,
            }
        }
    }

    #[inline(always)]
    fn read(&mut self) -> Result<RecordSpan, Fault> {
        let raw = read_record(&mut self.cursor)?;
        if raw.offset_delta < self.delta_min || raw.offset_delta > self.delta_max {
            return Err(Fault::Offset(raw.offset_delta));
        }
        self.delta_min = raw.offset_delta.saturating_add(1);
        let created = Timestamp(self.base_timestamp.wrapping_add(raw.timestamp_delta));
        Ok(RecordSpan {
            offset: self.base_offset.plus(raw.offset_delta as i64),
            timestamp: self.append_time.unwrap_or(created),
            timestamp_delta: raw.timestamp_delta,
            key: raw.key,
            value: raw.value,
            headers: raw.headers,
            header_count: raw.header_count,
        })
    }

    #[cold]
    fn error(&self, fault: Fault, at: usize) -> Error {
        let (base, payload) = (self.base_offset, self.cursor.bytes.len());
        let why = match fault {
            Fault::Framing(what) => format!("its {what} reaches outside of it"),
            Fault::Offset(delta) => format!(
                "its offset delta {delta} is not within {} and {}",
                self.delta_min, self.delta_max
            ),
            Fault::Leftover => "bytes are left over after the last record".to_string(),
        };
        Error::coded(
            Code::InvalidRecord,
            format!("batch at offset {base}: record at byte {at} of {payload}: {why}"),
        )
    }
}

impl Iterator for Spans<'_> {
    type Item = Result<RecordSpan>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.cursor.at;
        if self.left <= 0 {
            if self.left == 0 && at < self.cursor.bytes.len() {
                self.left = -1;
                return Some(Err(self.error(Fault::Leftover, at)));
            }
            return None;
        }
        match self.read() {
            Ok(span) => {
                self.left -= 1;
                Some(Ok(span))
            }
            Err(fault) => {
                self.left = -1;
                Some(Err(self.error(fault, at)))
            }
        }
    }
}

/// A record as stored.
struct Raw {
    offset_delta: i32,
    timestamp_delta: i64,
    key: Option<Span>,
    value: Option<Span>,
    headers: Span,
    header_count: u32,
}

/// Reads one record; on success the cursor stands after it.
#[inline(always)]
fn read_record(outer: &mut Cursor<'_>) -> Result<Raw, Fault> {
    let end = record_end(outer).ok_or(Fault::Framing("length"))?;
    let mut cursor = Cursor {
        bytes: outer.bytes.get(..end).unwrap_or_default(),
        at: outer.at,
    };
    // The attributes byte of a record has never had a meaning.
    cursor.skip(1).ok_or(Fault::Framing("attributes"))?;
    let timestamp_delta = cursor.varint_i64().ok_or(Fault::Framing("timestamp"))?;
    let offset_delta = cursor.varint_i32().ok_or(Fault::Framing("offset"))?;
    let key = bytes_span(&mut cursor).ok_or(Fault::Framing("key"))?;
    let value = bytes_span(&mut cursor).ok_or(Fault::Framing("value"))?;
    let header_count = cursor
        .varint_i32()
        .and_then(|n| u32::try_from(n).ok())
        .ok_or(Fault::Framing("number of headers"))?;
    let headers_at = cursor.at;
    for _ in 0..header_count {
        let key = bytes_span(&mut cursor).ok_or(Fault::Framing("header key"))?;
        key.ok_or(Fault::Framing("header key (null)"))?;
        bytes_span(&mut cursor).ok_or(Fault::Framing("header value"))?;
    }
    if cursor.at != end {
        return Err(Fault::Framing("length (it is too long)"));
    }
    outer.at = end;
    Ok(Raw {
        offset_delta,
        timestamp_delta,
        key,
        value,
        headers: Span {
            at: headers_at as u32,
            len: (end - headers_at) as u32,
        },
        header_count,
    })
}

/// Reads a record's length and gives where it ends, which is inside the payload.
#[inline(always)]
fn record_end(cursor: &mut Cursor<'_>) -> Option<usize> {
    let length = usize::try_from(cursor.varint_i32()?).ok()?;
    let end = cursor.at.checked_add(length)?;
    (end <= cursor.bytes.len()).then_some(end)
}

/// Steps over one record and gives its offset delta.
#[inline(always)]
fn skip_one(cursor: &mut Cursor<'_>) -> Option<i32> {
    let end = record_end(cursor)?;
    cursor.skip(1)?;
    cursor.varint_i64()?;
    let delta = cursor.varint_i32()?;
    if cursor.at > end {
        return None;
    }
    cursor.at = end;
    Some(delta)
}

/// A length and that many bytes; a negative length is null.
#[inline(always)]
fn bytes_span(cursor: &mut Cursor<'_>) -> Option<Option<Span>> {
    let len = cursor.varint_i32()?;
    let at = cursor.at;
    if len < 0 {
        return Some(None);
    }
    cursor.skip(len as usize)?;
    Some(Some(Span {
        at: at as u32,
        len: len as u32,
    }))
}
