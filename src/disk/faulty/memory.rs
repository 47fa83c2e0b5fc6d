//! The disk and its open files.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::faults::{Fault, Faults, Injector};
use super::node::Node;
use super::random::Random;
use super::tree::Tree;
use crate::disk::{DirectoryLock, Disk, Entry, File, Open};
use crate::error::Result;
use crate::sync::Mutex;

/// A disk in memory.
///
/// [`FaultyDisk::new`] does what it is asked and tracks nothing: `:memory:` databases stand on it.
/// [`FaultyDisk::with_faults`] is for tests, of Levada and of programs that embed it: calls fail, the
/// disk fills up, and [`crash`](FaultyDisk::crash) gives the disk as it could be found after
/// the power went. What happens depends on the seeds and the order of the calls alone.
///
/// ```
/// use std::io::IoSlice;
/// use std::path::Path;
/// use levada::disk::{Disk, Faults, FaultyDisk, Open};
///
/// let disk = FaultyDisk::with_faults(Faults::seeded(1));
/// let file = disk.open(Path::new("/a"), Open::CreateNew)?;
/// file.write_at(&[IoSlice::new(b"kept")], 0)?;
/// file.sync()?;
/// disk.sync_dir(Path::new("/"))?;
/// file.write_at(&[IoSlice::new(b"perhaps")], 4)?;
/// let after = disk.crash(2);
/// let mut found = [0; 4];
/// after.open(Path::new("/a"), Open::Read)?.read_at(&mut found, 0)?;
/// assert_eq!(&found, b"kept");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FaultyDisk {
    /// Held for a walk over names only; never while a file's bytes are copied.
    tree: Mutex<Tree>,
    /// Shared with the files, which count and fail as well. `None`: nothing fails or is tracked.
    injector: Option<Arc<Injector>>,
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultyDisk {
    /// An empty disk that does what it is asked. A power loss would leave nothing of it.
    pub fn new() -> Self {
        FaultyDisk {
            tree: Mutex::new(Tree::new(false)),
            injector: None,
        }
    }

    /// An empty disk that fails as `faults` says and knows what is synced.
    pub fn with_faults(faults: Faults) -> Self {
        FaultyDisk {
            tree: Mutex::new(Tree::new(true)),
            injector: Some(Arc::new(Injector::new(faults))),
        }
    }

    /// The disk as it could be found after the power went now: synced bytes under synced names are
    /// there, of the rest what `seed` chooses. This disk and its open files stay as they are. The
    /// disk found keeps the capacity and plans no failure.
    ///
    /// # Panics
    /// On a disk made by [`FaultyDisk::new`].
    pub fn crash(&self, seed: u64) -> FaultyDisk {
        self.restart(seed, Some(Random::new(seed)))
    }

    /// The worst power loss: only what was synced is there, bytes and names.
    ///
    /// # Panics
    /// On a disk made by [`FaultyDisk::new`].
    pub fn crash_losing_unsynced(&self) -> FaultyDisk {
        self.restart(0, None)
    }

    fn restart(&self, seed: u64, mut random: Option<Random>) -> FaultyDisk {
        let capacity_bytes = self.injector().faults().capacity_bytes;
        let injector = Arc::new(Injector::new(Faults {
            seed,
            capacity_bytes,
            ..Faults::default()
        }));
        // Names are chosen with numbers of their own, so that what becomes of a file does not depend
        // on how many names there are.
        let mut of_names = random.as_mut().map(|r| Random::new(r.next()));
        let rebuild = |node: &Node| {
            let content = node.after_power_loss(random.as_mut());
            Arc::new(Node::with_content(content, Some(injector.clone())))
        };
        let tree = self
            .tree
            .lock()
            .after_power_loss(of_names.as_mut(), rebuild);
        FaultyDisk {
            tree: Mutex::new(tree),
            injector: Some(injector),
        }
    }

    /// How many calls there were; see [`Faults`] for what counts. Run a test once without a failure
    /// to learn how many places there are for one. 0 on a disk made by [`FaultyDisk::new`].
    pub fn calls(&self) -> u64 {
        self.injector.as_ref().map_or(0, |i| i.calls())
    }

    /// How many syncs of files there were, failed ones included.
    pub fn syncs(&self) -> u64 {
        self.injector.as_ref().map_or(0, |i| i.syncs())
    }

    /// How many calls failed by plan or for want of room.
    pub fn failures(&self) -> u64 {
        self.injector.as_ref().map_or(0, |i| i.failures())
    }

    /// The bytes that all files take, removed ones that are still open included.
    pub fn used_bytes(&self) -> u64 {
        self.injector.as_ref().map_or(0, |i| i.used_bytes())
    }

    /// Lets the `nth` call from now fail; 1 is the next.
    ///
    /// # Panics
    /// On a disk made by [`FaultyDisk::new`], as all that plan failures do.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        self.injector().change(|faults, calls, _| {
            faults.fail_at = Some((calls.saturating_add(nth), fault));
            faults.sticky = false;
        });
    }

    /// Lets every call from the `nth` from now on fail: the device is gone.
    pub fn fail_from(&self, nth: u64, fault: Fault) {
        self.injector().change(|faults, calls, _| {
            faults.fail_at = Some((calls.saturating_add(nth), fault));
            faults.sticky = true;
        });
    }

    /// Lets the `nth` sync of a file from now fail; 1 is the next.
    pub fn fail_sync_at(&self, nth: u64) {
        self.injector().change(|faults, _, syncs| {
            faults.fail_sync_at = Some(syncs.saturating_add(nth));
        });
    }

    /// No call fails from now on, but for want of room.
    pub fn heal(&self) {
        self.injector().change(|faults, _, _| {
            faults.fail_at = None;
            faults.sticky = false;
            faults.fail_sync_at = None;
        });
    }

    /// Bounds the bytes of all files together from now on; what is there stays.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.injector()
            .change(|faults, _, _| faults.capacity_bytes = bytes);
    }

    fn injector(&self) -> &Injector {
        match &self.injector {
            Some(injector) => injector,
            None => panic!("this disk was made without faults: use FaultyDisk::with_faults"),
        }
    }

    /// Counts a call on the disk itself.
    fn call(&self) -> io::Result<()> {
        self.injector.as_ref().map_or(Ok(()), |i| i.call())
    }
}

