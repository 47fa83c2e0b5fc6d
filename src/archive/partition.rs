//! The archive of one partition: adding to it, retention, and the face that the log reads through.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::catalog::{ArchivedFile, Catalog, catalog_prefix, data_name, data_prefix, file_name};
use super::compare::differences;
use super::read::{ArchiveFile, Cursor, Form, ReadCache, first_at_time};
use super::store::BlobStore;
use super::write::{Plan, Segment, WriteRequest, missing, write_file};
use crate::error::{Code, Error, Kind, Result};
use crate::log::{Aborted, ColdStore, SealedSegment, Stop};
use crate::sync::{Mutex, RwLock};
use crate::types::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

/// Sealed segments of one partition, as Parquet files in a store.
#[derive(Debug)]
pub struct PartitionArchive {
    store: Arc<dyn BlobStore>,
    cache: Arc<ReadCache>,
    /// This partition's number in the cache.
    number: u64,
    name: TopicPartition,
    topic_id: TopicId,
    /// As committed. Taken for a clone only.
    catalog: RwLock<Arc<Catalog>>,
    /// Held by whoever changes the archive, across its I/O. Taken before `catalog`.
    changing: Mutex<()>,
}

/// What retention may take away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retain {
    /// Files whose latest record is older go.
    pub before: Option<Timestamp>,
    /// Files go, oldest first, while the partition (archive and `local_bytes`) stays at least this large.
    pub bytes_max: Option<u64>,
    pub local_bytes: u64,
    /// Files wholly below go: the records were deleted.
    pub log_start: Offset,
}

/// What retention took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    pub files: usize,
    pub bytes: u64,
    /// After the last record that went; `None` when nothing did.
    pub log_start: Option<Offset>,
}

impl PartitionArchive {
    /// Reads the catalog. Errors: Corrupt when it is damaged, or missing while there are files;
    /// Conflict when it belongs to another topic of the same name.
    pub fn open(
        store: Arc<dyn BlobStore>,
        cache: Arc<ReadCache>,
        name: TopicPartition,
        topic_id: TopicId,
    ) -> Result<PartitionArchive> {
        let catalog = match Catalog::load(store.as_ref(), &name)? {
            Some(catalog) => catalog,
            None if store.list(&data_prefix(&name))?.is_empty() => Catalog::new(topic_id),
            None => {
                return Err(Error::corrupt(format!(
                    "{}: the catalog is missing but there are archive files: restore it, or rebuild it from the files",
                    store.place(&file_name(&name))
                )));
            }
        };
        if catalog.topic_id != topic_id.to_string() {
            return Err(Error::new(
                Kind::Conflict,
                format!(
                    "{}: belongs to an earlier topic {} with id {}, this one's is {topic_id}: move the old archive away",
                    store.place(&file_name(&name)),
                    name.topic,
                    catalog.topic_id
                ),
            ));
        }
        Ok(PartitionArchive {
            number: cache.join(),
            store,
            cache,
            name,
            topic_id,
            catalog: RwLock::new(Arc::new(catalog)),
            changing: Mutex::new(()),
        })
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().clone()
    }

    pub fn name(&self) -> &TopicPartition {
        &self.name
    }

    /// The files, oldest first.
    pub fn files(&self) -> Vec<ArchivedFile> {
        self.catalog().files.clone()
    }

    pub fn size_bytes(&self) -> u64 {
        self.catalog().files.iter().map(|f| f.size_bytes).sum()
    }

    /// Where a person finds a file.
    pub fn place(&self, file: &ArchivedFile) -> String {
        self.store.place(&file.name)
    }

    /// How many of these segments (oldest first) make the next file of about `file_bytes`: at least
    /// one, unless all are archived. Guesses from how well the last file compressed.
    pub fn choose(&self, sealed: &[SealedSegment], file_bytes: u64) -> usize {
        let catalog = self.catalog();
        let last = catalog.files.last();
        let ratio = last.map_or(0.5, |f| f.size_bytes as f64 / f.source_bytes.max(1) as f64);
        let source_bytes = file_bytes as f64 / ratio.clamp(0.02, 1.5);
        let end = catalog.range().map_or(Offset::ZERO, |(_, end)| end);
        let (mut chosen, mut bytes, mut open) = (0, 0.0, false);
        for segment in sealed {
            if segment.next_offset > end {
                if open && bytes + segment.size_bytes as f64 > source_bytes {
                    break;
                }
                bytes += segment.size_bytes as f64;
                open = true;
            }
            chosen += 1;
        }
        if open { chosen } else { 0 }
    }

