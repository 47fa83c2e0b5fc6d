//! Snappy in Java's framing (xerial): a 16-byte header, then blocks of `[length i32][raw snappy]`.
//! librdkafka sends one raw block without framing: accepted as well.

use std::cell::RefCell;

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::kind::Failure;
use super::room::reserve_within;
use crate::error::{Error, Result};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Magic, version 1, compatible down to version 1.
const HEADER: [u8; 16] = [
    0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
];
/// What Java's writer puts into one block.
const BLOCK_BYTES: usize = 32 * 1024;
/// A copy of 3 bytes yields at most 64: a block that claims more than this ratio lies.
const RATIO_MAX: usize = 22;

thread_local! {
    static ENCODER: RefCell<Encoder> = RefCell::new(Encoder::new());
}

pub(super) fn compress(plain: &[u8], into: &mut Vec<u8>) -> Result<()> {
    let start = into.len();
    into.extend_from_slice(&HEADER);
    ENCODER.with_borrow_mut(|encoder| {
        for block in plain.chunks(BLOCK_BYTES) {
            let at = into.len();
            into.resize(at + 4 + max_compress_len(block.len()), 0);
            let (_, room) = into.split_at_mut(at);
            let (head, body) = room.split_at_mut(4);
            // Cannot fail: the room is what the codec asked for.
            let Ok(len) = encoder.compress(block, body) else {
                into.truncate(start);
                return Err(Error::internal("snappy refused to compress a block"));
            };
            head.copy_from_slice(&(len as i32).to_be_bytes());
            into.truncate(at + 4 + len);
        }
        Ok(())
    })
}

pub(super) fn decompress(
    packed: &[u8],
    limit_bytes: usize,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    let end_max = into.len().saturating_add(limit_bytes);
    if !packed.starts_with(&MAGIC) {
        return raw(packed, 0, end_max, into);
    }
    let mut position = 0;
    while position < packed.len() {
        let rest = packed.get(position..).unwrap_or(&[]);
        // Streams written one after the other: each begins with a header.
        if rest.starts_with(&MAGIC) {
            check_header(rest).map_err(|what| Failure::Damaged(what, Some(position)))?;
            position += HEADER.len();
            continue;
        }
        let len = rest.first_chunk().map(|l| i32::from_be_bytes(*l));
        let block = len
            .and_then(|len| usize::try_from(len).ok())
            .and_then(|len| rest.get(4..4 + len))
            .ok_or(Failure::Damaged("block cut short", Some(position)))?;
        raw(block, position + 4, end_max, into)?;
        position += 4 + block.len();
    }
    Ok(())
}

/// The versions are there to be ignored by readers that know version 1, all there ever was.
fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
    let header: &[u8; 16] = bytes.first_chunk().ok_or("header cut short")?;
    let [.., c0, c1, c2, c3] = *header;
    if i32::from_be_bytes([c0, c1, c2, c3]) > 1 {
        return Err("framing of an unknown version");
    }
    Ok(())
}

fn raw(block: &[u8], position: usize, end_max: usize, into: &mut Vec<u8>) -> Result<(), Failure> {
    let damaged = |what| Failure::Damaged(what, Some(position));
    let len = decompress_len(block).map_err(|_| damaged("bad block length"))?;
    // Checked before a byte is allocated: the length is only what the header claims.
    if len > block.len().saturating_mul(RATIO_MAX) {
        return Err(damaged("block claims more than it can hold"));
    }
    let start = into.len();
    if len > end_max - start {
        return Err(Failure::OverLimit);
    }
    reserve_within(into, len, end_max);
    into.resize(start + len, 0);
    let written = Decoder::new().decompress(block, into.get_mut(start..).unwrap_or(&mut []));
    match written {
        Ok(written) if written == len => Ok(()),
        _ => Err(damaged("bad block")),
    }
}
