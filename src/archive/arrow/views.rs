//! Builds view arrays whose values stay where they are.

use std::sync::Arc;

use arrow_array::{BinaryViewArray, StringViewArray};
use arrow_buffer::{Buffer, NullBufferBuilder, ScalarBuffer};
use bytes::Bytes;

use crate::error::{Error, Result};

/// Values up to this length lie in the view itself.
const INLINE_MAX: usize = 12;
/// Stands for the array's own buffer until it is known which number that has.
const OWN: u32 = u32::MAX;

/// A column of views under construction: 16 bytes a value, and the buffers that they point into.
///
/// A source is registered only when a value refers to it, so that columns of short values hold no
/// memory of others alive.
#[derive(Debug)]
pub(crate) struct Views {
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    buffers: Vec<Buffer>,
    /// Which source the last buffer came from.
    source: Option<u64>,
    /// Values that exist nowhere else.
    own: Vec<u8>,
}

/// A run of bytes that values are slices of, with a number to tell it from others.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub bytes: Bytes,
    pub number: u64,
}

impl Views {
    pub fn with_capacity(rows: usize) -> Views {
        Views {
            views: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            buffers: Vec::new(),
            source: None,
            own: Vec::new(),
        }
    }

    pub fn push_null(&mut self) {
        self.views.push(0);
        self.nulls.append_null();
    }

    /// Adds `value`, which must be a slice of `source`.
    #[inline]
    pub fn push(&mut self, source: &Source, value: &[u8]) -> Result<()> {
        self.nulls.append_non_null();
        if value.len() <= INLINE_MAX {
            self.views.push(inline(value));
            return Ok(());
        }
        let start = (value.as_ptr() as usize).wrapping_sub(source.bytes.as_ptr() as usize);
        let end = start.checked_add(value.len());
        if end.is_none_or(|end| end > source.bytes.len() || end > u32::MAX as usize) {
            return Err(Error::internal(
                "a value lies outside the buffer it was said to be in",
            ));
        }
        if self.source != Some(source.number) {
            self.source = Some(source.number);
            self.buffers.push(Buffer::from(source.bytes.clone()));
        }
        let buffer = (self.buffers.len() - 1) as u32;
        self.views.push(outside(value, buffer, start as u32));
        Ok(())
    }

    #[inline]
    pub fn push_option(&mut self, source: &Source, value: Option<&[u8]>) -> Result<()> {
        match value {
            Some(value) => self.push(source, value),
            None => {
                self.push_null();
                Ok(())
            }
        }
    }

    /// Adds `value`, of at most 12 bytes, `count` times.
    pub fn push_short(&mut self, value: &[u8], count: usize) {
        debug_assert!(value.len() <= INLINE_MAX);
        let view = inline(value.get(..INLINE_MAX).unwrap_or(value));
        self.views.extend(std::iter::repeat_n(view, count));
        self.nulls.append_n_non_nulls(count);
    }

    pub fn push_nulls(&mut self, count: usize) {
        self.views.extend(std::iter::repeat_n(0, count));
        self.nulls.append_n_nulls(count);
    }

    /// Adds a copy of `value`.
    pub fn push_copy(&mut self, value: &[u8]) -> Result<()> {
        self.nulls.append_non_null();
        if value.len() <= INLINE_MAX {
            self.views.push(inline(value));
            return Ok(());
        }
        let start = self.own.len();
        if start + value.len() > u32::MAX as usize {
            return Err(Error::internal(
                "more than 4 GiB of copied values in one array",
            ));
        }
        self.own.extend_from_slice(value);
        self.views.push(outside(value, OWN, start as u32));
        Ok(())
    }

    fn parts(
        &mut self,
    ) -> (
        ScalarBuffer<u128>,
        Arc<[Buffer]>,
        Option<arrow_buffer::NullBuffer>,
    ) {
        self.source = None;
        let mut views = std::mem::take(&mut self.views);
        let mut buffers = std::mem::take(&mut self.buffers);
        if !self.own.is_empty() {
            let number = buffers.len() as u32;
            buffers.push(Buffer::from_vec(std::mem::take(&mut self.own)));
            for view in &mut views {
                let far = (*view as u32) as usize > INLINE_MAX;
                if far && (*view >> 64) as u32 == OWN {
                    *view = (*view & !(u128::from(u32::MAX) << 64)) | (u128::from(number) << 64);
                }
            }
        }
        (views.into(), buffers.into(), self.nulls.finish())
    }

    /// The array; the builder is empty again.
    pub fn finish_binary(&mut self) -> Result<BinaryViewArray> {
        let (views, buffers, nulls) = self.parts();
        BinaryViewArray::try_new(views, buffers, nulls).map_err(internal)
    }

    /// As [`finish_binary`](Self::finish_binary), for values that are UTF-8.
    pub fn finish_string(&mut self) -> Result<StringViewArray> {
        let (views, buffers, nulls) = self.parts();
        StringViewArray::try_new(views, buffers, nulls).map_err(internal)
    }
}

pub(crate) fn internal(error: arrow_schema::ArrowError) -> Error {
    Error::internal(format!("building arrow arrays: {error}"))
}

#[inline]
fn inline(value: &[u8]) -> u128 {
    let mut bytes = [0u8; 16];
    bytes[..4].copy_from_slice(&(value.len() as u32).to_le_bytes());
    bytes[4..4 + value.len()].copy_from_slice(value);
    u128::from_le_bytes(bytes)
}

/// `value` is longer than [`INLINE_MAX`].
#[inline]
fn outside(value: &[u8], buffer: u32, start: u32) -> u128 {
    let prefix = u32::from_le_bytes([value[0], value[1], value[2], value[3]]);
    u128::from(value.len() as u32)
        | u128::from(prefix) << 32
        | u128::from(buffer) << 64
        | u128::from(start) << 96
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;

    #[test]
    fn values_are_views_of_their_source_and_equal() {
        let bytes = Bytes::from((0..=255u8).collect::<Vec<u8>>());
        let source = Source {
            bytes: bytes.clone(),
            number: 1,
        };
        let mut views = Views::with_capacity(4);
        for len in [0, 1, 4, 11, 12, 13, 100] {
            views.push(&source, &bytes[7..7 + len]).unwrap();
        }
        views.push_null();
        views
            .push_copy(b"a copy of more than twelve bytes")
            .unwrap();
        let array = views.finish_binary().unwrap();
        for (at, len) in [0, 1, 4, 11, 12, 13, 100].into_iter().enumerate() {
            assert_eq!(array.value(at), &bytes[7..7 + len]);
        }
        assert!(array.is_null(7));
        assert_eq!(array.value(8), b"a copy of more than twelve bytes");
        assert_eq!(array.value(6).as_ptr(), bytes[7..].as_ptr(), "no copy");
        assert_eq!(array.data_buffers().len(), 2);
    }

    #[test]
    fn a_value_from_elsewhere_is_refused() {
        let source = Source {
            bytes: Bytes::from_static(b"0123456789abcdef"),
            number: 1,
        };
        let elsewhere = vec![1u8; 40];
        assert!(Views::with_capacity(1).push(&source, &elsewhere).is_err());
    }
}
