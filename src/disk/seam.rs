//! The seam itself: what the layers above may ask of files and directories.

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Must exist; not writable.
    Read,
    /// Must exist; readable and writable.
    Write,
    /// Must not exist; readable and writable.
    CreateNew,
    /// Emptied when it exists, made otherwise; readable and writable.
    Truncate,
}

/// One directory entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_dir: bool,
    /// 0 for a directory.
    pub size_bytes: u64,
}

/// How large a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    pub total_bytes: u64,
    /// What this process may still write.
    pub usable_bytes: u64,
}

/// A file system. All paths are absolute, or relative to where the process stands.
///
/// Promises: a name created, renamed or removed is lasting only after [`Disk::sync_dir`] of its
/// directory; the bytes of a file only after [`File::sync`]. Rename replaces atomically.
pub trait Disk: Send + Sync + Debug {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// The whole file as shared bytes, mapped where the disk can. Only for files that will never
    /// change again: a sealed segment is replaced by rename and never truncated in place.
    fn map(&self, path: &Path) -> io::Result<Bytes>;
    /// Entries without `.` and `..`, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// Makes a directory and those above it; succeeds when it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory with all that is in it.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    fn exists(&self, path: &Path) -> bool;
    /// How large the file system of `dir` is; `None` where that cannot be said.
    fn space(&self, _dir: &Path) -> io::Result<Option<Space>> {
        Ok(None)
    }
    /// Keeps a second process out; see [`super::DirectoryLock`]. A disk in memory needs none.
    fn lock(&self, dir: &Path) -> Result<super::DirectoryLock>;
}

/// An open file. Reads and writes name their position: there is no shared cursor.
pub trait File: Send + Sync + Debug {
    /// Reads up to `into.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes all of `parts`, one after the other, from `position` on, in as few calls as can be.
    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends (with zeros).
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Bytes and length are on the disk when this returns.
    fn sync(&self) -> io::Result<()>;
}

/// Replaces `path` so that after a crash either the old or the new content is there, whole:
/// temporary file, sync, rename, sync of the directory.
pub fn write_atomically(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<()> {
    replace(disk, path, content, true)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    disk.sync_dir(parent)
        .map_err(|e| Error::io(format_args!("sync the directory of {}", path.display()), e))
}

/// As [`write_atomically`], for many files of one directory, which the caller syncs once: until then
/// the old content may come back. Without `synced`, what comes back may be neither: for content with a
/// checksum that can be made anew.
pub fn replace(disk: &dyn Disk, path: &Path, content: &[u8], synced: bool) -> Result<()> {
    let temporary = PathBuf::from(format!("{}.tmp", path.display()));
    let step = |what: &str, e| Error::io(format_args!("{what} {}", path.display()), e);
    let file = disk
        .open(&temporary, Open::Truncate)
        .map_err(|e| step("write", e))?;
    file.write_at(&[IoSlice::new(content)], 0)
        .map_err(|e| step("write", e))?;
    if synced {
        file.sync().map_err(|e| step("sync", e))?;
    }
    disk.rename(&temporary, path)
        .map_err(|e| step("replace", e))
}
