//! Telling a torn tail from damage, before the log is opened and cut.
//!
//! A commit is one batch, synced before the next is written. So a crash can spoil the last batch and no
//! other: a spoiled batch with a whole one behind it is damage, and cutting there, as the log of any
//! other partition rightly does, would silently take committed topics away.

use std::path::Path;

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::record::{BatchHeader, BatchView, HEADER_BYTES};
use crate::types::Offset;

/// Where the magic byte stands in a batch.
const MAGIC_AT: usize = 16;

/// Corrupt, naming file and position, when a committed batch lies behind a spoiled one, and for any
/// spoiled one after a clean close. Reads what the log has since the snapshot before the last.
pub(super) fn check(disk: &dyn Disk, dir: &Path, clean: bool) -> Result<()> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(format_args!("list {}", dir.display()), e)),
    };
    let mut segments: Vec<_> = entries
        .into_iter()
        .filter(|e| e.name.ends_with(".log") && e.size_bytes > 0)
        .collect();
    segments.sort_by(|a, b| a.name.cmp(&b.name));
    let last = segments.len().saturating_sub(1);
    for (number, segment) in segments.iter().enumerate() {
        let path = dir.join(&segment.name);
        let bytes = crate::log::files::read_whole(disk, &path, u64::from(u32::MAX))?;
        let bytes = bytes.unwrap_or_default();
        let base = segment
            .name
            .strip_suffix(".log")
            .and_then(|n| n.parse().ok());
        let Some((at, next)) = first_spoiled(&bytes, base.map(Offset)) else {
            continue;
        };
        if clean || number < last || has_whole_batch(bytes.get(at..).unwrap_or_default(), next) {
            return Err(Error::corrupt(format!(
                "{}: the batch at byte {at} is damaged, and it is not the torn end that a \
                 crash leaves: restore the file from a backup",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Where the first batch that is not whole, or not the next, starts, and the offset it should have.
fn first_spoiled(bytes: &[u8], mut next: Option<Offset>) -> Option<(usize, Option<Offset>)> {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
        match whole(rest) {
            Some(header) if next.is_none_or(|n| header.base_offset == n) => {
                at += header.size_bytes;
                next = Some(header.next_offset());
            }
            _ => return Some((at, next)),
        }
    }
    None
}

/// Whether a whole batch of offset `next` or later starts anywhere in `bytes`.
fn has_whole_batch(bytes: &[u8], next: Option<Offset>) -> bool {
    let starts = 0..bytes.len().saturating_sub(HEADER_BYTES);
    starts.into_iter().any(|at| {
        bytes.get(at + MAGIC_AT) == Some(&2)
            && bytes
                .get(at..)
                .and_then(whole)
                .is_some_and(|h| next.is_none_or(|n| h.base_offset >= n))
    })
}

fn whole(bytes: &[u8]) -> Option<BatchHeader> {
    let batch = BatchView::parse(bytes).ok()?;
    batch.check_crc().ok()?;
    Some(*batch.header())
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::disk::{FaultyDisk, Open};
    use crate::error::Kind;
    use crate::record::{BatchBuilder, BuildOptions};
    use crate::types::Timestamp;

    fn batch(offset: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::default();
        builder.push(Timestamp(1), None, Some(b"something"), &[]);
        let options = BuildOptions {
            base_offset: Offset(offset),
            ..BuildOptions::default()
        };
        builder.finish(&options).unwrap().to_vec()
    }

    fn checked(segments: &[(i64, &[u8])]) -> Result<()> {
        let (disk, dir) = (FaultyDisk::new(), Path::new("/m"));
        disk.create_dir(dir).unwrap();
        for (base, bytes) in segments {
            let path = dir.join(format!("{base:020}.log"));
            let file = disk.open(&path, Open::CreateNew).unwrap();
            file.write_at(&[IoSlice::new(bytes)], 0).unwrap();
        }
        check(&disk, dir, false)
    }

    #[test]
    fn a_torn_tail_is_no_damage_and_damage_is_no_torn_tail() {
        let (front, last) = ([batch(0), batch(1)].concat(), batch(2));
        for cut in 0..last.len() {
            checked(&[(0, &[&front, &last[..cut]].concat())]).unwrap();
            let zeros = [&front[..], &last[..cut], &[0; 300]].concat();
            checked(&[(0, &zeros)]).unwrap();
        }
        let all = [&front[..], &last].concat();
        checked(&[(0, &all)]).unwrap();
        for at in 0..front.len() {
            let mut damaged = all.clone();
            damaged[at] ^= 1;
            match checked(&[(0, &damaged)]) {
                // The leader epoch lies outside the checksum and says nothing here.
                Ok(()) => assert!(matches!(at % (front.len() / 2), 12..16), "byte {at}"),
                Err(e) => assert_eq!(e.kind(), Kind::Corrupt),
            }
        }
        checked(&[(0, &front), (2, &last)]).unwrap();
        let e = checked(&[(0, &front[..front.len() - 1]), (2, &last)]).unwrap_err();
        assert_eq!(e.kind(), Kind::Corrupt, "an early segment has no torn tail");
    }
}
