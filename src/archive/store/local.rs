//! A directory as a store.

use std::fmt::Display;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::seam::{Blob, BlobInfo, BlobStore, BlobWriter};
use crate::disk::{Disk, File, Open, write_atomically};
use crate::error::{Error, Kind, Result};

/// Unfinished files lie here, below the root, so that no reader's glob meets one; no topic can have the name.
const UNFINISHED: &str = ".unfinished~";
/// Writes reach the disk in pieces of at least this size.
const WRITE_BYTES: usize = 1 << 20;

/// Keeps files below a directory of a [`Disk`].
#[derive(Debug)]
pub struct LocalStore {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    /// Tells unfinished files of this process apart.
    created: AtomicU64,
}

impl LocalStore {
    /// Makes the directory when missing and removes what a crash left unfinished: the caller owns the
    /// directory.
    pub fn open(disk: Arc<dyn Disk>, root: impl Into<PathBuf>) -> Result<LocalStore> {
        let root = root.into();
        let unfinished = root.join(UNFINISHED);
        if disk.exists(&unfinished) {
            disk.remove_dir(&unfinished)
                .map_err(|e| failed("remove", &unfinished, e))?;
        }
        disk.create_dir(&unfinished)
            .map_err(|e| failed("make", &unfinished, e))?;
        Ok(LocalStore {
            disk,
            root,
            created: AtomicU64::new(0),
        })
    }

    /// For who only reads: nothing is made or removed.
    pub fn for_reading(disk: Arc<dyn Disk>, root: impl Into<PathBuf>) -> LocalStore {
        LocalStore {
            disk,
            root: root.into(),
            created: AtomicU64::new(0),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        let bad = name
            .split('/')
            .any(|part| part.is_empty() || part == ".." || part == ".");
        if bad || name.contains('\0') {
            return Err(Error::invalid(format!(
                "not a name in the archive: {name:?}"
            )));
        }
        Ok(self.root.join(name))
    }

    /// Makes the directory of `path` and makes its names lasting, up to the root.
    fn ready_dir(&self, path: &Path) -> Result<()> {
        let Some(dir) = path.parent() else {
            return Ok(());
        };
        if self.disk.exists(dir) {
            return Ok(());
        }
        self.disk
            .create_dir(dir)
            .map_err(|e| failed("make", dir, e))?;
        for above in dir.ancestors().skip(1) {
            self.disk
                .sync_dir(above)
                .map_err(|e| failed("sync", above, e))?;
            if above == self.root {
                break;
            }
        }
        Ok(())
    }

    fn walk(&self, dir: &Path, prefix: &str, into: &mut Vec<BlobInfo>) -> Result<()> {
        if !self.disk.exists(dir) {
            return Ok(());
        }
        for entry in self.disk.list(dir).map_err(|e| failed("list", dir, e))? {
            let name = format!("{prefix}{}", entry.name);
            if entry.is_dir {
                self.walk(&dir.join(&entry.name), &format!("{name}/"), into)?;
            } else {
                into.push(BlobInfo {
                    name,
                    size_bytes: entry.size_bytes,
                });
            }
        }
        Ok(())
    }
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(format_args!("{what} {}", path.display()), error)
}

impl BlobStore for LocalStore {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>> {
        let path = self.path(name)?;
        let number = self.created.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.root.join(UNFINISHED).join(format!("{number}.tmp"));
        let file = self.disk.open(&unfinished, Open::Truncate);
        let file = file.map_err(|e| failed("create", &unfinished, e))?;
        self.ready_dir(&path)?;
        Ok(Box::new(LocalWriter {
            disk: self.disk.clone(),
            file: Some(file),
            unfinished,
            path,
            waiting: Vec::with_capacity(WRITE_BYTES),
            position: 0,
        }))
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>> {
        let path = self.path(name)?;
        let opened = self.disk.open(&path, Open::Read);
        let file = opened.map_err(|e| failed("open", &path, e))?;
        let size_bytes = file.len().map_err(|e| failed("read", &path, e))?;
        Ok(Arc::new(LocalBlob {
            file,
            path,
            size_bytes,
        }))
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path(name)?;
        self.ready_dir(&path)?;
        write_atomically(self.disk.as_ref(), &path, content)
    }

