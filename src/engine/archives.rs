//! The archive as the engine uses it: one store, an archive a partition, opened when first asked for.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::parts::ColdStores;
use crate::archive::store::LocalStore;
use crate::archive::{PartitionArchive, ReadCache, Retain, Segment, remove_topic};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{Code, Error, Kind, Result};
use crate::log::{ColdStore, NoColdStore, Partition, SealedSegment, Stop};
use crate::sync::Mutex;
use crate::types::{Offset, Timestamp, TopicId, TopicPartition};

/// Footers and page indexes of archive files that are kept in memory, over all partitions.
const CACHED_BYTES_MAX: usize = 32 << 20;

/// Places in archive files at which readers go on, over all partitions.
const CURSORS_MAX: usize = 32;

/// How many threads encode one file.
const ENCODE_THREADS: usize = 2;

/// Parquet files in a local directory, a partition's in `<root>/<topic>/<partition>`.
#[derive(Debug)]
pub struct Archives {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    root: PathBuf,
    cache: Arc<ReadCache>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Made when the first partition has something to archive, or when the directory is there.
    store: Option<Arc<LocalStore>>,
    /// By id too: a topic made again under a name has another archive.
    partitions: HashMap<(TopicPartition, TopicId), Arc<PartitionArchive>>,
    /// Deleted topics, which somebody may still hold and ask for.
    forgotten: HashSet<TopicId>,
}

impl Archives {
    /// Nothing is read or made before a partition asks.
    pub fn new(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, root: PathBuf) -> Archives {
        let cache = Arc::new(ReadCache::new(CACHED_BYTES_MAX, CURSORS_MAX));
        Archives {
            disk,
            clock,
            root,
            cache,
            open: Mutex::default(),
        }
    }

    /// The archive of one partition; opened when need be. NotFound when the topic was deleted.
    pub fn partition(
        &self,
        name: &TopicPartition,
        topic_id: TopicId,
    ) -> Result<Arc<PartitionArchive>> {
        let mut open = self.open.lock();
        let key = (name.clone(), topic_id);
        if let Some(archive) = open.partitions.get(&key) {
            return Ok(archive.clone());
        }
        if open.forgotten.contains(&topic_id) {
            let message = format!("{name}: the topic with id {topic_id} was deleted");
            return Err(Error::coded(Code::UnknownTopicOrPartition, message));
        }
        let store = self.store(&mut open)?;
        let archive = PartitionArchive::open(store, self.cache.clone(), name.clone(), topic_id)?;
        let archive = Arc::new(archive);
        archive.remove_orphans()?;
        open.partitions.insert(key, archive.clone());
        Ok(archive)
    }

    fn store(&self, open: &mut Open) -> Result<Arc<LocalStore>> {
        if let Some(store) = &open.store {
            return Ok(store.clone());
        }
        let store = Arc::new(LocalStore::open(self.disk.clone(), self.root.clone())?);
        open.store = Some(store.clone());
        Ok(store)
    }

    /// Makes one file of the next segments and lets go of them locally; gives the local bytes that went,
    /// `None` when there is nothing to do.
    fn move_some(
        &self,
        archive: &PartitionArchive,
        log: &Partition,
        due: &[SealedSegment],
        stop: &Stop,
    ) -> Result<Option<u64>> {
        // These are archived, and may be gone already.
        let end = archive.range().map_or(Offset::ZERO, |(_, end)| end);
        let done = due.partition_point(|s| s.next_offset <= end);
        let due = due.get(done..).unwrap_or_default();
        let file_bytes = log.config().archive_file_bytes.max(1).unsigned_abs();
        let count = archive.choose(due, file_bytes);
        let chosen = due.get(..count).unwrap_or_default();
        let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else {
            return Ok(None);
        };
        let mut segments = Vec::with_capacity(chosen.len());
        for segment in chosen {
            segments.push(Segment {
                base_offset: segment.base_offset,
                next_offset: segment.next_offset,
                bytes: log.sealed_bytes(segment.base_offset)?,
                place: segment.path.display().to_string(),
            });
        }
        let aborted = log.aborted(first.base_offset, last.next_offset)?;
        archive.archive_until(&segments, &aborted, ENCODE_THREADS, stop)?;
        log.drop_archived(last.next_offset).map(Some)
    }

