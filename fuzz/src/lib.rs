//! What the targets share: cutting an input into parts, and true checksums.
//!
//! An input of several files is a run of parts: length (u16, big-endian), then that many bytes, or
//! what is left. The last part takes the rest. So a mutation inside one part leaves the others whole.

use levada::codec::crc32c::crc32c;
use levada::record::BatchHeader;

/// Takes one part off the front.
pub fn part<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, rest)) = input.split_first_chunk::<2>() else {
        return std::mem::take(input);
    };
    let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
    let (part, rest) = rest.split_at(length);
    *input = rest;
    part
}

/// Takes one byte off the front; 0 when there is none.
pub fn byte(input: &mut &[u8]) -> u8 {
    let Some((first, rest)) = input.split_first() else {
        return 0;
    };
    *input = rest;
    *first
}

/// Gives each batch the checksum of its bytes: a fuzzer does not find a CRC by itself, and what lies
/// behind the check must be reached too.
pub fn seal(bytes: &mut [u8]) {
    let mut left = bytes;
    while let Ok(header) = BatchHeader::parse(left) {
        let Some((batch, rest)) = left.split_at_mut_checked(header.size_bytes) else {
            return;
        };
        if let Some((head, body)) = batch.split_at_mut_checked(21) {
            head[17..21].copy_from_slice(&crc32c(body).to_be_bytes());
        }
        left = rest;
    }
}
