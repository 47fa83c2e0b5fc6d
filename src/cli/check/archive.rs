//! The archive files of a partition.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::report::{Report, Severity};
use crate::archive::store::LocalStore;
use crate::archive::{PartitionArchive, ReadCache, verify};
use crate::disk::Disk;
use crate::error::Error;
use crate::types::{TopicId, TopicPartition};

/// What reading keeps in memory.
const CACHED_BYTES_MAX: usize = 8 << 20;
const CURSORS_MAX: usize = 1;

/// The archive of the data directory, where there is one.
pub struct Archive {
    store: Arc<LocalStore>,
    cache: Arc<ReadCache>,
}

impl Archive {
    pub fn open(disk: &Arc<dyn Disk>, root: PathBuf) -> Option<Archive> {
        if !disk.exists(&root) {
            return None;
        }
        Some(Archive {
            store: Arc::new(LocalStore::for_reading(disk.clone(), root)),
            cache: Arc::new(ReadCache::new(CACHED_BYTES_MAX, CURSORS_MAX)),
        })
    }

    /// Reads every file of the partition.
    pub fn check(&self, name: &TopicPartition, id: TopicId, report: &mut Report) {
        let (store, cache) = (self.store.clone(), self.cache.clone());
        let archive = match PartitionArchive::open(store, cache, name.clone(), id) {
            Ok(archive) => archive,
            Err(error) => {
                let place = format!("archive of {name}");
                return find(report, &place, &error);
            }
        };
        let findings = verify::check_with(&archive, |file| {
            report.archive_files += 1;
            report.bytes += file.size_bytes;
        });
        for finding in findings {
            find(report, &finding.place, &finding.error);
        }
    }
}

fn find(report: &mut Report, place: &str, error: &Error) {
    report.find(Severity::Damage, Path::new(place), None, error.message());
}