    /// The segments that the topic's settings give to the archive by now, oldest first.
    fn due(&self, log: &Partition, force: bool) -> Vec<SealedSegment> {
        let sealed = log.sealed();
        if force {
            return sealed;
        }
        let config = log.config();
        let now = self.clock.now().get();
        let mut local = log.size_bytes();
        let mut is_due = |segment: &SealedSegment| {
            let age_ms = now.saturating_sub(segment.max_timestamp.get());
            let aged = config.archive_after_ms.is_some_and(|ms| age_ms >= ms);
            let large = config
                .archive_after_bytes
                .is_some_and(|max| local > max.unsigned_abs());
            local = local.saturating_sub(segment.size_bytes);
            aged || large
        };
        let count = sealed.iter().take_while(|segment| is_due(segment)).count();
        sealed.into_iter().take(count).collect()
    }
}

impl ColdStores for Archives {
    fn of(&self, name: &TopicPartition, topic_id: TopicId) -> Result<Arc<dyn ColdStore>> {
        // Without a directory nothing was ever archived; the first archiving opens the log anew.
        if crate::config::is_internal_topic(&name.topic) {
            return Ok(Arc::new(NoColdStore));
        }
        Ok(self.partition(name, topic_id)?)
    }

    fn archive(
        &self,
        name: &TopicPartition,
        topic_id: TopicId,
    ) -> Result<Option<Arc<PartitionArchive>>> {
        if crate::config::is_internal_topic(&name.topic) {
            return Ok(None);
        }
        self.partition(name, topic_id).map(Some)
    }

    fn forget(&self, topic: &str, topic_id: TopicId) {
        let mut open = self.open.lock();
        open.partitions.retain(|(_, id), _| *id != topic_id);
        open.forgotten.insert(topic_id);
        let removed = self
            .store(&mut open)
            .and_then(|store| remove_topic(&*store, topic));
        if let Err(error) = removed {
            tracing::warn!(%error, topic, "archive files of a deleted topic stay");
        }
    }

    fn move_out(
        &self,
        name: &TopicPartition,
        topic_id: TopicId,
        log: &Partition,
        force: bool,
        stop: &Stop,
    ) -> Result<u64> {
        if log.config().cleanup.compact {
            return match force {
                true => Err(Error::invalid(format!(
                    "{name}: a compacted topic is not archived: its records still change"
                ))),
                false => Ok(0),
            };
        }
        let archive = self.partition(name, topic_id)?;
        let due = self.due(log, force);
        // What an earlier run archived and did not come to remove.
        let mut bytes = match archive.range() {
            Some((_, end)) => log.drop_archived(end)?,
            None => 0,
        };
        while !stop.is_set() {
            match self.move_some(&archive, log, &due, stop) {
                Ok(Some(moved)) => bytes += moved,
                Ok(None) => break,
                Err(e) if stop.is_set() && e.kind() == Kind::Closed => break,
                Err(e) => return Err(e),
            }
        }
        Ok(bytes)
    }

    fn retain(&self, name: &TopicPartition, topic_id: TopicId, log: &Partition) -> Result<u64> {
        if crate::config::is_internal_topic(&name.topic) {
            return Ok(0);
        }
        let archive = self.partition(name, topic_id)?;
        if archive.files().is_empty() {
            return Ok(0);
        }
        let config = log.config();
        let retained = archive.retain(Retain {
            before: config
                .retention_ms
                .map(|ms| Timestamp(self.clock.now().get().saturating_sub(ms))),
            bytes_max: config.retention_bytes.map(i64::unsigned_abs),
            local_bytes: log.size_bytes(),
            log_start: log.ends().log_start,
        })?;
        if let Some(start) = retained.log_start {
            log.set_log_start(start);
        }
        Ok(retained.bytes)
    }
}
