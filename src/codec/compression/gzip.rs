//! gzip (RFC 1952) around a deflate stream. The wrapper is read and written here, so that the
//! deflate contexts, which are dear to make, can be kept per thread.

use std::cell::RefCell;

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use super::kind::{Failure, Level};
use crate::error::{Error, Result};

/// Magic, deflate, no flags, no time, no extra flags, operating system unknown: what Java writes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const TRAILER_BYTES: usize = 8;
/// zlib's own default, which -1 and `None` stand for.
const LEVEL_DEFAULT: u32 = 6;

thread_local! {
    static DEFLATE: RefCell<Option<(u32, Compress)>> = const { RefCell::new(None) };
    static INFLATE: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

pub(super) fn compress(level: Level, plain: &[u8], into: &mut Vec<u8>) -> Result<()> {
    let level = level.map_or(LEVEL_DEFAULT, |l| u32::try_from(l).unwrap_or(LEVEL_DEFAULT));
    let start = into.len();
    into.extend_from_slice(&HEADER);
    let packed = DEFLATE.with_borrow_mut(|kept| {
        let context = match kept {
            Some((kept_level, context)) if *kept_level == level => {
                context.reset();
                context
            }
            _ => {
                let fresh = Compress::new(flate2::Compression::new(level), false);
                &mut kept.insert((level, fresh)).1
            }
        };
        deflate(context, plain, into)
    });
    if let Err(error) = packed {
        into.truncate(start);
        return Err(Error::internal(format!(
            "gzip refused to compress: {error}"
        )));
    }
    into.extend_from_slice(&crc_fast::crc32_iso_hdlc(plain).to_le_bytes());
    into.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    Ok(())
}

fn deflate(
    context: &mut Compress,
    plain: &[u8],
    into: &mut Vec<u8>,
) -> Result<(), flate2::CompressError> {
    // Records compress well as a rule; the loop makes room where they do not.
    into.reserve(plain.len() / 2 + 64);
    loop {
        let read = context.total_in() as usize;
        let rest = plain.get(read..).unwrap_or(&[]);
        match context.compress_vec(rest, into, FlushCompress::Finish)? {
            Status::StreamEnd => return Ok(()),
            Status::Ok | Status::BufError => into.reserve((rest.len() / 2).max(4096)),
        }
    }
}

/// One or more gzip members, one after the other, as Java's reader accepts them.
pub(super) fn decompress(
    packed: &[u8],
    limit_bytes: usize,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    let end_max = into.len().saturating_add(limit_bytes);
    let mut position = 0;
    loop {
        let rest = packed.get(position..).unwrap_or(&[]);
        position += header_bytes(rest).map_err(|what| Failure::Damaged(what, Some(position)))?;
        let start = into.len();
        let body = packed.get(position..).unwrap_or(&[]);
        position += INFLATE.with_borrow_mut(|kept| {
            let context = kept.get_or_insert_with(|| Decompress::new(false));
            context.reset(false);
            inflate(context, body, position, end_max, into)
        })?;
        let trailer = packed
            .get(position..position + TRAILER_BYTES)
            .and_then(|t| <[u8; TRAILER_BYTES]>::try_from(t).ok())
            .ok_or(Failure::Damaged("cut short in the trailer", Some(position)))?;
        let plain = into.get(start..).unwrap_or(&[]);
        let [c0, c1, c2, c3, l0, l1, l2, l3] = trailer;
        if u32::from_le_bytes([c0, c1, c2, c3]) != crc_fast::crc32_iso_hdlc(plain) {
            return Err(Failure::Damaged("checksum differs", Some(position)));
        }
        if u32::from_le_bytes([l0, l1, l2, l3]) != plain.len() as u32 {
            return Err(Failure::Damaged("length differs", Some(position + 4)));
        }
        position += TRAILER_BYTES;
        if position >= packed.len() {
            return Ok(());
        }
    }
}

/// Inflates one deflate stream at the start of `body`; gives how many bytes it took. `position` is
/// where `body` begins, for the error; `into` grows to `end_max` bytes at most.
fn inflate(
    context: &mut Decompress,
    body: &[u8],
    position: usize,
    end_max: usize,
    into: &mut Vec<u8>,
) -> Result<usize, Failure> {
    loop {
        let read = context.total_in() as usize;
        let rest = body.get(read..).unwrap_or(&[]);
        let len = into.len();
        grow(into, rest.len(), end_max);
        let status = context
            .decompress_vec(rest, into, FlushDecompress::None)
            .map_err(|_| Failure::Damaged("bad deflate data", Some(position + read)))?;
        if into.len() > end_max {
            return Err(Failure::OverLimit);
        }
        if status == Status::StreamEnd {
            return Ok(context.total_in() as usize);
        }
        let stood_still = into.len() == len && context.total_in() as usize == read;
        if stood_still && into.capacity() > len {
            return Err(Failure::Damaged("cut short", Some(position + read)));
        }
        if stood_still && len >= end_max {
            return Err(Failure::OverLimit);
        }
    }
}

/// Makes room for what `rest` may become: three times as much at first, then double, one byte over
/// the limit at most (the byte that shows that the limit is passed).
fn grow(into: &mut Vec<u8>, rest_bytes: usize, end_max: usize) {
    if into.capacity() > into.len() {
        return;
    }
    let wish = rest_bytes.saturating_mul(3).max(into.len()).max(256);
    let room = (end_max - into.len().min(end_max)).saturating_add(1);
    into.reserve_exact(wish.min(room));
}

/// The length of the member header at the start of `bytes`, checked.
fn header_bytes(bytes: &[u8]) -> Result<usize, &'static str> {
    const SHORT: &str = "cut short in the header";
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let fixed: &[u8; 10] = bytes.first_chunk().ok_or(SHORT)?;
    let [magic0, magic1, method, flags, ..] = *fixed;
    if [magic0, magic1] != [0x1f, 0x8b] {
        return Err("no gzip magic");
    }
    if method != 8 || flags & 0xe0 != 0 {
        return Err("unknown method or flags");
    }
    let mut len = fixed.len();
    if flags & EXTRA != 0 {
        let extra = bytes
            .get(len..)
            .and_then(|b| b.first_chunk())
            .ok_or(SHORT)?;
        len += 2 + usize::from(u16::from_le_bytes(*extra));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let rest = bytes.get(len..).ok_or(SHORT)?;
            len += rest.iter().position(|b| *b == 0).ok_or(SHORT)? + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        len += 2;
    }
    if len > bytes.len() {
        return Err(SHORT);
    }
    Ok(len)
}