#[derive(Debug)]
struct MemoryFile {
    node: Arc<Node>,
    writable: bool,
    injector: Option<Arc<Injector>>,
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        self.call()?;
        let mut tree = self.tree.lock();
        let node = match (tree.file(path), how) {
            (Ok(_), Open::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(node), Open::Truncate) => {
                node.set_len(0);
                node
            }
            (Ok(node), _) => node,
            (Err(e), Open::CreateNew | Open::Truncate) if e.kind() == io::ErrorKind::NotFound => {
                let node = Arc::new(Node::new(self.injector.clone()));
                tree.create_file(path, node.clone())?;
                node
            }
            (Err(e), Open::CreateNew) if e.kind() == io::ErrorKind::IsADirectory => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            (Err(e), _) => return Err(e),
        };
        node.opened();
        Ok(Arc::new(MemoryFile {
            node,
            writable: how != Open::Read,
            injector: self.injector.clone(),
        }))
    }

    fn map(&self, path: &Path) -> io::Result<Bytes> {
        self.call()?;
        let node = self.tree.lock().file(path)?;
        Ok(node.map())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.call()?;
        self.tree.lock().list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        self.tree.lock().create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        self.tree.lock().rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        self.tree.lock().remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        self.tree.lock().remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        self.tree.lock().sync_dir(dir)
    }

    fn exists(&self, path: &Path) -> bool {
        self.tree.lock().find(path).is_ok()
    }

    fn lock(&self, dir: &Path) -> Result<DirectoryLock> {
        Ok(DirectoryLock::in_memory(dir))
    }
}

impl File for MemoryFile {
    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize> {
        self.call()?;
        Ok(self.node.read(into, usize_of(position)?))
    }

    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<()> {
        self.check_writable()?;
        self.node.write(parts, usize_of(position)?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.node.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_writable()?;
        self.call()?;
        self.node.set_len(usize_of(len)?);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.node.sync()
    }
}

impl MemoryFile {
    fn call(&self) -> io::Result<()> {
        self.injector.as_ref().map_or(Ok(()), |i| i.call())
    }

    /// The error of a real file opened for reading.
    fn check_writable(&self) -> io::Result<()> {
        if self.writable {
            Ok(())
        } else {
            Err(rustix::io::Errno::BADF.into())
        }
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.node.closed();
    }
}

fn usize_of(position: u64) -> io::Result<usize> {
    usize::try_from(position).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
