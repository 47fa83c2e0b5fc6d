//! What lies in a partition's directory, and clearing away what a crash left there.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crate::error::{Error, Result};
use crate::log::PartitionOptions;
use crate::log::metadata_file;
use crate::log::names::{self, Named, Part};
use crate::log::segment::{Found, Place};
use crate::types::{Offset, TopicId};

/// Makes the directory where it is missing, and refuses one of another topic.
pub(super) fn prepare(options: &PartitionOptions) -> Result<()> {
    let (disk, dir) = (&*options.disk, &options.dir);
    let wrong = |e| Error::io(format_args!("create {}", dir.display()), e);
    if !disk.exists(dir) {
        disk.create_dir(dir).map_err(wrong)?;
        if let Some(parent) = dir.parent() {
            disk.sync_dir(parent).map_err(wrong)?;
        }
    }
    if options.topic_id == TopicId::NONE {
        return Ok(());
    }
    match metadata_file::read(disk, dir)? {
        Some(id) if id != options.topic_id => Err(Error::corrupt(format!(
            "{} belongs to topic id {id}, not to {}: it was left by a topic of the same name",
            dir.display(),
            options.topic_id
        ))),
        _ => Ok(()),
    }
}

/// Makes the name of a new log's first segment lasting, and says whose directory it is. A log whose
/// first segment is not there after a crash, but later ones are, could not be told from one whose
/// first segments were deleted.
pub(super) fn settle(options: &PartitionOptions, created: bool) -> Result<()> {
    let (disk, dir) = (&*options.disk, &options.dir);
    if created {
        let synced = disk.sync_dir(dir);
        synced.map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))?;
    }
    if options.topic_id == TopicId::NONE || metadata_file::read(disk, dir)?.is_some() {
        return Ok(());
    }
    metadata_file::write(disk, dir, options.topic_id)
}

/// The files of each segment by base offset. Rubbish is removed, indexes without a log as well.
pub(super) fn list(place: &Place) -> Result<BTreeMap<Offset, Found>> {
    let (disk, dir) = (&*place.disk, &*place.dir);
    let listing = disk.list(dir);
    let listing = listing.map_err(|e| Error::io(format_args!("list {}", dir.display()), e))?;
    let mut segments: BTreeMap<Offset, Found> = BTreeMap::new();
    for entry in listing.iter().filter(|e| !e.is_dir) {
        match names::parse(&entry.name) {
            Named::Rubbish | Named::Swap => remove(place, &entry.name)?,
            Named::Other | Named::File(_, Part::Snapshot) => {}
            Named::File(base, part) => {
                let found = segments.entry(base).or_default();
                let size = Some(entry.size_bytes);
                match part {
                    Part::Log => found.log_bytes = size,
                    Part::OffsetIndex => found.index_bytes = size,
                    Part::TimeIndex => found.time_bytes = size,
                    Part::TxnIndex => found.txn_bytes = size,
                    Part::Snapshot => {}
                }
            }
        }
    }
    for (base, _) in segments.iter().filter(|(_, f)| f.log_bytes.is_none()) {
        for part in [Part::OffsetIndex, Part::TimeIndex, Part::TxnIndex] {
            let path = names::path(dir, *base, part);
            remove(
                place,
                &path.file_name().unwrap_or_default().to_string_lossy(),
            )?;
        }
    }
    segments.retain(|_, found| found.log_bytes.is_some());
    Ok(segments)
}

fn remove(place: &Place, name: &str) -> Result<()> {
    let path = place.dir.join(name);
    match place.disk.remove_file(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| Error::io(format_args!("remove {}", path.display()), e)),
    }
}
