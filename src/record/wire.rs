//! Fixed-width integers in place, a cursor over records, and the small buffer a record's lengths are
//! written to before they go into the batch in one piece.

use crate::codec::varint;

/// Big-endian integers at a position of a buffer of known size; the position is a constant of the format.
pub(super) fn i64_at<const N: usize>(bytes: &[u8; N], at: usize) -> i64 {
    i64::from_be_bytes(take(bytes, at))
}

pub(super) fn i32_at<const N: usize>(bytes: &[u8; N], at: usize) -> i32 {
    i32::from_be_bytes(take(bytes, at))
}

pub(super) fn i16_at<const N: usize>(bytes: &[u8; N], at: usize) -> i16 {
    i16::from_be_bytes(take(bytes, at))
}

#[inline(always)]
fn take<const N: usize, const M: usize>(bytes: &[u8; N], at: usize) -> [u8; M] {
    let mut out = [0; M];
    out.copy_from_slice(&bytes[at..at + M]);
    out
}

/// Overwrites `bytes` at a position that the caller has made sure of.
#[inline(always)]
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// A read position in a payload. Every read is checked against what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl Cursor<'_> {
    /// Nearly every number in a record takes one byte or two: those are read here.
    #[inline(always)]
    fn short(&mut self) -> Option<u32> {
        let (value, took) = match self.bytes.get(self.at..)? {
            [a, ..] if *a < 0x80 => (u32::from(*a), 1),
            [a, b, ..] if *b < 0x80 => (u32::from(*a & 0x7f) | u32::from(*b) << 7, 2),
            _ => return None,
        };
        self.at += took;
        Some(value)
    }

    #[inline(always)]
    pub fn varint_i32(&mut self) -> Option<i32> {
        match self.short() {
            Some(value) => Some((value >> 1) as i32 ^ -((value & 1) as i32)),
            None => self.long_i32(),
        }
    }

    #[inline(always)]
    pub fn varint_i64(&mut self) -> Option<i64> {
        match self.short() {
            Some(value) => Some(i64::from(value >> 1) ^ -i64::from(value & 1)),
            None => self.long_i64(),
        }
    }

    #[inline(never)]
    fn long_i32(&mut self) -> Option<i32> {
        let (value, took) = varint::read_i32(self.bytes.get(self.at..)?)?;
        self.at += took;
        Some(value)
    }

    #[inline(never)]
    fn long_i64(&mut self) -> Option<i64> {
        let (value, took) = varint::read_i64(self.bytes.get(self.at..)?)?;
        self.at += took;
        Some(value)
    }

    #[inline(always)]
    pub fn skip(&mut self, count: usize) -> Option<()> {
        let to = self.at.checked_add(count)?;
        if to > self.bytes.len() {
            return None;
        }
        self.at = to;
        Some(())
    }
}

/// Up to 32 bytes of varints on the stack.
pub(super) struct Prefix {
    bytes: [u8; 32],
    len: usize,
}

impl Prefix {
    #[inline(always)]
    pub fn new() -> Self {
        Prefix {
            bytes: [0; 32],
            len: 0,
        }
    }

    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    #[inline(always)]
    pub fn varint(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest >= 0x80 {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    /// Appends what was collected. Copies all 32 bytes and cuts, because a copy of fixed size costs
    /// no call.
    #[inline(always)]
    pub fn append_to(&self, into: &mut Vec<u8>) {
        let end = into.len() + self.len;
        into.extend_from_slice(&self.bytes);
        into.truncate(end);
    }
}

/// How many bytes the zig-zag varint of `value` takes.
#[inline(always)]
pub(super) const fn varint_len(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    // 7 bits a byte; the `| 1` gives zero its one byte.
    (70 - (zigzag | 1).leading_zeros() as usize) / 7
}
