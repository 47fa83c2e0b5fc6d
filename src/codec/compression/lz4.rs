//! LZ4 frames (the frame format 1.6): the frame is read and written here, the blocks by lz4_flex.
//!
//! Written as Kafka's producers do: independent blocks of 64 KiB, no checksums of content or blocks.
//! Read: every valid frame, linked blocks, all block sizes, checksums, several frames in a row and
//! skippable frames included. Frames that need a dictionary are refused. lz4_flex knows the fast
//! level only: Kafka's levels 1 to 17 are accepted and all give the same bytes.

use std::cell::RefCell;

use lz4_flex::block::{
    CompressTable, DecompressError, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};
use twox_hash::xxhash32::Hasher as XxHash32;

use super::kind::Failure;
use super::room::reserve_within;
use crate::error::{Error, Result};

const MAGIC: [u8; 4] = 0x184d_2204u32.to_le_bytes();
/// 0x184d2a50 to 0x184d2a5f, little endian: a length follows, then that many bytes for others.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// Version 1, independent blocks, no checksums, no size; blocks of up to 64 KiB.
const DESCRIPTOR: [u8; 2] = [0x60, 0x40];
const BLOCK_BYTES: usize = 64 * 1024;
/// How far back a match may reach.
const WINDOW_BYTES: usize = 64 * 1024;
/// The top bit of a block's length: stored as it is.
const STORED: u32 = 1 << 31;
/// A buffer above this is not kept between calls.
const SCRATCH_KEPT_BYTES: usize = 256 * 1024;

thread_local! {
    static TABLE: RefCell<CompressTable> = RefCell::new(CompressTable::large());
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The second byte of the hash, as the format wants it.
fn header_check(descriptor: &[u8]) -> u8 {
    (XxHash32::oneshot(0, descriptor) >> 8) as u8
}

pub(super) fn compress(plain: &[u8], into: &mut Vec<u8>) -> Result<()> {
    let start = into.len();
    into.extend_from_slice(&MAGIC);
    into.extend_from_slice(&DESCRIPTOR);
    into.push(header_check(&DESCRIPTOR));
    for block in plain.chunks(BLOCK_BYTES) {
        if !compress_block(block, into) {
            into.truncate(start);
            return Err(Error::internal("lz4 refused to compress a block"));
        }
    }
    into.extend_from_slice(&[0; 4]);
    Ok(())
}

fn compress_block(block: &[u8], into: &mut Vec<u8>) -> bool {
    let at = into.len();
    into.resize(at + 4 + get_maximum_output_size(block.len()), 0);
    let Some((head, body)) = into.get_mut(at..).and_then(|b| b.split_at_mut_checked(4)) else {
        return false;
    };
    let packed = TABLE.with_borrow_mut(|table| compress_into_with_table(block, body, table));
    let Ok(len) = packed else { return false };
    if len < block.len() {
        head.copy_from_slice(&(len as u32).to_le_bytes());
        into.truncate(at + 4 + len);
    } else {
        head.copy_from_slice(&(block.len() as u32 | STORED).to_le_bytes());
        into.truncate(at + 4);
        into.extend_from_slice(block);
    }
    true
}

pub(super) fn decompress(
    packed: &[u8],
    limit_bytes: usize,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    let end_max = into.len().saturating_add(limit_bytes);
    let mut input = Input {
        bytes: packed,
        position: 0,
    };
    loop {
        let magic = input.take::<4>("cut short in the magic")?;
        let [low, high @ ..] = magic;
        if magic == MAGIC {
            read_frame(&mut input, end_max, into)?;
        } else if low & 0xf0 == 0x50 && high == SKIPPABLE {
            let len = u32::from_le_bytes(input.take("cut short in a skippable frame")?);
            input.slice(len as usize, "cut short in a skippable frame")?;
        } else {
            input.position -= 4;
            return Err(input.damaged("no lz4 frame magic"));
        }
        if input.position == packed.len() {
            return Ok(());
        }
    }
}

/// What a frame's descriptor says.
struct Frame {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_bytes: Option<u64>,
    block_bytes_max: usize,
}

fn read_descriptor(input: &mut Input<'_>) -> Result<Frame, Failure> {
    const SHORT: &str = "cut short in the frame header";
    let begin = input.position;
    let [flags, sizes] = input.take(SHORT)?;
    if flags >> 6 != 1 || flags & 2 != 0 || sizes & 0x8f != 0 {
        return Err(input.damaged("unknown version or flags"));
    }
    if flags & 1 != 0 {
        return Err(input.damaged("needs a dictionary"));
    }
    let block_bytes_max = match sizes >> 4 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return Err(input.damaged("unknown block size")),
    };
    let content_bytes = match flags & 8 {
        0 => None,
        _ => Some(u64::from_le_bytes(input.take(SHORT)?)),
    };
    let descriptor = input.bytes.get(begin..input.position).unwrap_or(&[]);
    let [check] = input.take(SHORT)?;
    if check != header_check(descriptor) {
        return Err(input.damaged("header checksum differs"));
    }
    Ok(Frame {
        linked: flags & 0x20 == 0,
        block_checksums: flags & 0x10 != 0,
        content_checksum: flags & 4 != 0,
        content_bytes,
        block_bytes_max,
    })
}

