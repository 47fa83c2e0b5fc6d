//! What stands in a message: how each type is read and written in a version.

use std::borrow::Cow;

use super::message_writer::MessageWriter;
use super::reader::Reader;
#[cfg(test)]
use super::sampler::Sampler;
use crate::error::Result;
use crate::types::TopicId;

/// A string: borrowed from the frame when read, either when written.
pub type Str<'a> = Cow<'a, str>;
/// Bytes: borrowed from the frame when read, either when written.
pub type Blob<'a> = Cow<'a, [u8]>;
/// Sixteen bytes that are no topic's id.
pub type Uuid = [u8; 16];

/// The version of a message, which its inner structures share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub number: i16,
    /// Whether lengths are compact and structures end with tagged fields (KIP-482).
    pub flexible: bool,
}

/// A type of the protocol. Reading never panics, whatever the bytes, and takes no more memory than
/// the reader allows.
pub trait Wire<'a>: Sized {
    /// No value takes fewer bytes, in any version.
    const BYTES_MIN: usize;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self>;

    fn write(&self, w: &mut MessageWriter, at: Version);

    /// A number that fits, as an error code; 0, no error, for everything else.
    #[inline]
    fn as_error_code(&self) -> i16 {
        0
    }

    // Where null may stand, a structure has a byte before it; other types have a length that says so.

    fn read_nullable(r: &mut Reader<'a>, at: Version) -> Result<Option<Self>> {
        match r.i8()? {
            ..0 => Ok(None),
            _ => Self::read(r, at).map(Some),
        }
    }

    fn write_some(&self, w: &mut MessageWriter, at: Version) {
        w.out.i8(1);
        self.write(w, at);
    }

    fn write_null(w: &mut MessageWriter, _: Version) {
        w.out.i8(-1);
    }

    /// Any value that `at` can carry.
    #[cfg(test)]
    fn sample(s: &mut Sampler, at: Version) -> Self;
}

impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    const BYTES_MIN: usize = 1;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self> {
        T::read_nullable(r, at)
    }

    fn write(&self, w: &mut MessageWriter, at: Version) {
        match self {
            Some(value) => value.write_some(w, at),
            None => T::write_null(w, at),
        }
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, at: Version) -> Self {
        s.one_in(4, |_| None, |s| Some(T::sample(s, at)))
    }
}

macro_rules! fixed {
    ($($ty:ty: $name:ident),+ $(,)?) => {$(
        impl<'a> Wire<'a> for $ty {
            const BYTES_MIN: usize = size_of::<$ty>();

            #[inline]
            fn read(r: &mut Reader<'a>, _: Version) -> Result<Self> {
                r.$name()
            }

            #[inline]
            fn write(&self, w: &mut MessageWriter, _: Version) {
                w.out.$name(*self);
            }

            #[inline]
            fn as_error_code(&self) -> i16 {
                i16::try_from(*self).unwrap_or_default()
            }

            #[cfg(test)]
            fn sample(s: &mut Sampler, _: Version) -> Self {
                s.number() as $ty
            }
        }
    )+};
}

fixed! { i8: i8, i16: i16, i32: i32, i64: i64, u16: u16 }

impl<'a> Wire<'a> for bool {
    const BYTES_MIN: usize = 1;

    #[inline]
    fn read(r: &mut Reader<'a>, _: Version) -> Result<Self> {
        r.bool()
    }

    #[inline]
    fn write(&self, w: &mut MessageWriter, _: Version) {
        w.out.bool(*self);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, _: Version) -> Self {
        s.number().is_multiple_of(2)
    }
}

impl<'a> Wire<'a> for Uuid {
    const BYTES_MIN: usize = 16;

    fn read(r: &mut Reader<'a>, _: Version) -> Result<Self> {
        r.uuid()
    }

    fn write(&self, w: &mut MessageWriter, _: Version) {
        w.out.uuid(self);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, _: Version) -> Self {
        (u128::from(s.number()) << 70 | u128::from(s.number())).to_be_bytes()
    }
}

