//! Reads Kafka's primitive types from untrusted bytes.
//!
//! Classic messages carry fixed-width lengths, flexible ones (KIP-482) an unsigned varint of the
//! length plus one, where 0 is null. Both forms stand here side by side; a message's version picks.

use crate::codec::varint;
use crate::error::{Error, Result};

/// No string in Kafka's protocol is longer, in either form.
pub const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// How much memory the arrays of one message may take in all. Three bytes of input can become an
/// element of sixty, so the size of the input alone is too weak a bound.
pub const ARRAY_BYTES_MAX: usize = 64 << 20;

/// A cursor over untrusted bytes. Every length is checked against what is left before it is used, so
/// that nothing is ever allocated on the word of the input alone. Errors are Corrupt and name the
/// position, counted from the start of the outermost input.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where `bytes` starts in the outermost input; a tagged field is read through a reader of its own.
    base: usize,
    /// How many bytes of memory the arrays of a message may still take.
    room: usize,
}

macro_rules! fixed {
    ($($name:ident: $ty:ty),+ $(,)?) => {
        $(
            #[inline]
            pub fn $name(&mut self) -> Result<$ty> {
                Ok(<$ty>::from_be_bytes(self.array(stringify!($name))?))
            }
        )+
    };
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader {
            bytes,
            position: 0,
            base: 0,
            room: ARRAY_BYTES_MAX,
        }
    }

    /// How many bytes are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Where the next byte stands in the outermost input.
    pub fn position(&self) -> usize {
        self.base + self.position
    }

    /// Everything not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// An error unless everything was read.
    pub fn end(&self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error(format_args!("{left} bytes are left over"))),
        }
    }

    /// A Corrupt error that names this position.
    #[cold]
    pub fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::corrupt(format!("byte {}: {what}", self.position()))
    }

    /// The next `count` bytes, borrowed.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        self.part(count, "field")
    }

    fn part(&mut self, count: usize, what: &str) -> Result<&'a [u8]> {
        match self.rest().get(..count) {
            Some(part) => {
                self.position += count;
                Ok(part)
            }
            None => Err(self.error(format_args!(
                "{what} of {count} bytes does not fit the {} that are left",
                self.remaining()
            ))),
        }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut copy = [0; N];
        copy.copy_from_slice(self.part(N, what)?);
        Ok(copy)
    }

    fixed! {
        i8: i8, i16: i16, i32: i32, i64: i64, u8: u8, u16: u16, u32: u32, f64: f64,
    }

    /// A byte that is 0 for false; Kafka takes everything else for true.
    #[inline]
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.u8()? != 0)
    }

    /// The sixteen bytes of a UUID as they stand.
    pub fn uuid(&mut self) -> Result<[u8; 16]> {
        self.array("uuid")
    }

    /// An unsigned varint of up to 32 bits.
    #[inline]
    pub fn uvarint(&mut self) -> Result<u32> {
        let found = varint::read_u32(self.rest());
        self.counted(found)
    }

    /// A zig-zag varint of up to 32 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<i32> {
        let found = varint::read_i32(self.rest());
        self.counted(found)
    }

    /// A zig-zag varint of up to 64 bits.
    #[inline]
    pub fn varlong(&mut self) -> Result<i64> {
        let found = varint::read_i64(self.rest());
        self.counted(found)
    }

    fn counted<T>(&mut self, found: Option<(T, usize)>) -> Result<T> {
        match found {
            Some((value, size)) => {
                self.position += size;
                Ok(value)
            }
            None => Err(self.error("the varint is cut short or too long")),
        }
    }

    // Strings.

    pub fn string(&mut self) -> Result<&'a str> {
        let found = self.nullable_string()?;
        found.ok_or_else(|| self.error("null where a string must be"))
    }

    pub fn nullable_string(&mut self) -> Result<Option<&'a str>> {
        let length = self.i16()?;
        let length = self.signed_length(i64::from(length))?;
        length.map(|l| self.text(l)).transpose()
    }

    pub fn compact_string(&mut self) -> Result<&'a str> {
        let found = self.compact_nullable_string()?;
        found.ok_or_else(|| self.error("null where a string must be"))
    }

    pub fn compact_nullable_string(&mut self) -> Result<Option<&'a str>> {
        let length = self.compact_length()?;
        length.map(|l| self.text(l)).transpose()
    }

    fn text(&mut self, length: usize) -> Result<&'a str> {
        if length > STRING_BYTES_MAX {
            return Err(self.error(format_args!("a string of {length} bytes is too long")));
        }
        let part = self.part(length, "string")?;
        std::str::from_utf8(part).map_err(|e| {
            self.error("the string before it is not UTF-8")
                .with_source(e)
        })
    }

    // Bytes. Records travel in these forms too.

    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let found = self.nullable_bytes()?;
        found.ok_or_else(|| self.error("null where bytes must be"))
    }

    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.i32()?;
        let length = self.signed_length(i64::from(length))?;
        length.map(|l| self.part(l, "bytes")).transpose()
    }

    pub fn compact_bytes(&mut self) -> Result<&'a [u8]> {
        let found = self.compact_nullable_bytes()?;
        found.ok_or_else(|| self.error("null where bytes must be"))
    }

    pub fn compact_nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.compact_length()?;
        length.map(|l| self.part(l, "bytes")).transpose()
    }

    // Arrays: the count only; the caller reads the elements.

    /// How many elements follow, at least `element_bytes_min` bytes each: a count that what is left
    /// cannot hold is refused, so the caller may reserve room for it.
    pub fn array_len(&mut self, element_bytes_min: usize) -> Result<usize> {
        let found = self.nullable_array_len(element_bytes_min)?;
        found.ok_or_else(|| self.error("null where an array must be"))
    }

    pub fn nullable_array_len(&mut self, element_bytes_min: usize) -> Result<Option<usize>> {
        let length = self.i32()?;
        let length = self.signed_length(i64::from(length))?;
        self.bounded(length, element_bytes_min)
    }

    pub fn compact_array_len(&mut self, element_bytes_min: usize) -> Result<usize> {
        let found = self.compact_nullable_array_len(element_bytes_min)?;
        found.ok_or_else(|| self.error("null where an array must be"))
    }

    pub fn compact_nullable_array_len(
        &mut self,
        element_bytes_min: usize,
    ) -> Result<Option<usize>> {
        let length = self.compact_length()?;
        self.bounded(length, element_bytes_min)
    }

    /// Takes the memory of `count` elements from what the arrays of a message may have in all.
    #[inline]
    pub fn reserve(&mut self, count: usize, element_size: usize) -> Result<()> {
        match self.room.checked_sub(count.saturating_mul(element_size)) {
            Some(left) => {
                self.room = left;
                Ok(())
            }
            None => Err(self.error(format_args!(
                "{count} elements are more than a message may have"
            ))),
        }
    }

    /// The tagged fields at the end of a flexible structure. `on` gets each tag with a reader of that
    /// field's bytes alone and says whether it knows the tag: a known field must be read to its end,
    /// an unknown one is skipped, as KIP-482 wants.
    pub fn tagged(
        &mut self,
        mut on: impl FnMut(u32, &mut Reader<'a>) -> Result<bool>,
    ) -> Result<()> {
        self.each_tagged(&mut on)
    }

    /// Through a pointer: the loop stands in the program once, not for each message.
    fn each_tagged(
        &mut self,
        on: &mut dyn FnMut(u32, &mut Reader<'a>) -> Result<bool>,
    ) -> Result<()> {
        let count = self.uvarint()?;
        self.bounded(Some(count as usize), 2)?;
        for _ in 0..count {
            let tag = self.uvarint()?;
            let size = self.uvarint()? as usize;
            let base = self.position();
            let bytes = self.part(size, "tagged field")?;
            let mut field = Reader {
                bytes,
                position: 0,
                base,
                room: self.room,
            };
            if on(tag, &mut field)? {
                field.end()?;
            }
            self.room = field.room;
        }
        Ok(())
    }

    /// Passes over tagged fields of which none is known.
    pub fn skip_tagged(&mut self) -> Result<()> {
        self.tagged(|_, _| Ok(false))
    }

    /// -1 is null; below it is an error.
    fn signed_length(&self, length: i64) -> Result<Option<usize>> {
        match length {
            -1 => Ok(None),
            _ => match usize::try_from(length) {
                Ok(length) => Ok(Some(length)),
                Err(_) => Err(self.error(format_args!("the length {length} is negative"))),
            },
        }
    }

    fn compact_length(&mut self) -> Result<Option<usize>> {
        Ok(self.uvarint()?.checked_sub(1).map(|l| l as usize))
    }

    fn bounded(&self, count: Option<usize>, element_bytes_min: usize) -> Result<Option<usize>> {
        let most = self.remaining() / element_bytes_min.max(1);
        match count {
            Some(count) if count > most => Err(self.error(format_args!(
                "{count} elements do not fit the {} bytes that are left",
                self.remaining()
            ))),
            fits => Ok(fits),
        }
    }
}
