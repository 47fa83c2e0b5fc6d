//! Shortening a segment file.

use std::io::IoSlice;
use std::path::PathBuf;

use crate::disk::Open;
use crate::error::{Error, Result};
use crate::log::segment::Segment;

/// How much is copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Cuts a file to `size` and syncs it. A sealed one may be mapped by readers of this opening or an
/// earlier one, so what stays is copied and put in its place. The caller syncs the directory.
pub(in crate::log) fn cut(segment: &Segment, size: u64) -> Result<()> {
    let path = segment.path();
    let wrong = |e| Error::io(format_args!("cut {}", path.display()), e);
    let from = segment.file().map_err(wrong)?;
    if !segment.is_sealed() {
        from.set_len(size).map_err(wrong)?;
        return from.sync().map_err(wrong);
    }
    drop(from);
    copy(segment, size)
}

/// Puts a copy of the first `size` bytes, synced, in the place of the file.
pub(super) fn copy(segment: &Segment, size: u64) -> Result<()> {
    let path = segment.path();
    let disk = &segment.place().disk;
    let wrong = |e| Error::io(format_args!("copy {}", path.display()), e);
    let from = segment.file().map_err(wrong)?;
    let temporary = PathBuf::from(format!("{}.tmp", path.display()));
    let to = disk.open(&temporary, Open::Truncate).map_err(wrong)?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = 0;
    while at < size {
        let want = usize::try_from(size - at).map_or(COPY_BYTES, |left| left.min(COPY_BYTES));
        let got = from.read_at(buffer.get_mut(..want).unwrap_or_default(), at);
        let got = match got.map_err(wrong)? {
            0 => return Err(wrong(std::io::ErrorKind::UnexpectedEof.into())),
            got => buffer.get(..got).unwrap_or_default(),
        };
        to.write_at(&[IoSlice::new(got)], at).map_err(wrong)?;
        at += got.len() as u64;
    }
    to.sync().map_err(wrong)?;
    segment.rest();
    disk.rename(&temporary, &path).map_err(wrong)
}
