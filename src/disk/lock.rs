//! One process owns a data directory.
//!
//! Two locks on one file: `flock`, which follows the open file (and so tells two opens in one process
//! apart), and a POSIX record lock, which is what Kafka's broker takes: a directory that a broker runs
//! on is refused, and a broker refuses ours. A process loses its record lock when it closes *any* handle
//! of the file, so a directory held by this process is recognised before its lock file is opened.
//!
//! A child after `fork` inherits the open file, and with it the `flock`: unless it lets go of it, the
//! directory stays locked when the parent has closed it. [`Fork`] does that.
#![allow(clippy::disallowed_methods)] // the seam itself

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};

/// Kafka's name for it.
const NAME: &str = ".lock";

/// Device and inode of a lock file: names may be links.
type Identity = (u64, u64);

/// A lock file that is held.
#[derive(Debug)]
struct Held {
    identity: Identity,
    /// Tells the locks of one directory apart that follow each other.
    number: u64,
    /// Which process took it: a child after `fork` finds the parent's here.
    pid: u32,
    /// The locks go when this closes. Never unlocked by hand: a child after `fork` shares the `flock`
    /// and would release its parent's.
    _file: File,
}

#[derive(Debug)]
struct Registry {
    held: Vec<Held>,
    next_number: u64,
}

/// The lock files that this process holds. Locked while one is taken or let go, so that no thread
/// opens and closes a lock file that another is taking; nothing in between waits. One of the standard
/// library's: it may be unlocked in a child after `fork`, where no other thread is.
static HELD: Mutex<Registry> = Mutex::new(Registry {
    held: Vec::new(),
    next_number: 0,
});

fn registry() -> MutexGuard<'static, Registry> {
    // What it guards is whole after every line.
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a program does around a `fork`: made before it, and dropped after it in the parent. In the
/// child [`Fork::in_child`] lets go of the directories that the parent has open, so that they are
/// locked only as long as the parent has them. The child's copies of the handles must not be used.
#[derive(Debug)]
pub struct Fork {
    /// So that no other thread is in the middle of a change that the child would inherit.
    registry: MutexGuard<'static, Registry>,
}

impl Fork {
    pub fn before() -> Fork {
        Fork {
            registry: registry(),
        }
    }

    /// Closing the copies releases nothing of the parent's: its own are open still.
    pub fn in_child(mut self) {
        FORKS.fetch_add(1, Ordering::Relaxed);
        self.registry.held.clear();
    }
}

/// How often this process was born by a fork that [`Fork`] was told of.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Which side of which fork something was made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth(u64);

impl Birth {
    pub fn now() -> Birth {
        Birth(FORKS.load(Ordering::Relaxed))
    }

    /// Errors: Closed in a child of the process that it was made in.
    #[inline]
    pub fn check(self) -> Result<()> {
        match self == Birth::now() {
            true => Ok(()),
            false => Err(foreign()),
        }
    }
}

#[cold]
fn foreign() -> Error {
    Error::closed(
        "this handle was made before a fork and belongs to the parent: open another in this process",
    )
}

/// Held as long as the data directory is open for writing; released when dropped, and by the system
/// when the process dies. The file stays: its presence alone means nothing, the lock on it does.
///
/// The errors: [`Kind::Conflict`] when it is taken (the message names the owner's process id),
/// [`Kind::Denied`] when the directory cannot be written.
#[derive(Debug)]
pub struct DirectoryLock {
    path: PathBuf,
    /// In the registry. `None`: nobody else can reach the directory, it is in memory.
    number: Option<u64>,
}

impl DirectoryLock {
    pub(super) fn acquire(dir: &Path) -> Result<DirectoryLock> {
        let path = dir.join(NAME);
        let mut registry = registry();
        // What a fork left here, of a program that does not know of `Fork`.
        registry.held.retain(|h| h.pid == process::id());
        let held_here = |meta: std::fs::Metadata| {
            let identity = (meta.dev(), meta.ino());
            registry.held.iter().any(|h| h.identity == identity)
        };
        if std::fs::metadata(&path).is_ok_and(held_here) {
            return Err(taken(dir, Some(process::id())));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| open_error(dir, e))?;
        let failed = |what: &str, e| Error::io(format_args!("{what} {}", path.display()), e);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(dir, owner(&mut file))),
            Err(TryLockError::Error(e)) => return Err(failed("lock", e)),
        }
        let record_lock = fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive);
        // Other errors pass: a file system may have the one kind of lock alone.
        if let Err(Errno::AGAIN | Errno::ACCESS) = record_lock {
            // Whoever took only this lock (a Kafka broker) wrote no id into the file.
            return Err(taken(dir, None));
        }
        write_owner(&mut file).map_err(|e| failed("write", e))?;
        let meta = file.metadata().map_err(|e| failed("look at", e))?;
        let number = registry.next_number;
        registry.next_number += 1;
        registry.held.push(Held {
            identity: (meta.dev(), meta.ino()),
            number,
            pid: process::id(),
            _file: file,
        });
        Ok(DirectoryLock {
            path,
            number: Some(number),
        })
    }

    /// For a disk that no other process can see.
    pub(super) fn in_memory(dir: &Path) -> DirectoryLock {
        DirectoryLock {
            path: dir.join(NAME),
            number: None,
        }
    }

    /// The file that carries the lock.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            // Closed while `HELD` is locked: whoever comes next must not lose its lock by this close.
            registry().held.retain(|h| h.number != number);
        }
    }
}

