//! Archiving that is told to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::super::PartitionArchive;
use super::super::store::{Blob, BlobInfo, BlobStore, BlobWriter};
use super::support::*;
use crate::error::{Kind, Result};
use crate::log::Stop;
use crate::types::{TopicId, TopicPartition};

/// A store that asks for the end when so many bytes of a file came; with 0 when the file is begun.
#[derive(Debug)]
struct Stopping {
    inner: Arc<dyn BlobStore>,
    after: u64,
    stop: Arc<Stop>,
    written: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Writer {
    inner: Box<dyn BlobWriter>,
    after: u64,
    stop: Arc<Stop>,
    written: Arc<AtomicU64>,
}

impl BlobWriter for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let added = bytes.len() as u64;
        if self.written.fetch_add(added, Ordering::Relaxed) + added > self.after {
            self.stop.set();
        }
        self.inner.write(bytes)
    }
    fn finish(self: Box<Self>) -> Result<u64> {
        self.inner.finish()
    }
}

impl BlobStore for Stopping {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>> {
        if self.after == 0 {
            self.stop.set();
        }
        Ok(Box::new(Writer {
            inner: self.inner.create(name)?,
            after: self.after,
            stop: self.stop.clone(),
            written: self.written.clone(),
        }))
    }
    fn open(&self, name: &str) -> Result<Arc<dyn Blob>> {
        self.inner.open(name)
    }
    fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        self.inner.put(name, content)
    }
    fn get(&self, name: &str, bytes_max: u64) -> Result<Bytes> {
        self.inner.get(name, bytes_max)
    }
    fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>> {
        self.inner.list(prefix)
    }
    fn remove(&self, name: &str) -> Result<()> {
        self.inner.remove(name)
    }
    fn remove_all(&self, prefix: &str) -> Result<()> {
        self.inner.remove_all(prefix)
    }
    fn place(&self, name: &str) -> String {
        self.inner.place(name)
    }
}

#[test]
fn a_file_is_given_up_between_row_groups_and_while_it_is_read_back() {
    let batches: Vec<Made> = (0..50).map(|_| made(vec![rec(b"value"); 50])).collect();
    let segment = segment(0, &batches);
    // Its only row group is asked for after the file is begun, and complete when bytes come.
    for (after, written_max) in [(0, 100), (100, u64::MAX)] {
        let home = Home::new();
        let (stop, written) = (Arc::new(Stop::new()), Arc::new(AtomicU64::new(0)));
        let store = Arc::new(Stopping {
            inner: home.store.clone(),
            after,
            stop: stop.clone(),
            written: written.clone(),
        });
        let name = TopicPartition::new("t", 0);
        let id = TopicId::METADATA;
        let archive = PartitionArchive::open(store, home.cache.clone(), name, id).unwrap();
        let given_up = archive.archive_until(std::slice::from_ref(&segment), &[], 2, &stop);
        assert_eq!(given_up.unwrap_err().kind(), Kind::Closed);
        assert!(written.load(Ordering::Relaxed) <= written_max);
        assert!(home.store.list("t/0/").unwrap().is_empty());
        assert!(home.store.list(".unfinished~/").unwrap().is_empty());
        let fresh = archive.archive(std::slice::from_ref(&segment), &[], 2);
        assert_eq!(fresh.unwrap().unwrap().next(), segment.next_offset);
    }
}
