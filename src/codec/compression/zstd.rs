//! Zstandard frames. Contexts are kept per thread: making one costs more than a small batch.
//!
//! Decompression is one call straight into the target, so that there is no window to allocate: the
//! frame may claim any window size, what is written stays within the limit.

use std::cell::RefCell;
use std::io::Cursor;
use std::mem;

use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall as TOO_SMALL;
use zstd::zstd_safe::{
    CCtx, CParameter, DCtx, compress_bound, decompress_bound, get_error_name, is_error_kind,
};

use super::kind::{Failure, Level};
use crate::error::{Error, Result};

const LEVEL_DEFAULT: i32 = 3;

thread_local! {
    static COMPRESS: RefCell<Option<(i32, CCtx<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESS: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

pub(super) fn compress(level: Level, plain: &[u8], into: &mut Vec<u8>) -> Result<()> {
    let level = level.unwrap_or(LEVEL_DEFAULT);
    into.reserve(compress_bound(plain.len()));
    let start = into.len();
    let packed = COMPRESS.with_borrow_mut(|kept| {
        let (kept_level, context) = match kept {
            Some(kept) => kept,
            None => {
                let context = CCtx::try_create()
                    .ok_or_else(|| Error::unavailable("no memory for a zstd context"))?;
                // No level is this: it is set below.
                kept.insert((i32::MIN, context))
            }
        };
        let named = |code| Error::internal(format!("zstd level {level}: {}", get_error_name(code)));
        if *kept_level != level {
            context
                .set_parameter(CParameter::CompressionLevel(level))
                .map_err(named)?;
            *kept_level = level;
        }
        appending(into, |target| context.compress2(target, plain)).map_err(named)
    });
    if packed.is_err() {
        into.truncate(start);
    }
    packed
}

pub(super) fn decompress(
    packed: &[u8],
    limit_bytes: usize,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    // What the frames can hold at most, by their headers: exact where the size was written, else
    // one full block for each block.
    let bound = decompress_bound(packed).map_err(|_| Failure::Damaged("bad frame", None))?;
    let room = usize::try_from(bound)
        .unwrap_or(usize::MAX)
        .min(limit_bytes);
    if packed.is_empty() {
        return Err(Failure::Damaged("no frame", None));
    }
    into.reserve_exact(room);
    let end_max = into.len().saturating_add(limit_bytes);
    let done = DECOMPRESS.with_borrow_mut(|kept| {
        let context = kept.get_or_insert_with(DCtx::create);
        appending(into, |target| context.decompress(target, packed))
    });
    match done {
        // The vector may have had more room than the limit allows.
        Ok(()) if into.len() > end_max => Err(Failure::OverLimit),
        Ok(()) => Ok(()),
        Err(code) if is_error_kind(code, TOO_SMALL) && bound > limit_bytes as u64 => {
            Err(Failure::OverLimit)
        }
        Err(code) => Err(Failure::Damaged(get_error_name(code), None)),
    }
}

/// Runs `write` on the spare room behind what `into` holds.
fn appending(
    into: &mut Vec<u8>,
    write: impl FnOnce(&mut Cursor<Vec<u8>>) -> Result<usize, usize>,
) -> Result<(), usize> {
    let mut target = Cursor::new(mem::take(into));
    target.set_position(target.get_ref().len() as u64);
    let written = write(&mut target);
    *into = target.into_inner();
    written.map(|_| ())
}
