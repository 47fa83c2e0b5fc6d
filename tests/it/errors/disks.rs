//! Disks that fail while the database runs: read-only, full, not syncing.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use levada::Kind::{Corrupt, Unavailable};
use levada::disk::{DirectoryLock, Disk, Entry, Faults, FaultyDisk, File, Open};
use levada::engine::Job;
use levada::error::{Code, Error, Result};

use super::support::{open, producer, put, read, topic};

/// A file system mounted read-only.
#[derive(Debug)]
pub struct ReadOnly {
    under: Arc<dyn Disk>,
    /// It was so from the start; else it turned so once the lock was taken.
    always: bool,
}

impl ReadOnly {
    pub fn new(under: Arc<dyn Disk>, always: bool) -> ReadOnly {
        ReadOnly { under, always }
    }
}

fn refused<T>() -> io::Result<T> {
    // EROFS: std makes its text of the number.
    Err(io::Error::from_raw_os_error(30))
}

impl Disk for ReadOnly {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        match how {
            Open::Read => self.under.open(path, how),
            _ => refused(),
        }
    }

    fn map(&self, path: &Path) -> io::Result<Bytes> {
        self.under.map(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.under.list(dir)
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        self.under.exists(path)
    }

    fn lock(&self, dir: &Path) -> Result<DirectoryLock> {
        match refused() {
            Err(error) if self.always => {
                let path = dir.join(".lock");
                Err(Error::io(format_args!("open {}", path.display()), error))
            }
            Err(_) => self.under.lock(dir),
            Ok(lock) => Ok(lock),
        }
    }
}

fn texts(from: i64, to: i64) -> Vec<(i64, String)> {
    (from..to).map(|n| (n, format!("value {n}"))).collect()
}

#[test]
fn a_full_disk_refuses_clearly_and_goes_on_when_there_is_room() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(1)));
    let db = open(&disk).unwrap();
    topic(&db, "t", 1, &[]);
    let producer = producer(&db);
    for n in 0..20 {
        put(&producer, "t", format!("value {n}").as_bytes()).unwrap();
    }
    disk.set_capacity(Some(disk.used_bytes() + 30));
    for _ in 0..5 {
        let error = put(&producer, "t", b"too much").unwrap_err();
        assert_eq!(error.kind(), Unavailable);
        assert!(error.is_disk_full(), "{error:?}");
        assert!(error.message().contains("free space"), "{error}");
        assert_eq!(read(&db, "t").0, texts(0, 20), "reads go on");
    }
    disk.set_capacity(None);
    // The same producer, without a gap in its sequences: nothing lost, nothing twice.
    for n in 20..40 {
        let offset = put(&producer, "t", format!("value {n}").as_bytes()).unwrap();
        assert_eq!(offset, n);
    }
    assert_eq!(read(&db, "t").0, texts(0, 40));
    db.close().unwrap();
    let after = Arc::new(disk.crash_losing_unsynced());
    assert_eq!(read(&open(&after).unwrap(), "t").0, texts(0, 40));
}

#[test]
fn a_failed_sync_closes_the_partition_until_it_is_opened_again() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(3)));
    let db = open(&disk).unwrap();
    topic(&db, "t", 1, &[]);
    topic(&db, "other", 1, &[]);
    let producer = producer(&db);
    for n in 0..10 {
        put(&producer, "t", format!("value {n}").as_bytes()).unwrap();
        put(&producer, "other", format!("value {n}").as_bytes()).unwrap();
    }
    disk.fail_sync_at(1);
    let failed = put(&producer, "t", b"value 10").unwrap_err();
    assert!(matches!(failed.kind(), Unavailable | Corrupt), "{failed:?}");
    assert!(failed.message().contains("sync"), "{failed}");
    disk.heal();
    let closed = put(&producer, "t", b"value 10").unwrap_err();
    assert_eq!(closed.code(), Code::KafkaStorageError, "{closed:?}");
    assert_eq!(read(&db, "t").0, texts(0, 10), "what was durable is read");
    put(&producer, "other", b"value 10").unwrap();
    assert!(db.close().is_err(), "a close that is not clean says so");
    drop(db);
    let db = open(&disk).unwrap();
    assert!(!db.engine().recovery().clean);
    let (found, error) = read(&db, "t");
    assert!(error.is_none());
    assert_eq!(found[..10], texts(0, 10));
    assert_eq!(read(&db, "other").0, texts(0, 11));
    let producer = super::support::producer(&db);
    let offset = put(&producer, "t", b"again").unwrap();
    assert_eq!(offset as usize, found.len());
}

#[test]
fn a_job_that_fails_says_so_in_its_report() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(5)));
    let db = open(&disk).unwrap();
    topic(&db, "t", 1, &[]);
    put(&producer(&db), "t", b"value 0").unwrap();
    let engine = db.engine();
    engine.run_job(Job::Checkpoint).unwrap();
    disk.set_capacity(Some(disk.used_bytes()));
    engine.run_job(Job::Checkpoint).unwrap_err();
    disk.set_capacity(None);
    let report = engine.upkeep().reports()[&Job::Checkpoint].clone();
    assert_eq!((report.runs, report.failures), (2, 1));
    assert!(report.last_error.unwrap().is_disk_full());
    engine.run_job(Job::Checkpoint).unwrap();
    assert_eq!(read(&db, "t").0, texts(0, 1));
}