impl<'a> Wire<'a> for TopicId {
    const BYTES_MIN: usize = 16;

    fn read(r: &mut Reader<'a>, _: Version) -> Result<Self> {
        r.uuid().map(TopicId)
    }

    fn write(&self, w: &mut MessageWriter, _: Version) {
        w.out.uuid(&self.0);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, at: Version) -> Self {
        TopicId(Uuid::sample(s, at))
    }
}

impl<'a> Wire<'a> for Str<'a> {
    const BYTES_MIN: usize = 1;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self> {
        match at.flexible {
            true => r.compact_string().map(Cow::Borrowed),
            false => r.string().map(Cow::Borrowed),
        }
    }

    fn write(&self, w: &mut MessageWriter, at: Version) {
        w.text(at.flexible, Some(self));
    }

    fn read_nullable(r: &mut Reader<'a>, at: Version) -> Result<Option<Self>> {
        let text = match at.flexible {
            true => r.compact_nullable_string()?,
            false => r.nullable_string()?,
        };
        Ok(text.map(Cow::Borrowed))
    }

    fn write_some(&self, w: &mut MessageWriter, at: Version) {
        self.write(w, at);
    }

    fn write_null(w: &mut MessageWriter, at: Version) {
        w.text(at.flexible, None);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, _: Version) -> Self {
        Cow::Owned(s.text())
    }
}

impl<'a> Wire<'a> for &'a [u8] {
    const BYTES_MIN: usize = 1;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self> {
        match at.flexible {
            true => r.compact_bytes(),
            false => r.bytes(),
        }
    }

    fn write(&self, w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, Some(self.len()));
        w.out.raw(self);
    }

    fn read_nullable(r: &mut Reader<'a>, at: Version) -> Result<Option<Self>> {
        match at.flexible {
            true => r.compact_nullable_bytes(),
            false => r.nullable_bytes(),
        }
    }

    fn write_some(&self, w: &mut MessageWriter, at: Version) {
        self.write(w, at);
    }

    fn write_null(w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, None);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, _: Version) -> Self {
        s.constant()
    }
}

impl<'a> Wire<'a> for Blob<'a> {
    const BYTES_MIN: usize = 1;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self> {
        <&'a [u8]>::read(r, at).map(Cow::Borrowed)
    }

    fn write(&self, w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, Some(self.len()));
        w.out.raw(self);
    }

    fn read_nullable(r: &mut Reader<'a>, at: Version) -> Result<Option<Self>> {
        Ok(<&'a [u8]>::read_nullable(r, at)?.map(Cow::Borrowed))
    }

    fn write_some(&self, w: &mut MessageWriter, at: Version) {
        self.write(w, at);
    }

    fn write_null(w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, None);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, _: Version) -> Self {
        Cow::Owned(s.text().into_bytes())
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for Vec<T> {
    const BYTES_MIN: usize = 1;

    fn read(r: &mut Reader<'a>, at: Version) -> Result<Self> {
        let found = Self::read_nullable(r, at)?;
        found.ok_or_else(|| r.error("null where an array must be"))
    }

    fn write(&self, w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, Some(self.len()));
        for element in self {
            element.write(w, at);
        }
    }

    fn read_nullable(r: &mut Reader<'a>, at: Version) -> Result<Option<Self>> {
        let count = match at.flexible {
            true => r.compact_nullable_array_len(T::BYTES_MIN)?,
            false => r.nullable_array_len(T::BYTES_MIN)?,
        };
        let Some(count) = count else { return Ok(None) };
        r.reserve(count, size_of::<T>())?;
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::read(r, at)?);
        }
        Ok(Some(elements))
    }

    fn write_some(&self, w: &mut MessageWriter, at: Version) {
        self.write(w, at);
    }

    fn write_null(w: &mut MessageWriter, at: Version) {
        w.length(at.flexible, None);
    }

    #[cfg(test)]
    fn sample(s: &mut Sampler, at: Version) -> Self {
        let count = s.count();
        (0..count).map(|_| T::sample(s, at)).collect()
    }
}
