//! Finding the next batch behind damage that nothing leads over.

use std::io;

use crate::disk::File;
use crate::log::scan::{Peek, is_sound, peek};
use crate::record::HEADER_BYTES;

/// How much is looked through at once.
const WINDOW_BYTES: usize = 1 << 20;

/// Where in a batch its magic stands, and what it is.
const MAGIC_AT: usize = 16;
const MAGIC: u8 = 2;

/// The first position from `from` on where a whole, sound batch begins that `fits`. A value can look like a
/// batch too: whoever has a better way to go on takes it.
pub(super) fn next_batch(
    file: &dyn File,
    from: u64,
    len: u64,
    fits: impl Fn(&Peek) -> bool,
) -> io::Result<Option<u64>> {
    let mut buffer = vec![0; WINDOW_BYTES];
    let mut at = from;
    while at + HEADER_BYTES as u64 <= len {
        let want = usize::try_from(len - at).map_or(WINDOW_BYTES, |left| left.min(WINDOW_BYTES));
        let got = file.read_at(buffer.get_mut(..want).unwrap_or_default(), at)?;
        let window = buffer.get(..got).unwrap_or_default();
        if window.len() < HEADER_BYTES {
            return Ok(None);
        }
        for (start, header) in window.windows(HEADER_BYTES).enumerate() {
            if header.get(MAGIC_AT) != Some(&MAGIC) {
                continue;
            }
            let Ok(Some(found)) = peek(header) else {
                continue;
            };
            let position = at + start as u64;
            let whole = position + found.size as u64 <= len;
            if whole && fits(&found) && is_sound(file, position, found.size)? {
                return Ok(Some(position));
            }
        }
        at += (window.len() - HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}