    /// Makes one file of whole segments, in order. What the archive has already is left out, also the
    /// first batches of a segment that goes beyond it; `None` when it has all. When this returns, the file was read back and compared record for record, and
    /// the catalog names it: the local segments may go. Doing it again changes nothing.
    ///
    /// Errors: Corrupt when a segment is damaged or the file does not read back; then nothing changed.
    pub fn archive(
        &self,
        segments: &[Segment],
        aborted: &[Aborted],
        threads: usize,
    ) -> Result<Option<ArchivedFile>> {
        self.archive_until(segments, aborted, threads, &Stop::new())
    }

    /// As [`archive`](Self::archive). Gives up soon after `stop` was set: Closed, and nothing changed.
    pub fn archive_until(
        &self,
        segments: &[Segment],
        aborted: &[Aborted],
        threads: usize,
        stop: &Stop,
    ) -> Result<Option<ArchivedFile>> {
        let _changing = self.changing.lock();
        let old = self.catalog();
        let segments = match old.range() {
            Some((_, end)) => missing(segments, end).map_err(|e| e.at(&self.name))?,
            None => segments.to_vec(),
        };
        let (Some(base), Some(end_of_last)) = (
            segments.first().map(|s| s.base_offset),
            segments.last().map(|s| s.next_offset),
        ) else {
            return Ok(None);
        };
        if old.files.is_empty() {
            old.save(self.store.as_ref(), &self.name)?;
        }
        let file = data_name(&self.name, base, end_of_last);
        let within = |a: &&Aborted| a.first_offset < end_of_last && a.last_offset >= base;
        let aborted: Vec<Aborted> = aborted.iter().filter(within).copied().collect();
        let request = WriteRequest {
            name: &self.name,
            file: &file,
            topic_id: self.topic_id,
            segments: &segments,
            aborted: &aborted,
            raw: &HashSet::new(),
            threads,
            stop,
        };
        let entry = self.write_checked(&request)?;
        let mut new = Catalog::clone(&old);
        new.files.push(entry.clone());
        new.save(self.store.as_ref(), &self.name)?;
        *self.catalog.write() = Arc::new(new);
        Ok(Some(entry))
    }

    /// Writes, reads back, and writes again with whole batches kept where rows alone do not give them
    /// back (numbers written longer than need be, bits without a meaning).
    fn write_checked(&self, request: &WriteRequest<'_>) -> Result<ArchivedFile> {
        let plan = Plan::of(request.segments)?;
        let (file, segments) = (request.file, request.segments);
        let mut raw = HashSet::new();
        for _ in 0..2 {
            let request = WriteRequest {
                raw: &raw,
                ..*request
            };
            let entry = write_file(&request, &plan, self.store.create(file)?)?;
            let different = ArchiveFile::open(self.store.as_ref(), &entry)
                .and_then(|written| differences(&Arc::new(written), segments, request.stop));
            raw = match different {
                Ok(none) if none.is_empty() => return Ok(entry),
                Ok(different) => different,
                Err(error) => {
                    self.store.remove(file)?;
                    return Err(error);
                }
            };
        }
        self.store.remove(file)?;
        Err(Error::internal(format!(
            "{}: {} batches do not read back as they were, the first at offset {:?}; the segments stay",
            self.store.place(file),
            raw.len(),
            raw.iter().min()
        )))
    }

    /// Takes whole files away, oldest first, and says where the log starts then.
    pub fn retain(&self, retain: Retain) -> Result<Retained> {
        let _changing = self.changing.lock();
        let old = self.catalog();
        let mut total = retain.local_bytes + old.files.iter().map(|f| f.size_bytes).sum::<u64>();
        let mut gone = Retained::default();
        for file in &old.files {
            let deleted = file.next() <= retain.log_start;
            // Records without a timestamp have no age, here as in the log.
            let is_old = |b| {
                file.latest_timestamp()
                    .is_none_or(|t| t.get() >= 0 && t < b)
            };
            let aged = retain.before.is_some_and(is_old);
            let large = retain
                .bytes_max
                .is_some_and(|max| total - file.size_bytes >= max);
            if !(deleted || aged || large) {
                break;
            }
            total -= file.size_bytes;
            gone.files += 1;
            gone.bytes += file.size_bytes;
            gone.log_start = Some(file.next());
        }
        if gone.files == 0 {
            return Ok(gone);
        }
        let mut new = Catalog::clone(&old);
        let removed: Vec<ArchivedFile> = new.files.drain(..gone.files).collect();
        new.save(self.store.as_ref(), &self.name)?;
        *self.catalog.write() = Arc::new(new);
        self.cache.leave(self.number);
        for file in removed {
            // Not named any more: what stays because of a failure here is an orphan.
            self.store.remove(&file.name)?;
        }
        Ok(gone)
    }

    /// Removes files that the catalog does not name, which a crash can leave; gives their places.
    pub fn remove_orphans(&self) -> Result<Vec<String>> {
        let _changing = self.changing.lock();
        let catalog = self.catalog();
        let named: HashSet<&str> = catalog.files.iter().map(|f| f.name.as_str()).collect();
        let mut removed = Vec::new();
        for blob in self.store.list(&data_prefix(&self.name))? {
            if !named.contains(blob.name.as_str()) {
                self.store.remove(&blob.name)?;
                removed.push(self.store.place(&blob.name));
            }
        }
        Ok(removed)
    }

