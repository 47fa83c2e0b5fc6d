//! What the archive asks of a place that keeps files.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;

/// A file in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    pub name: String,
    pub size_bytes: u64,
}

/// A place that keeps whole files under names with `/` in them.
///
/// Promises: a file is seen under its name only when it is complete, and stays the same from then on
/// until it is replaced or removed; when `finish`, `put` or `remove` returned, a crash does not undo
/// it. A name that is not there is NotFound.
pub trait BlobStore: Send + Sync + Debug {
    /// Starts a file that is seen when its writer finishes.
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>>;
    fn open(&self, name: &str) -> Result<Arc<dyn Blob>>;
    /// Replaces the file as one, or makes it.
    fn put(&self, name: &str, content: &[u8]) -> Result<()>;
    /// The whole file; refuses one larger than `bytes_max` as Corrupt.
    fn get(&self, name: &str, bytes_max: u64) -> Result<Bytes>;
    /// All files below `prefix`, which ends with `/`, in no order; none when nothing is there.
    fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>>;
    /// Succeeds also when it is not there.
    fn remove(&self, name: &str) -> Result<()>;
    /// Removes all files below `prefix`, which ends with `/`.
    fn remove_all(&self, prefix: &str) -> Result<()>;
    /// For messages: where a person finds it.
    fn place(&self, name: &str) -> String;
}

/// A file being written. Dropped before `finish`, it leaves nothing behind under its name.
pub trait BlobWriter: Send + Debug {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// The file is complete, synced and seen; gives its size in bytes.
    fn finish(self: Box<Self>) -> Result<u64>;
}

/// A file to read from; stays readable after it was removed from the store.
pub trait Blob: Send + Sync + Debug {
    fn size_bytes(&self) -> u64;
    /// Exactly `len` bytes; Corrupt when the file is shorter.
    fn read(&self, position: u64, len: usize) -> Result<Bytes>;
}
