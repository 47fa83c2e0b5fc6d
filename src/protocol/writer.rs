//! Writes Kafka's primitive types.

use super::reader::STRING_BYTES_MAX;
use crate::codec::varint;

/// Appends to a buffer. Lengths are the caller's to bound: a string above 32,767 bytes, or anything
/// above 2 GiB, is a programmer's error and asserted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

macro_rules! fixed {
    ($($name:ident: $ty:ty),+ $(,)?) => {
        $(
            #[inline]
            pub fn $name(&mut self, value: $ty) {
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
        )+
    };
}

impl Writer {
    pub fn new() -> Self {
        Writer::default()
    }

    pub fn with_capacity(bytes: usize) -> Self {
        Writer {
            bytes: Vec::with_capacity(bytes),
        }
    }

    fixed! {
        i8: i8, i16: i16, i32: i32, i64: i64, u8: u8, u16: u16, u32: u32, f64: f64,
    }

    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub fn uuid(&mut self, value: &[u8; 16]) {
        self.bytes.extend_from_slice(value);
    }

    pub fn uvarint(&mut self, value: u32) {
        varint::write_u32(&mut self.bytes, value);
    }

    pub fn varint(&mut self, value: i32) {
        varint::write_i64(&mut self.bytes, i64::from(value));
    }

    pub fn varlong(&mut self, value: i64) {
        varint::write_i64(&mut self.bytes, value);
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    pub fn string(&mut self, value: &str) {
        self.nullable_string(Some(value));
    }

    pub fn nullable_string(&mut self, value: Option<&str>) {
        assert_string(value);
        self.i16(value.map_or(-1, |v| v.len() as i16));
        self.raw(value.unwrap_or_default().as_bytes());
    }

    pub fn compact_string(&mut self, value: &str) {
        self.compact_nullable_string(Some(value));
    }

    pub fn compact_nullable_string(&mut self, value: Option<&str>) {
        assert_string(value);
        self.compact_nullable_bytes(value.map(str::as_bytes));
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.nullable_bytes(Some(value));
    }

    pub fn nullable_bytes(&mut self, value: Option<&[u8]>) {
        self.nullable_array_len(value.map(<[u8]>::len));
        self.raw(value.unwrap_or_default());
    }

    pub fn compact_bytes(&mut self, value: &[u8]) {
        self.compact_nullable_bytes(Some(value));
    }

    pub fn compact_nullable_bytes(&mut self, value: Option<&[u8]>) {
        self.compact_nullable_array_len(value.map(<[u8]>::len));
        self.raw(value.unwrap_or_default());
    }

    /// The count before the elements, which the caller writes.
    pub fn array_len(&mut self, count: usize) {
        self.nullable_array_len(Some(count));
    }

    pub fn nullable_array_len(&mut self, count: Option<usize>) {
        self.i32(count.map_or(-1, bounded));
    }

    pub fn compact_array_len(&mut self, count: usize) {
        self.compact_nullable_array_len(Some(count));
    }

    pub fn compact_nullable_array_len(&mut self, count: Option<usize>) {
        self.uvarint(count.map_or(0, |c| bounded(c) as u32 + 1));
    }

    /// The tagged fields that end a flexible structure; tags must ascend (asserted).
    pub fn tagged(&mut self, fields: &[(u32, Writer)]) {
        assert!(
            fields.is_sorted_by(|a, b| a.0 < b.0),
            "tags ascend and differ"
        );
        self.uvarint(bounded(fields.len()) as u32);
        for (tag, field) in fields {
            self.uvarint(*tag);
            self.uvarint(bounded(field.bytes.len()) as u32);
            self.raw(&field.bytes);
        }
    }

    /// The end of a flexible structure that has no tagged fields to say.
    pub fn no_tagged(&mut self) {
        self.uvarint(0);
    }
}

fn assert_string(value: Option<&str>) {
    assert!(
        value.is_none_or(|v| v.len() <= STRING_BYTES_MAX),
        "a string of the protocol has at most {STRING_BYTES_MAX} bytes"
    );
}

fn bounded(length: usize) -> i32 {
    assert!(
        length < i32::MAX as usize,
        "a length of the protocol fits 31 bits"
    );
    length as i32
}
