//! A disk on which one directory takes no bytes, or finishes no sync, while a switch is on.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use levada::disk::{DirectoryLock, Disk, Entry, File, Open};
use levada::error::Result;
use levada::sync::{Condvar, Mutex};

#[derive(Debug)]
pub struct Stuck {
    under: Arc<dyn Disk>,
    dir: String,
    switch: Arc<Switch>,
}

#[derive(Debug, Default)]
struct Switch {
    /// Writes fail.
    full: AtomicBool,
    /// Syncs wait.
    slow: Mutex<bool>,
    changed: Condvar,
}

impl Stuck {
    pub fn new(under: Arc<dyn Disk>, dir: &str) -> Arc<Stuck> {
        Arc::new(Stuck {
            under,
            dir: dir.to_owned(),
            switch: Arc::default(),
        })
    }

    /// Whether writes fail.
    pub fn set(&self, on: bool) {
        self.switch.full.store(on, Ordering::SeqCst);
    }

    /// Whether syncs wait.
    pub fn hold_syncs(&self, on: bool) {
        *self.switch.slow.lock() = on;
        self.switch.changed.notify_all();
    }
}

#[derive(Debug)]
struct StuckFile {
    under: Arc<dyn File>,
    switch: Arc<Switch>,
}

impl File for StuckFile {
    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize> {
        self.under.read_at(into, position)
    }

    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<()> {
        match self.switch.full.load(Ordering::SeqCst) {
            true => Err(io::Error::from(io::ErrorKind::StorageFull)),
            false => self.under.write_at(parts, position),
        }
    }

    fn len(&self) -> io::Result<u64> {
        self.under.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.under.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        let mut slow = self.switch.slow.lock();
        while *slow {
            self.switch.changed.wait(&mut slow);
        }
        drop(slow);
        self.under.sync()
    }
}

impl Disk for Stuck {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let under = self.under.open(path, how)?;
        let parent = path.parent().and_then(Path::file_name);
        if parent.is_some_and(|name| name == self.dir.as_str()) {
            let switch = self.switch.clone();
            return Ok(Arc::new(StuckFile { under, switch }));
        }
        Ok(under)
    }

    fn map(&self, path: &Path) -> io::Result<Bytes> {
        self.under.map(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.under.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.under.create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.under.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.under.remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.under.remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.under.sync_dir(dir)
    }

    fn exists(&self, path: &Path) -> bool {
        self.under.exists(path)
    }

    fn lock(&self, dir: &Path) -> Result<DirectoryLock> {
        self.under.lock(dir)
    }
}
