//! The operating system's files.
#![allow(clippy::disallowed_methods)] // the seam itself

use std::fs;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::map::map_file;
use super::{DirectoryLock, Disk, Entry, File, Open, Space};
use crate::error::Result;

/// How many parts one `pwritev` takes (Linux's IOV_MAX).
const PARTS_MAX: usize = 1024;

/// The operating system's file system. `sync` is fdatasync, `sync_dir` fsync of the directory. No
/// file stays open but those that are held, and nothing is cached beyond the system's page cache.
#[derive(Debug, Default)]
pub struct RealDisk {}

impl RealDisk {
    pub fn new() -> Self {
        RealDisk {}
    }
}

#[derive(Debug)]
struct RealFile {
    file: fs::File,
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true);
        match how {
            Open::Read => &mut options,
            Open::Write => options.write(true),
            Open::CreateNew => options.write(true).create_new(true),
            Open::Truncate => options.write(true).create(true).truncate(true),
        };
        let file = options.open(path)?;
        // Linux opens a directory for reading; a later read would fail with less of a reason.
        if how == Open::Read && file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Arc::new(RealFile { file }))
    }

    fn map(&self, path: &Path) -> io::Result<Bytes> {
        map_file(&fs::File::open(path)?)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // A partition's directory may be a link to another disk.
            let found = match entry.file_type()?.is_symlink() {
                true => fs::metadata(entry.path()),
                false => entry.metadata(),
            };
            // A file may go between being listed and being looked at.
            let meta = match found {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                meta => meta?,
            };
            entries.push(Entry {
                // Names that are no UTF-8 are none of ours; they are shown, not hidden.
                name: entry.file_name().to_string_lossy().into_owned(),
                is_dir: meta.is_dir(),
                size_bytes: if meta.is_dir() { 0 } else { meta.len() },
            });
        }
        Ok(entries)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // The parent of a bare file name is the empty path.
        let dir = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        };
        fs::File::open(dir)?.sync_all()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn space(&self, dir: &Path) -> io::Result<Option<Space>> {
        let found = rustix::fs::statvfs(dir)?;
        Ok(Some(Space {
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            usable_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        }))
    }

    fn lock(&self, dir: &Path) -> Result<DirectoryLock> {
        DirectoryLock::acquire(dir)
    }
}

impl File for RealFile {
    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, position + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<()> {
        match parts {
            [] => Ok(()),
            [one] => self.file.write_all_at(one, position),
            parts => write_parts(&self.file, parts, position),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// One system call as a rule; more after a short write or for very many parts.
fn write_parts(file: &fs::File, parts: &[IoSlice<'_>], mut position: u64) -> io::Result<()> {
    let mut parts: SmallVec<[IoSlice<'_>; 16]> = parts.iter().copied().collect();
    let mut rest = parts.as_mut_slice();
    // Drops empty parts at the front, so that a write of 0 bytes means trouble.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        let round = rest.get(..PARTS_MAX).unwrap_or(rest);
        match rustix::io::pwritev(file, round, position) {
            Ok(0) if round.iter().all(|part| part.is_empty()) => {
                let count = round.len();
                rest = rest.get_mut(count..).unwrap_or_default();
            }
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                position += written as u64;
                IoSlice::advance_slices(&mut rest, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