fn write_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{}\n", process::id()).as_bytes())
}

fn open_error(dir: &Path, error: io::Error) -> Error {
    let dir = dir.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::new(
            Kind::Denied,
            format!(
                "the data directory {dir} cannot be written ({error}): give this user the right to \
                 write there, or open another directory"
            ),
        )
        .with_source(error),
        _ => Error::io(
            format_args!("open the lock of the data directory {dir}"),
            error,
        ),
    }
}

/// The process id in the file; `None` in the moment between taking the lock and writing the id.
fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn taken(dir: &Path, owner: Option<u32>) -> Error {
    let dir = dir.display();
    let message = match owner {
        Some(pid) if pid == process::id() => format!(
            "the data directory {dir} is open already in this process ({pid}): use that handle, or \
             close it first"
        ),
        Some(pid) => format!(
            "the data directory {dir} is open in process {pid}: close it there, or reach its data \
             through that process"
        ),
        None => format!(
            "the data directory {dir} is open in another process (perhaps a Kafka broker): close it \
             there, or reach its data through that process"
        ),
    };
    Error::new(Kind::Conflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_open_is_refused_until_the_first_goes() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(dir.path()).unwrap();
        let error = DirectoryLock::acquire(dir.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        let pid = process::id().to_string();
        assert!(error.message().contains(&pid), "{error}");
        assert!(error.message().contains("this process"), "{error}");
        drop(first);
        DirectoryLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_left_over_file_locks_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "99999999\nand more").unwrap();
        let lock = DirectoryLock::acquire(dir.path()).unwrap();
        let text = std::fs::read_to_string(lock.path()).unwrap();
        assert_eq!(text, format!("{}\n", process::id()));
    }

    #[test]
    fn a_missing_directory_is_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let error = DirectoryLock::acquire(&dir.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }

    #[test]
    fn another_process_is_named_and_kept_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        // `flock` of util-linux takes the same lock as `File::try_lock`.
        let script = "echo $$ > \"$1\"; exec 9<>\"$1\"; flock -n 9; echo held; read _";
        let child = process::Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&path)
            .stdin(process::Stdio::piped())
            .stdout(process::Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let mut said = [0; 5];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut said)
            .unwrap();
        let error = DirectoryLock::acquire(dir.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        assert!(error.message().contains(&child.id().to_string()), "{error}");
        child.kill().unwrap();
        child.wait().unwrap();
        DirectoryLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_kafka_broker_keeps_us_out_and_we_keep_it_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        // What Java's FileChannel.tryLock takes.
        let script = "import fcntl, sys\n\
            f = open(sys.argv[1], 'a')\n\
            try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print('held', flush=True)\n\
            except OSError: print('none', flush=True)\n\
            sys.stdin.readline()";
        let broker = || {
            let mut child = process::Command::new("python3")
                .args(["-c", script])
                .arg(&path)
                .stdin(process::Stdio::piped())
                .stdout(process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = [0; 5];
            let out = child.stdout.as_mut().unwrap();
            out.read_exact(&mut said).unwrap();
            (child, String::from_utf8_lossy(&said).into_owned())
        };
        let (mut child, said) = broker();
        assert_eq!(said, "held\n");
        let error = DirectoryLock::acquire(dir.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        child.kill().unwrap();
        child.wait().unwrap();
        let lock = DirectoryLock::acquire(dir.path()).unwrap();
        // A refused second open in this process must not give the lock away.
        DirectoryLock::acquire(dir.path()).unwrap_err();
        let (mut child, said) = broker();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(said, "none\n");
        drop(lock);
    }

    #[test]
    fn a_directory_without_the_right_to_write_is_denied() {
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
        ] {
            let error = open_error(Path::new("/data"), kind.into());
            assert_eq!(error.kind(), Kind::Denied);
            assert!(error.message().contains("/data"), "{error}");
        }
    }
}
