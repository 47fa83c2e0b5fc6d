//! Writes messages: primitives into a buffer, shared bytes beside it, refusals remembered.

use bytes::Bytes;

use super::reader::STRING_BYTES_MAX;
use super::writer::Writer;
use crate::error::{Code, Error, Result};

/// Shared bytes below this are copied: one more part of a vectored write costs more than that.
const SHARED_BYTES_MIN: usize = 1024;

/// A buffer, with shared bytes (records from a mapped file) spliced in uncopied.
///
/// Nothing here fails at once. What cannot be written is noted, and [`MessageWriter::check`] tells
/// the first of it: so a message of fifty fields has one place that can fail.
#[derive(Clone, Debug, Default)]
pub struct MessageWriter {
    /// Everything but the shared bytes.
    pub out: Writer,
    /// Each stands before the byte of `out` at its position. Positions never descend.
    shared: Vec<(usize, Bytes)>,
    /// The code, the field and the reason.
    failure: Option<(Code, &'static str, &'static str)>,
    /// The error codes that were written, and how often each; nearly always none.
    errors: Vec<(i16, u32)>,
}

/// A place in what was written, to come back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    own: usize,
    shared: usize,
}

impl MessageWriter {
    pub fn new() -> Self {
        MessageWriter::default()
    }

    pub fn with_capacity(bytes: usize) -> Self {
        MessageWriter {
            out: Writer::with_capacity(bytes),
            ..MessageWriter::default()
        }
    }

    /// How many bytes were written, the shared ones included.
    pub fn len(&self) -> usize {
        self.len_since(Mark { own: 0, shared: 0 })
    }

    pub fn is_empty(&self) -> bool {
        self.out.bytes.is_empty() && self.shared.is_empty()
    }

    /// Forgets what was written and keeps the buffer.
    pub fn clear(&mut self) {
        self.rewind(Mark { own: 0, shared: 0 });
    }

    /// Where the next byte will stand.
    pub fn mark(&self) -> Mark {
        Mark {
            own: self.out.bytes.len(),
            shared: self.shared.len(),
        }
    }

    /// Forgets what was written behind `mark`, and everything that was refused or noted.
    pub fn rewind(&mut self, mark: Mark) {
        self.out.bytes.truncate(mark.own);
        self.shared.truncate(mark.shared);
        self.failure = None;
        self.errors.clear();
    }

    /// How many bytes were written behind `mark`.
    pub fn len_since(&self, mark: Mark) -> usize {
        let shared = self.shared.iter().skip(mark.shared);
        let shared: usize = shared.map(|(_, part)| part.len()).sum();
        self.out.bytes.len() - mark.own + shared
    }

    /// Writes `value` over four bytes that were written at `mark` before.
    pub fn patch_i32(&mut self, mark: Mark, value: i32) {
        let place = self.out.bytes.get_mut(mark.own..mark.own + 4);
        if let Some(place) = place {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// What was written, in order, for a vectored write.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let own = &self.out.bytes[..];
        let mut from = 0;
        let spliced = self.shared.iter().flat_map(move |(at, part)| {
            let before = &own[from..*at];
            from = *at;
            [before, &part[..]]
        });
        let tail = self.shared.last().map_or(0, |(at, _)| *at);
        let all = spliced.chain(std::iter::once(&own[tail..]));
        all.filter(|part| !part.is_empty())
    }

    /// As [`MessageWriter::parts`], owned, without a copy.
    pub fn into_chunks(self) -> Vec<Bytes> {
        let mut own = Bytes::from(self.out.bytes);
        let mut done = 0;
        let mut chunks = Vec::with_capacity(2 * self.shared.len() + 1);
        for (at, part) in self.shared {
            chunks.push(own.split_to(at - done));
            chunks.push(part);
            done = at;
        }
        chunks.push(own);
        chunks.retain(|chunk| !chunk.is_empty());
        chunks
    }

    /// Notes that `field` cannot be written.
    #[cold]
    pub fn refuse(&mut self, code: Code, field: &'static str, why: &'static str) {
        self.failure.get_or_insert((code, field, why));
    }

    /// Counts an error code that is written; 0 is none.
    #[inline]
    pub fn note_error(&mut self, code: i16) {
        if code != 0 {
            self.count_error(code);
        }
    }

    #[cold]
    fn count_error(&mut self, code: i16) {
        match self.errors.iter_mut().find(|(c, _)| *c == code) {
            Some((_, count)) => *count += 1,
            None => self.errors.push((code, 1)),
        }
    }

    /// The error codes in what was written, each with how often it stands there.
    pub fn errors(&self) -> &[(i16, u32)] {
        &self.errors
    }

    /// An error if anything was refused since the last call.
    pub fn check(&mut self) -> Result<()> {
        match self.failure.take() {
            None => Ok(()),
            Some((code, field, why)) => Err(Error::coded(code, format!("{field} {why}"))),
        }
    }

    /// A string in the form of the version, or null.
    pub fn text(&mut self, compact: bool, value: Option<&str>) {
        if value.is_some_and(|v| v.len() > STRING_BYTES_MAX) {
            self.refuse(
                Code::InvalidRequest,
                "a string",
                "is longer than 32,767 bytes",
            );
            return;
        }
        match compact {
            true => self.out.compact_nullable_string(value),
            false => self.out.nullable_string(value),
        }
    }

    /// The length of an array, of bytes or of records, in the form of the version; `None` is null.
    pub fn length(&mut self, compact: bool, value: Option<usize>) {
        if value.is_some_and(|v| v >= i32::MAX as usize) {
            self.refuse(Code::InvalidRequest, "a field", "is longer than 2 GiB");
            return;
        }
        match compact {
            true => self.out.compact_nullable_array_len(value),
            false => self.out.nullable_array_len(value),
        }
    }

    /// Bytes as they are, without a length, and without a copy unless they are few.
    pub fn raw_shared(&mut self, value: &Bytes) {
        match value.len() < SHARED_BYTES_MIN {
            true => self.out.raw(value),
            false => self.shared.push((self.out.bytes.len(), value.clone())),
        }
    }

    /// One tagged field: tag, size, and what `content` writes.
    pub fn tagged_field(&mut self, tag: u32, content: &mut dyn FnMut(&mut MessageWriter)) {
        let mark = self.mark();
        content(self);
        let size = self.len_since(mark) as u32;
        // The size is known only now: it is put before what it counts.
        let end = self.out.bytes.len();
        self.out.uvarint(tag);
        self.out.uvarint(size);
        let lead = self.out.bytes.len() - end;
        self.out.bytes[mark.own..].rotate_right(lead);
        for (at, _) in self.shared.iter_mut().skip(mark.shared) {
            *at += lead;
        }
    }
}
