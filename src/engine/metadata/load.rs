//! From the files of the metadata log to the image: the newest good snapshot, then the log behind it.

use std::path::Path;
use std::sync::Arc;

use super::directories::parse_partition_dir;
use super::image::MetadataImage;
use super::snapshot::{self, SnapshotId};
use super::store::{StoreOpened, StoreOptions};
use super::tail;
use crate::config::{CLUSTER_METADATA, TopicConfig};
use crate::disk::Disk;
use crate::error::{Error, Kind, Result};
use crate::log::{NoColdStore, Partition, PartitionOptions, Read};
use crate::record::Batches;
use crate::types::{IsolationLevel, Offset, TopicId, TopicPartition};

const READ_BYTES: usize = 1 << 20;

pub(super) struct Loaded {
    pub log: Partition,
    pub image: MetadataImage,
    pub replayed_bytes: u64,
    pub opened: StoreOpened,
}

pub(super) fn load(options: &StoreOptions) -> Result<Loaded> {
    let disk = options.disk.as_ref();
    let name = TopicPartition::new(CLUSTER_METADATA, 0);
    let dir = options.data_dir.join(name.to_string());
    tail::check(disk, &dir, options.clean)?;
    let snapshots = snapshot::list(disk, &dir)?;
    let partition = Partition::open(PartitionOptions {
        disk: options.disk.clone(),
        clock: options.clock.clone(),
        cold: Arc::new(NoColdStore),
        dir: dir.clone(),
        name,
        topic_id: TopicId::METADATA,
        config: Arc::new(config()),
        clean: options.clean,
        recovery_point: Offset::ZERO,
        log_start: None,
    })?;
    let log = partition.partition;
    let ends = log.ends();
    let mut opened = StoreOpened {
        recovered: partition.recovered,
        ..StoreOpened::default()
    };
    if ends.appended == Offset::ZERO {
        check_new(disk, &options.data_dir, &dir, &snapshots)?;
        disk.sync_dir(&options.data_dir)
            .map_err(|e| Error::io(format_args!("sync {}", options.data_dir.display()), e))?;
    }
    let (mut image, from) = newest(disk, &dir, snapshots, &mut opened)?;
    if from < ends.log_start || from > ends.appended {
        return Err(missing_log(&dir, from, &log, &opened));
    }
    let replayed_bytes = replay(&log, from, &mut image, &mut opened)?;
    check_dense(&image)?;
    Ok(Loaded {
        log,
        image,
        replayed_bytes,
        opened,
    })
}

/// One batch a commit, however many partitions it makes; nothing goes but what a snapshot holds.
fn config() -> TopicConfig {
    TopicConfig {
        max_message_bytes: 256 << 20,
        segment_bytes: 64 << 20,
        retention_bytes: None,
        retention_ms: None,
        message_timestamp_before_max_ms: i64::MAX,
        message_timestamp_after_max_ms: i64::MAX,
        ..TopicConfig::default()
    }
}

/// An empty log is right in a new directory only: where topics lie, it was lost.
fn check_new(disk: &dyn Disk, data_dir: &Path, dir: &Path, snapshots: &[SnapshotId]) -> Result<()> {
    let entries = disk
        .list(data_dir)
        .map_err(|e| Error::io(format_args!("list {}", data_dir.display()), e))?;
    let orphan = entries.iter().find(|e| {
        let name = parse_partition_dir(&e.name);
        e.is_dir && name.is_some_and(|n| &*n.topic != CLUSTER_METADATA)
    });
    let found = match (orphan, snapshots.last()) {
        (Some(orphan), _) => data_dir.join(&orphan.name),
        (None, Some(snapshot)) => snapshot.path(dir),
        (None, None) => return Ok(()),
    };
    Err(Error::corrupt(format!(
        "the metadata log {} is empty, but {} is there: restore the log from a backup",
        dir.display(),
        found.display()
    )))
}

/// The newest snapshot that can be read and where it ends.
fn newest(
    disk: &dyn Disk,
    dir: &Path,
    mut snapshots: Vec<SnapshotId>,
    opened: &mut StoreOpened,
) -> Result<(MetadataImage, Offset)> {
    while let Some(id) = snapshots.pop() {
        match snapshot::read(disk, dir, id) {
            Ok(image) => return Ok((image, id.end)),
            Err(e) if e.kind() == Kind::Corrupt => {
                tracing::warn!(error = %e, "damaged metadata snapshot");
                opened.damaged_snapshots.push(id.path(dir));
            }
            Err(e) => return Err(e),
        }
    }
    Ok((MetadataImage::default(), Offset::ZERO))
}

fn missing_log(dir: &Path, from: Offset, log: &Partition, opened: &StoreOpened) -> Error {
    let ends = log.ends();
    let why = match opened.damaged_snapshots.first() {
        Some(path) => format!("the snapshot {} is damaged and ", path.display()),
        None => String::new(),
    };
    Error::corrupt(format!(
        "{why}the metadata log {} has offsets {} to {}, but {from} is needed: restore the directory \
         from a backup",
        dir.display(),
        ends.log_start,
        ends.appended
    ))
}

/// Applies what the log has from `from` on; gives its bytes.
fn replay(
    log: &Partition,
    from: Offset,
    image: &mut MetadataImage,
    opened: &mut StoreOpened,
) -> Result<u64> {
    let end = log.ends().appended;
    log.set_visible(end);
    let (mut next, mut bytes, mut scratch) = (from, 0, Vec::new());
    while next < end {
        let chunk = log.read(Read {
            from: next,
            max_bytes: READ_BYTES,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        })?;
        let place = |e: Error| e.at(log.dir().display());
        let before = next;
        for batch in Batches::new(&chunk.batches) {
            let batch = batch.map_err(place)?;
            let header = batch.header();
            if header.base_offset != next {
                let found = header.base_offset;
                let gap = Error::corrupt(format!("offset {next} was expected, {found} follows"));
                return Err(place(gap));
            }
            batch.check_crc().map_err(place)?;
            snapshot::apply(&batch, &mut scratch, image).map_err(place)?;
            next = header.next_offset();
            bytes += header.size_bytes as u64;
            opened.replayed_batches += 1;
        }
        if next == before {
            return Err(place(Error::corrupt(format!("offset {next} is missing"))));
        }
    }
    Ok(bytes)
}

/// Partitions are numbered without a gap; everything above relies on it.
fn check_dense(image: &MetadataImage) -> Result<()> {
    for topic in image.topics() {
        let last = topic.partitions.last_key_value().map_or(-1, |(n, _)| *n);
        if last + 1 != topic.partition_count() || last < 0 {
            return Err(Error::corrupt(format!(
                "topic {} has {} partitions, the last is {last}",
                topic.name,
                topic.partition_count()
            )));
        }
    }
    Ok(())
}