    fn get(&self, name: &str, bytes_max: u64) -> Result<Bytes> {
        let blob = self.open(name)?;
        if blob.size_bytes() > bytes_max {
            return Err(Error::corrupt(format!(
                "{}: {} bytes, more than such a file can have ({bytes_max})",
                self.place(name),
                blob.size_bytes()
            )));
        }
        blob.read(0, blob.size_bytes() as usize)
    }

    fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>> {
        let mut found = Vec::new();
        let dir = self.path(prefix.trim_end_matches('/'))?;
        self.walk(&dir, prefix, &mut found)?;
        Ok(found)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        match self.disk.remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(failed("remove", &path, e)),
        }
        let dir = path.parent().unwrap_or(&self.root);
        self.disk.sync_dir(dir).map_err(|e| failed("sync", dir, e))
    }

    fn remove_all(&self, prefix: &str) -> Result<()> {
        let dir = self.path(prefix.trim_end_matches('/'))?;
        if !self.disk.exists(&dir) {
            return Ok(());
        }
        self.disk
            .remove_dir(&dir)
            .map_err(|e| failed("remove", &dir, e))?;
        let above = dir.parent().unwrap_or(&self.root);
        self.disk
            .sync_dir(above)
            .map_err(|e| failed("sync", above, e))
    }

    fn place(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }
}

#[derive(Debug)]
struct LocalWriter {
    disk: Arc<dyn Disk>,
    /// `None` once finished.
    file: Option<Arc<dyn File>>,
    unfinished: PathBuf,
    path: PathBuf,
    waiting: Vec<u8>,
    position: u64,
}

impl LocalWriter {
    fn failed(&self, what: impl Display, error: std::io::Error) -> Error {
        Error::io(format_args!("{what} {}", self.path.display()), error)
    }

    /// Writes what waits, and `more` after it without copying it.
    fn pass_on(&mut self, more: &[u8]) -> Result<()> {
        let Some(file) = &self.file else {
            return Err(Error::new(Kind::Closed, "the file is finished"));
        };
        let parts = [IoSlice::new(&self.waiting), IoSlice::new(more)];
        let written = file.write_at(&parts, self.position);
        written.map_err(|e| self.failed("write", e))?;
        self.position += (self.waiting.len() + more.len()) as u64;
        self.waiting.clear();
        Ok(())
    }
}

impl BlobWriter for LocalWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.waiting.len() + bytes.len() >= WRITE_BYTES {
            return self.pass_on(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.pass_on(&[])?;
        if let Some(file) = self.file.take() {
            file.sync().map_err(|e| self.failed("sync", e))?;
        }
        let renamed = self.disk.rename(&self.unfinished, &self.path);
        renamed.map_err(|e| self.failed("finish", e))?;
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let synced = self.disk.sync_dir(dir);
        synced.map_err(|e| self.failed("sync the directory of", e))?;
        self.unfinished.clear();
        Ok(self.position)
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        if !self.unfinished.as_os_str().is_empty() {
            // Nobody sees it; the next start removes what cannot be removed now.
            let _ = self.disk.remove_file(&self.unfinished);
        }
    }
}

#[derive(Debug)]
struct LocalBlob {
    file: Arc<dyn File>,
    path: PathBuf,
    size_bytes: u64,
}

impl Blob for LocalBlob {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, position: u64, len: usize) -> Result<Bytes> {
        let end = position.checked_add(len as u64);
        if end.is_none_or(|end| end > self.size_bytes) {
            return Err(Error::corrupt(format!(
                "{}: ends at {}, {len} bytes are wanted at {position}: the file was cut short or its description is damaged",
                self.path.display(),
                self.size_bytes
            )));
        }
        let mut bytes = vec![0; len];
        let read = self.file.read_at(&mut bytes, position);
        let read = read.map_err(|e| failed("read", &self.path, e))?;
        if read != len {
            return Err(Error::corrupt(format!(
                "{}: only {read} of {len} bytes at {position}: the file was cut short",
                self.path.display()
            )));
        }
        Ok(Bytes::from(bytes))
    }
}
