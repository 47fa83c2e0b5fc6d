//! Checks of whole archives, and making a lost catalog anew.

use std::sync::Arc;

use super::catalog::{ArchivedFile, Catalog, data_prefix};
use super::partition::PartitionArchive;
use super::read::{ArchiveFile, Cursor, Form, read_entry};
use super::store::BlobStore;
use crate::error::{Error, Result};
use crate::record::BatchView;
use crate::types::{Offset, TopicId, TopicPartition};

/// Something wrong with a file.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Where a person finds the file.
    pub place: String,
    pub error: Error,
}

/// Reads every file of the partition: block checksums, then every batch rebuilt, their order and
/// number. Empty when all is well.
pub fn check(archive: &PartitionArchive) -> Vec<Finding> {
    check_with(archive, |_| {})
}

/// As [`check`]; `progress` is told of each file before it is read.
pub fn check_with(
    archive: &PartitionArchive,
    mut progress: impl FnMut(&ArchivedFile),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in archive.files() {
        progress(&entry);
        if let Err(error) = check_file(archive.store(), &entry) {
            let place = archive.place(&entry);
            findings.push(Finding { place, error });
        }
    }
    findings
}

fn check_file(store: &dyn BlobStore, entry: &ArchivedFile) -> Result<()> {
    let file = Arc::new(ArchiveFile::open(store, entry)?);
    file.check_blocks()?;
    let wrong = |what: String| Error::corrupt(format!("{}: {what}", file.place));
    let mut cursor = Cursor::at(file.clone(), entry.base(), Form::Plain)?;
    let mut rows = 0;
    let mut expected = entry.base();
    while let Some(batch) = cursor.next_batch()? {
        if batch.base_offset < expected || batch.next_offset > entry.next() {
            return Err(wrong(format!(
                "batch at offset {} is out of place",
                batch.base_offset
            )));
        }
        expected = batch.next_offset;
        rows += BatchView::parse(&batch.bytes)?.header().count as u64;
    }
    if rows != entry.rows {
        return Err(wrong(format!(
            "{rows} records, the catalog says {}",
            entry.rows
        )));
    }
    Ok(())
}

/// Makes a partition's catalog from what its files say about themselves. Only files that touch each
/// other are taken: from the newest down to the first gap. Gives how many there are.
pub fn rebuild_catalog(
    store: &dyn BlobStore,
    name: &TopicPartition,
    topic_id: TopicId,
) -> Result<usize> {
    let mut found = Vec::new();
    for blob in store.list(&data_prefix(name))? {
        // What cannot say what it holds is left where it is, as an orphan.
        if let Ok(entry) = read_entry(store, &blob.name) {
            found.push(entry);
        }
    }
    found.sort_by_key(|f| std::cmp::Reverse((f.next_offset, f.base_offset)));
    let mut catalog = Catalog::new(topic_id);
    let mut expected: Option<Offset> = None;
    for entry in found {
        if expected.is_none_or(|e| e == entry.next()) {
            expected = Some(entry.base());
            catalog.files.push(entry);
        }
    }
    catalog.files.reverse();
    catalog.save(store, name)?;
    Ok(catalog.files.len())
}
