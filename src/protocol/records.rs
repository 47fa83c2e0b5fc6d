//! Record batches inside a message: never copied.

use std::borrow::Cow;

use bytes::Bytes;

use super::message_writer::MessageWriter;
use super::reader::Reader;
#[cfg(test)]
use super::sampler::Sampler;
use super::wire::{Version, Wire};
use crate::error::Result;

/// Record batches: a slice of the frame when read, shared bytes when written.
#[derive(Clone, Debug)]
pub enum Records<'a> {
    Slice(&'a [u8]),
    Shared(Bytes),
    /// One behind the other, as from a range over several segments.
    Pieces(Vec<Bytes>),
}

impl Records<'_> {
    pub fn len(&self) -> usize {
        self.pieces().map(<[u8]>::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let (first, more): (&[u8], &[Bytes]) = match self {
            Records::Slice(slice) => (slice, &[]),
            Records::Shared(bytes) => (bytes, &[]),
            Records::Pieces(pieces) => (&[], pieces),
        };
        std::iter::once(first).chain(more.iter().map(|piece| &piece[..]))
    }

    /// As one slice; copied only when there are several pieces.
    pub fn contiguous(&self) -> Cow<'_, [u8]> {
        match self {
            Records::Slice(slice) => Cow::Borrowed(slice),
            Records::Shared(bytes) => Cow::Borrowed(bytes),
            Records::Pieces(pieces) => Cow::Owned(pieces.concat()),
        }
    }
}

impl Default for Records<'_> {
    fn default() -> Self {
        Records::Slice(&[])
    }
}

impl From<Bytes> for Records<'_> {
    fn from(bytes: Bytes) -> Self {
        Records::Shared(bytes)
    }
}

/// Equal when the bytes are, however they are cut.
impl PartialEq for Records<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.contiguous() == other.contiguous()
    }
}

impl<'a> Wire<'a> for Records<'a> {
    const BYTES_MIN: usize = 1;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self> {
        <&'a [u8]>::read(r, at).map(Records::Slice)
    }

    fn write(&self, w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, Some(self.len()));
        match self {
            Records::Slice(slice) => w.out.raw(slice),
            Records::Shared(bytes) => w.raw_shared(bytes),
            Records::Pieces(pieces) => pieces.iter().for_each(|piece| w.raw_shared(piece)),
        }
    }

    fn read_nullable(r: &mut Reader<'a>, at: Version) -> Result<Option<Self>> {
        Ok(<&'a [u8]>::read_nullable(r, at)?.map(Records::Slice))
    }

    fn write_some(&self, w: &mut MessageWriter, at: Version) {
        self.write(w, at);
    }

    fn write_null(w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, None);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, _: Version) -> Self {
        let small = Bytes::from(s.text());
        // Over the limit below which shared bytes are copied.
        let large = Bytes::from(vec![s.number() as u8; 1500]);
        match s.number() % 3 {
            0 => Records::Slice(s.constant()),
            1 => Records::Shared(large),
            _ => Records::Pieces(vec![large.clone(), small, large]),
        }
    }
}
