//! What stays in memory of archive files: descriptions, and places where somebody reads on. One cache
//! serves all partitions, so that what it takes is bounded whatever their number.

use std::sync::Arc;

use super::cursor::Cursor;
use super::file::ArchiveFile;
use crate::sync::Mutex;
use crate::types::Offset;

/// Bounded by bytes (descriptions) and number (cursors, each with a few pages decoded).
#[derive(Debug)]
pub struct ReadCache {
    file_bytes_max: usize,
    cursors_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The least recently used first.
    files: Vec<(FileKey, Arc<ArchiveFile>)>,
    file_bytes: usize,
    /// The least recently used first.
    cursors: Vec<(u64, Cursor)>,
    partitions: u64,
}

/// Which partition, and the file's base and next offset.
pub(crate) type FileKey = (u64, i64, i64);

impl Default for ReadCache {
    fn default() -> Self {
        ReadCache::new(64 << 20, 16)
    }
}

impl ReadCache {
    pub fn new(file_bytes_max: usize, cursors_max: usize) -> ReadCache {
        ReadCache {
            file_bytes_max,
            cursors_max,
            state: Mutex::new(State::default()),
        }
    }

    /// A number for a partition that was opened.
    pub(crate) fn join(&self) -> u64 {
        let mut state = self.state.lock();
        state.partitions += 1;
        state.partitions
    }

    /// Forgets all of a partition.
    pub(crate) fn leave(&self, partition: u64) {
        let mut state = self.state.lock();
        state.cursors.retain(|(of, _)| *of != partition);
        let mut freed = 0;
        state.files.retain(|(key, file)| {
            let stays = key.0 != partition;
            freed += if stays { 0 } else { file.memory_bytes() };
            stays
        });
        state.file_bytes = state.file_bytes.saturating_sub(freed);
    }

    pub(crate) fn file(&self, key: FileKey) -> Option<Arc<ArchiveFile>> {
        let mut state = self.state.lock();
        let at = state.files.iter().position(|(k, _)| *k == key)?;
        let entry = state.files.remove(at);
        let file = entry.1.clone();
        state.files.push(entry);
        Some(file)
    }

    pub(crate) fn keep_file(&self, key: FileKey, file: Arc<ArchiveFile>) {
        let mut state = self.state.lock();
        if state.files.iter().any(|(k, _)| *k == key) {
            return;
        }
        state.file_bytes += file.memory_bytes();
        state.files.push((key, file));
        while state.file_bytes > self.file_bytes_max && state.files.len() > 1 {
            let (_, gone) = state.files.remove(0);
            state.file_bytes = state.file_bytes.saturating_sub(gone.memory_bytes());
        }
    }

    /// Takes out the cursor that would read on at `from`.
    pub(crate) fn take_cursor(&self, partition: u64, from: Offset) -> Option<Cursor> {
        let mut state = self.state.lock();
        let fits = |(of, cursor): &(u64, Cursor)| *of == partition && cursor.next_offset() == from;
        let at = state.cursors.iter().position(fits)?;
        Some(state.cursors.remove(at).1)
    }

    pub(crate) fn keep_cursor(&self, partition: u64, cursor: Cursor) {
        let mut state = self.state.lock();
        if state.cursors.len() >= self.cursors_max.max(1) {
            state.cursors.remove(0);
        }
        state.cursors.push((partition, cursor));
    }
}
