//! A data directory as a whole: whose it is, who has it open, and whether it was closed in order.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::identity::{self, Identity};
use crate::disk::{DirectoryLock, Disk, write_atomically};
use crate::error::{Error, Result};
use crate::log::files::read_text;

/// Kafka's marker of a clean shutdown.
const CLEAN_MARKER: &str = ".kafka_cleanshutdown";
const CLEAN_TEXT: &str = r#"{"version":0,"brokerEpoch":-1}"#;

/// What may lie in a directory that is not ours yet: left by a first open that did not get far, or by
/// the file system.
const HARMLESS: &[&str] = &[".lock", "meta.properties.tmp", "lost+found"];

/// An open data directory. The lock is held as long as this lives.
#[derive(Debug)]
pub struct DataDir {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    identity: Identity,
    clean: bool,
    _lock: DirectoryLock,
}

impl DataDir {
    /// Opens the directory, makes it when it is missing or empty, and keeps other processes out.
    ///
    /// Errors: Invalid for a directory that is not Levada's or of a newer format, Conflict when it is
    /// open elsewhere, Denied when it cannot be written, Corrupt when its `meta.properties` is damaged.
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> Result<DataDir> {
        make(disk.as_ref(), path)?;
        // Once before the lock, whose file would otherwise be left in a stranger's directory; and again
        // under it, because two may open an empty directory at once.
        known(disk.as_ref(), path)?;
        let lock = disk.lock(path)?;
        let identity = match known(disk.as_ref(), path)? {
            Some(identity) => identity,
            None => {
                let identity = Identity::random();
                identity.write(disk.as_ref(), path)?;
                identity
            }
        };
        let clean = take_clean_marker(disk.as_ref(), path)?;
        Ok(DataDir {
            disk,
            path: path.to_owned(),
            identity,
            clean,
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the last close was clean: every log was synced and its snapshots written.
    pub fn was_clean(&self) -> bool {
        self.clean
    }

    /// The last act of a clean close, after everything in the directory is synced.
    pub fn mark_clean(&self) -> Result<()> {
        let path = self.path.join(CLEAN_MARKER);
        write_atomically(self.disk.as_ref(), &path, CLEAN_TEXT.as_bytes())
    }
}

fn make(disk: &dyn Disk, path: &Path) -> Result<()> {
    let failed = |e| {
        Error::io(
            format_args!("make the data directory {}", path.display()),
            e,
        )
    };
    match disk.list(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            // Every name that is made must last, those of directories above as well.
            let above = path.ancestors().skip(1);
            let above = above.filter(|p| !p.as_os_str().is_empty());
            let existing = above.clone().position(|p| disk.exists(p)).unwrap_or(0);
            let changed: Vec<_> = above.take(existing + 1).collect();
            disk.create_dir(path).map_err(failed)?;
            changed
                .into_iter()
                .try_for_each(|p| disk.sync_dir(p).map_err(failed))
        }
        Err(e) if e.kind() == ErrorKind::NotADirectory => Err(Error::invalid(format!(
            "{} is a file: a data directory was expected",
            path.display()
        ))),
        Err(e) => Err(Error::io(
            format_args!("open the data directory {}", path.display()),
            e,
        )),
    }
}

/// The identity of a directory of ours, `None` for one that may become ours.
fn known(disk: &dyn Disk, path: &Path) -> Result<Option<Identity>> {
    if let Some(identity) = Identity::read(disk, path)? {
        return Ok(Some(identity));
    }
    let entries = disk
        .list(path)
        .map_err(|e| Error::io(format_args!("list {}", path.display()), e))?;
    let mut found: Vec<_> = entries.into_iter().map(|e| e.name).collect();
    found.retain(|name| !HARMLESS.contains(&name.as_str()));
    found.sort();
    if found.is_empty() {
        return Ok(None);
    }
    let (count, shown) = (found.len(), found.iter().take(3).cloned());
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = if count > 3 { ", …" } else { "" };
    Err(Error::invalid(format!(
        "{} is not a Levada data directory: it has no {}, but {count} other entries ({shown}{more}); \
         open an empty or a new directory",
        path.display(),
        identity::FILE_NAME,
    )))
}

/// Whether the marker was there. It is gone when this returns: whatever is written from here on makes
/// what it said untrue.
fn take_clean_marker(disk: &dyn Disk, dir: &Path) -> Result<bool> {
    let path = dir.join(CLEAN_MARKER);
    let Some(text) = read_text(disk, &path, 4096)? else {
        return Ok(false);
    };
    let failed = |e| Error::io(format_args!("remove {}", path.display()), e);
    disk.remove_file(&path).map_err(failed)?;
    disk.sync_dir(dir).map_err(failed)?;
    // Kafka writes the version too; a file that says anything else proves nothing.
    let json = serde_json::from_str::<serde_json::Value>(&text);
    Ok(json.is_ok_and(|v| v.get("version").and_then(|v| v.as_i64()) == Some(0)))
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::disk::{FaultyDisk, Open, RealDisk};
    use crate::error::Kind;

    fn put(disk: &dyn Disk, path: &str, content: &str) {
        let file = disk.open(Path::new(path), Open::Truncate).unwrap();
        file.write_at(&[IoSlice::new(content.as_bytes())], 0)
            .unwrap();
    }

    #[test]
    fn a_missing_directory_is_made_and_keeps_its_identity() {
        let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
        let path = Path::new("/a/b/data");
        let first = DataDir::open(disk.clone(), path).unwrap();
        let id = first.identity().clone();
        assert!(!first.was_clean());
        drop(first);
        assert_eq!(DataDir::open(disk, path).unwrap().identity(), &id);
    }

    #[test]
    fn a_directory_made_is_there_after_a_power_cut() {
        let disk = Arc::new(FaultyDisk::with_faults(crate::disk::Faults::seeded(1)));
        let path = Path::new("/a/b/data");
        let made = DataDir::open(disk.clone(), path).unwrap();
        let found = Arc::new(disk.crash_losing_unsynced());
        let again = DataDir::open(found, path).unwrap();
        assert_eq!(again.identity(), made.identity());
    }

    #[test]
    fn a_clean_close_counts_for_one_open() {
        let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
        let open = || DataDir::open(disk.clone(), Path::new("/data")).unwrap();
        open().mark_clean().unwrap();
        assert!(open().was_clean());
        assert!(!open().was_clean(), "used up");
        // What Kafka leaves.
        let marker = "/data/.kafka_cleanshutdown";
        put(disk.as_ref(), marker, r#"{"version":0,"brokerEpoch":14}"#);
        assert!(open().was_clean());
        put(disk.as_ref(), marker, "");
        assert!(!open().was_clean(), "a torn marker proves nothing");
    }

    #[test]
    fn a_strangers_directory_is_left_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        for name in ["holiday.jpg", "b", "c", "d"] {
            std::fs::write(root.path().join(name), "x").unwrap();
        }
        let e = DataDir::open(disk.clone(), root.path()).unwrap_err();
        assert_eq!(e.kind(), Kind::Invalid);
        assert!(e.message().contains("not a Levada data directory"), "{e}");
        assert!(e.message().contains("4 other entries (b, c, d, …)"), "{e}");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 4);
        let file = root.path().join("b");
        let e = DataDir::open(disk, &file).unwrap_err();
        assert_eq!(e.kind(), Kind::Invalid, "{e}");
    }

    #[test]
    fn a_first_open_that_was_cut_short_is_taken_up_again() {
        let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
        disk.create_dir(Path::new("/data")).unwrap();
        put(disk.as_ref(), "/data/meta.properties.tmp", "vers");
        DataDir::open(disk, Path::new("/data")).unwrap();
    }

    #[test]
    fn one_open_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let first = DataDir::open(disk.clone(), root.path()).unwrap();
        let e = DataDir::open(disk.clone(), root.path()).unwrap_err();
        assert_eq!(e.kind(), Kind::Conflict);
        drop(first);
        DataDir::open(disk, root.path()).unwrap();
    }
}
