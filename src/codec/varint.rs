//! Zig-zag variable-length integers, as in Kafka's records, and the unsigned ones of its flexible messages.
//!
//! Seven bits a byte, the low ones first; the top bit says that more follow. Readers accept forms
//! longer than needed (Kafka does), but never more bytes than the type can take.

/// Reads a zig-zag varint of up to 64 bits; gives the value and how many bytes it took, `None` when
/// the bytes end early or the number is longer than 10 bytes.
#[inline]
pub fn read_i64(bytes: &[u8]) -> Option<(i64, usize)> {
    // Most numbers of a record (deltas, small lengths) take one or two bytes.
    match *bytes {
        [a, ..] if a < 0x80 => Some((unzigzag(u64::from(a)), 1)),
        [a, b, ..] if b < 0x80 => {
            let raw = u64::from(a & 0x7f) | u64::from(b) << 7;
            Some((unzigzag(raw), 2))
        }
        _ => read_long(bytes, 10).map(|(raw, len)| (unzigzag(raw), len)),
    }
}

/// As [`read_i64`], refusing what does not fit 32 bits or takes more than 5 bytes.
#[inline]
pub fn read_i32(bytes: &[u8]) -> Option<(i32, usize)> {
    let (raw, len) = read_u32(bytes)?;
    Some(((raw >> 1) as i32 ^ -((raw & 1) as i32), len))
}

/// Reads an unsigned varint of up to 32 bits.
#[inline]
pub fn read_u32(bytes: &[u8]) -> Option<(u32, usize)> {
    match *bytes {
        [a, ..] if a < 0x80 => Some((u32::from(a), 1)),
        [a, b, ..] if b < 0x80 => Some((u32::from(a & 0x7f) | u32::from(b) << 7, 2)),
        _ => {
            let (raw, len) = read_long(bytes, 5)?;
            Some((u32::try_from(raw).ok()?, len))
        }
    }
}

fn read_long(bytes: &[u8], bytes_max: usize) -> Option<(u64, usize)> {
    let mut raw = 0u64;
    for (at, byte) in bytes.iter().take(bytes_max).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte holds bit 63 alone; anything above it would be lost.
        if at == 9 && bits > 1 {
            return None;
        }
        raw |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Some((raw, at + 1));
        }
    }
    None
}

#[inline]
pub fn write_i64(into: &mut Vec<u8>, value: i64) {
    write_raw(into, zigzag(value));
}

#[inline]
pub fn write_u32(into: &mut Vec<u8>, value: u32) {
    write_raw(into, u64::from(value));
}

#[inline]
fn write_raw(into: &mut Vec<u8>, mut raw: u64) {
    if raw < 0x80 {
        into.push(raw as u8);
        return;
    }
    let mut bytes = [0u8; 10];
    let mut len = 0;
    while raw >= 0x80 {
        bytes[len] = raw as u8 | 0x80;
        raw >>= 7;
        len += 1;
    }
    bytes[len] = raw as u8;
    into.extend_from_slice(&bytes[..=len]);
}

/// How many bytes [`write_i64`] takes.
#[inline]
pub const fn len_i64(value: i64) -> usize {
    len_raw(zigzag(value))
}

/// How many bytes [`write_u32`] takes.
#[inline]
pub const fn len_u32(value: u32) -> usize {
    len_raw(value as u64)
}

#[inline]
const fn len_raw(raw: u64) -> usize {
    // One byte for each seven bits begun; zero takes one as well.
    let bits = 64 - (raw | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[inline]
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
const fn unzigzag(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_bytes() {
        // From the examples in Kafka's and Protocol Buffers' documents.
        for (value, bytes) in [
            (0i64, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (8191, &[0xfe, 0x7f]),
            (-8192, &[0xff, 0x7f]),
            (8192, &[0x80, 0x80, 0x01]),
            (i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (
                i64::MAX,
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            ),
            (
                i64::MIN,
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            ),
        ] {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(len_i64(value), bytes.len(), "{value}");
            assert_eq!(read_i64(bytes), Some((value, bytes.len())));
        }
    }

    #[test]
    fn too_long_or_cut_short_is_refused() {
        assert_eq!(read_i64(&[]), None);
        assert_eq!(read_i64(&[0x80]), None);
        assert_eq!(read_i64(&[0x80, 0x80]), None);
        assert_eq!(read_i64(&[0xff; 11]), None);
        // A tenth byte with more than bit 63.
        let mut over = [0xff; 10];
        over[9] = 0x02;
        assert_eq!(read_i64(&over), None);
        // 33 bits.
        assert_eq!(read_u32(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
        assert_eq!(
            read_u32(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
            Some((u32::MAX, 5))
        );
        assert_eq!(read_i32(&[0xff, 0xff, 0xff, 0xff, 0x10]), None);
        assert_eq!(read_i32(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), None);
    }

    proptest! {
        #[test]
        fn round_trip(value in any::<i64>(), shift in 0u32..64, rest in any::<Vec<u8>>()) {
            let value = value >> shift;
            let mut out = Vec::new();
            write_i64(&mut out, value);
            let len = out.len();
            prop_assert_eq!(len_i64(value), len);
            out.extend_from_slice(&rest);
            prop_assert_eq!(read_i64(&out), Some((value, len)));
            let narrow = i32::try_from(value).ok().map(|v| (v, len));
            prop_assert_eq!(read_i32(&out), narrow);
        }

        #[test]
        fn round_trip_unsigned(value in any::<u32>(), shift in 0u32..32) {
            let value = value >> shift;
            let mut out = Vec::new();
            write_u32(&mut out, value);
            prop_assert_eq!(len_u32(value), out.len());
            prop_assert_eq!(read_u32(&out), Some((value, out.len())));
        }

        #[test]
        fn never_takes_more_than_there_is(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            for taken in [
                read_i64(&bytes).map(|r| r.1),
                read_i32(&bytes).map(|r| r.1),
                read_u32(&bytes).map(|r| r.1),
            ] {
                prop_assert!(taken.is_none_or(|n| n >= 1 && n <= bytes.len()));
            }
        }
    }
}
