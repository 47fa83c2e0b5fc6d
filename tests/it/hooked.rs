//! A disk in memory that calls a test before it does something.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use levada::disk::{DirectoryLock, Disk, Entry, FaultyDisk, File, Open};
use levada::sync::Mutex;

type Hook = Box<dyn FnMut(&str, &str) + Send>;

/// Tells its hook of each opening, mapping and renaming (by the new name) before it is done.
#[derive(Default)]
pub struct Hooked {
    disk: FaultyDisk,
    hook: Mutex<Option<Hook>>,
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl Hooked {
    pub fn new() -> Arc<Hooked> {
        Arc::new(Hooked::default())
    }

    /// From now on `hook` is told of everything.
    pub fn each(&self, hook: impl FnMut(&str, &str) + Send + 'static) {
        *self.hook.lock() = Some(Box::new(hook));
    }

    /// Calls `hook` once, before the first `what` of a file whose name ends so. It may use the disk.
    pub fn once(
        &self,
        what: &'static str,
        ending: &'static str,
        hook: impl FnOnce() + Send + 'static,
    ) {
        let mut hook = Some(hook);
        self.each(move |done, name| {
            if done == what
                && name.ends_with(ending)
                && let Some(hook) = hook.take()
            {
                hook();
            }
        });
    }

    fn tell(&self, what: &str, path: &Path) {
        // Not held while it runs: what it does comes here too.
        let Some(mut hook) = self.hook.lock().take() else {
            return;
        };
        hook(what, &path.to_string_lossy());
        self.hook.lock().get_or_insert(hook);
    }
}

impl Disk for Hooked {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        self.tell("open", path);
        self.disk.open(path, how)
    }
    fn map(&self, path: &Path) -> io::Result<Bytes> {
        self.tell("map", path);
        self.disk.map(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.disk.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tell("rename", to);
        self.disk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_file(path)
    }
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.remove_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn exists(&self, path: &Path) -> bool {
        self.disk.exists(path)
    }
    fn lock(&self, dir: &Path) -> levada::Result<DirectoryLock> {
        self.disk.lock(dir)
    }
}