    /// The file of an entry, from the cache or opened. OutOfRange when retention took it away.
    pub(crate) fn file(&self, entry: &ArchivedFile) -> Result<Arc<ArchiveFile>> {
        let key = (self.number, entry.base_offset, entry.next_offset);
        if let Some(file) = self.cache.file(key) {
            return Ok(file);
        }
        match ArchiveFile::open(self.store.as_ref(), entry) {
            Ok(file) => {
                let file = Arc::new(file);
                self.cache.keep_file(key, file.clone());
                Ok(file)
            }
            Err(e) if e.kind() == Kind::NotFound => Err(self.missing(entry)),
            Err(e) => Err(e),
        }
    }

    fn missing(&self, entry: &ArchivedFile) -> Error {
        if self.catalog().files.contains(entry) {
            return Error::corrupt(format!(
                "{}: the file is missing: restore it from a backup",
                self.store.place(&entry.name)
            ));
        }
        Error::coded(
            Code::OffsetOutOfRange,
            format!(
                "{}: offset {} was removed by retention",
                self.name, entry.base_offset
            ),
        )
    }

    /// The file that holds `offset`, or the first after it.
    pub(crate) fn entry_at(&self, offset: Offset) -> Option<ArchivedFile> {
        self.catalog().at(offset).cloned()
    }

    pub(crate) fn store(&self) -> &dyn BlobStore {
        self.store.as_ref()
    }
}

impl Drop for PartitionArchive {
    fn drop(&mut self) {
        self.cache.leave(self.number);
    }
}

/// Removes all archive files and catalogs of a topic that is gone.
pub fn remove_topic(store: &dyn BlobStore, topic: &str) -> Result<()> {
    store.remove_all(&catalog_prefix(topic))?;
    store.remove_all(&format!("{topic}/"))
}

impl ColdStore for PartitionArchive {
    fn range(&self) -> Option<(Offset, Offset)> {
        self.catalog.read().range()
    }

    fn read(&self, from: Offset, max_bytes: usize) -> Result<Bytes> {
        let (mut parts, mut len) = (Vec::new(), 0);
        let mut position = from;
        while let Some(entry) = self.entry_at(position) {
            let held = self.cache.take_cursor(self.number, position);
            let mut cursor = match held {
                Some(cursor) => cursor,
                None => Cursor::at(self.file(&entry)?, position, Form::Wire)?,
            };
            if cursor.read(max_bytes, &mut parts, &mut len)? {
                self.cache.keep_cursor(self.number, cursor);
                break;
            }
            position = entry.next();
            if len >= max_bytes {
                break;
            }
        }
        if parts.len() == 1 {
            return Ok(parts.swap_remove(0));
        }
        let mut all = Vec::with_capacity(len);
        parts.iter().for_each(|part| all.extend_from_slice(part));
        Ok(Bytes::from(all))
    }

    fn offset_for_time(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        for entry in &self.catalog().files {
            if entry
                .latest_timestamp()
                .is_some_and(|latest| latest >= timestamp)
            {
                let found = first_at_time(&self.file(entry)?, timestamp)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    fn max_timestamp(&self) -> Result<Option<(Offset, Timestamp)>> {
        let mut best: Option<(i64, i64)> = None;
        for (timestamp, offset) in self.catalog().files.iter().filter_map(|f| f.latest) {
            if best.is_none_or(|(t, _)| timestamp > t) {
                best = Some((timestamp, offset));
            }
        }
        Ok(best.map(|(timestamp, offset)| (Offset(offset), Timestamp(timestamp))))
    }

    fn epochs(&self) -> Result<Vec<(LeaderEpoch, Offset)>> {
        let mut all: Vec<(LeaderEpoch, Offset)> = Vec::new();
        for (epoch, start) in self.catalog().files.iter().flat_map(|f| f.epoch_starts()) {
            if all.last().is_none_or(|(last, _)| *last < epoch) {
                all.push((epoch, start));
            }
        }
        Ok(all)
    }

    fn aborted(&self, from: Offset, to: Offset) -> Result<Vec<Aborted>> {
        let mut all = Vec::new();
        for entry in &self.catalog().files {
            if entry.aborted > 0 && entry.base() < to && entry.next() > from {
                let file = self.file(entry)?;
                let overlaps = |a: &&Aborted| a.first_offset < to && a.last_offset >= from;
                all.extend(file.aborted.iter().filter(overlaps).copied());
            }
        }
        // A transaction that spans files is known to each.
        all.sort_unstable_by_key(|a| (a.first_offset, a.producer_id, a.last_offset));
        all.dedup();
        Ok(all)
    }
}