/// The frame behind its magic.
fn read_frame(input: &mut Input<'_>, end_max: usize, into: &mut Vec<u8>) -> Result<(), Failure> {
    let frame = read_descriptor(input)?;
    let start = into.len();
    if frame
        .content_bytes
        .is_some_and(|n| n > (end_max - start) as u64)
    {
        return Err(Failure::OverLimit);
    }
    loop {
        let head = u32::from_le_bytes(input.take("cut short before a block")?);
        if head == 0 {
            break;
        }
        let len = (head & !STORED) as usize;
        if len > frame.block_bytes_max {
            return Err(input.damaged("block larger than the frame allows"));
        }
        let block = input.slice(len, "block cut short")?;
        if frame.block_checksums {
            let check = u32::from_le_bytes(input.take("block checksum cut short")?);
            if check != XxHash32::oneshot(0, block) {
                return Err(input.damaged("block checksum differs"));
            }
        }
        if head & STORED == 0 {
            let reach = if frame.linked { into.len() - start } else { 0 };
            read_block(block, frame.block_bytes_max, reach, end_max, into).map_err(|f| {
                if f == BAD_BLOCK {
                    input.damaged("bad block")
                } else {
                    f
                }
            })?;
        } else if len > end_max - into.len() {
            return Err(Failure::OverLimit);
        } else {
            reserve_within(into, len, end_max);
            into.extend_from_slice(block);
        }
    }
    let plain = into.get(start..).unwrap_or(&[]);
    if frame.content_bytes.is_some_and(|n| n != plain.len() as u64) {
        return Err(input.damaged("content size differs"));
    }
    if frame.content_checksum {
        let check = u32::from_le_bytes(input.take("content checksum cut short")?);
        if check != XxHash32::oneshot(0, plain) {
            return Err(input.damaged("content checksum differs"));
        }
    }
    Ok(())
}

const BAD_BLOCK: Failure = Failure::Damaged("bad block", None);

/// Decompresses one block into a kept buffer, then appends what it gave: cheaper than zeroing room
/// for a whole block behind `into` each time. `reach` bytes at the end of `into` may be referred to.
fn read_block(
    block: &[u8],
    block_bytes_max: usize,
    reach: usize,
    end_max: usize,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    let room = block_bytes_max.min(end_max - into.len());
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < room {
            scratch.resize(room, 0);
        }
        let target = scratch.get_mut(..room).unwrap_or(&mut []);
        let window = into.len() - reach.min(WINDOW_BYTES).min(into.len());
        let dictionary = into.get(window..).unwrap_or(&[]);
        let done = if dictionary.is_empty() || reach == 0 {
            decompress_into(block, target)
        } else {
            decompress_into_with_dict(block, target, dictionary)
        };
        let done = match done {
            Ok(len) => {
                reserve_within(into, len, end_max);
                into.extend_from_slice(target.get(..len).unwrap_or(&[]));
                Ok(())
            }
            Err(DecompressError::OutputTooSmall { .. }) if room < block_bytes_max => {
                Err(Failure::OverLimit)
            }
            Err(_) => Err(BAD_BLOCK),
        };
        if scratch.len() > SCRATCH_KEPT_BYTES {
            *scratch = Vec::new();
        }
        done
    })
}

/// The packed bytes and how far they were read.
struct Input<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Input<'a> {
    fn damaged(&self, what: &'static str) -> Failure {
        Failure::Damaged(what, Some(self.position))
    }

    fn slice(&mut self, len: usize, short: &'static str) -> Result<&'a [u8], Failure> {
        let rest = self.bytes.get(self.position..).unwrap_or(&[]);
        let slice = rest.get(..len).ok_or(self.damaged(short))?;
        self.position += len;
        Ok(slice)
    }

    fn take<const N: usize>(&mut self, short: &'static str) -> Result<[u8; N], Failure> {
        let slice = self.slice(N, short)?;
        slice.try_into().map_err(|_| self.damaged(short))
    }
}
