//! The directories of partitions, and how those of a removed topic go: renamed first, which is quick
//! and lasting, then removed in the background. A crash in between is finished at the next open.

use std::path::{Path, PathBuf};

use super::image::{MetadataImage, Topic};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::metadata_file;
use crate::types::{TopicId, TopicPartition};

/// What file systems allow, and Kafka's bound for the name of a directory that is to be removed.
const NAME_BYTES_MAX: usize = 255;
const DELETE_SUFFIX: &str = "-delete";

/// Reads `<topic>-<partition>`.
pub fn parse_partition_dir(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    let number: i32 = partition.parse().ok().filter(|p| *p >= 0)?;
    // Not `orders-007` or `orders-+7`: those are not names that we or Kafka give.
    let canonical = number.to_string() == partition && !topic.is_empty() && !topic.contains('/');
    canonical.then(|| TopicPartition::new(topic, number))
}

/// `<topic>-<partition>.<32 hex digits>-delete`, the topic cut short where the whole would be too long.
fn deleted_name(partition: &TopicPartition, unique: TopicId) -> String {
    let unique = u128::from_be_bytes(unique.0);
    let suffix = format!("-{}.{unique:032x}{DELETE_SUFFIX}", partition.partition);
    let room = NAME_BYTES_MAX.saturating_sub(suffix.len());
    let topic = partition.topic.get(..room).unwrap_or(&partition.topic);
    format!("{topic}{suffix}")
}

/// Whether a directory is one that [`mark_deleted`] (or Kafka) renamed.
pub fn is_deleted_name(name: &str) -> bool {
    let Some((front, unique)) = name
        .strip_suffix(DELETE_SUFFIX)
        .and_then(|n| n.rsplit_once('.'))
    else {
        return false;
    };
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    unique.len() == 32 && unique.bytes().all(hex) && parse_partition_dir(front).is_some()
}

/// Renames the directories of a removed topic, so that the name is free; gives the new paths, whose
/// removal is left to the caller ([`remove_deleted`]). Safe to repeat. A directory that carries
/// another topic's id stays; one that carries none stays when a live topic has that partition.
pub fn mark_deleted(
    disk: &dyn Disk,
    data_dir: &Path,
    topic: &Topic,
    image: &MetadataImage,
) -> Result<Vec<PathBuf>> {
    let live = image.topic(&topic.name);
    let mut renamed = Vec::new();
    for number in topic.partitions.keys() {
        let name = TopicPartition::new(topic.name.clone(), *number);
        let from = data_dir.join(name.to_string());
        if !disk.exists(&from) {
            continue;
        }
        // A damaged file must not make a topic immortal: it then counts as missing.
        let owner = metadata_file::read(disk, &from).unwrap_or(None);
        let taken = live.is_some_and(|t| t.partitions.contains_key(number));
        if owner.map_or(taken, |id| id != topic.id) {
            continue;
        }
        let to = data_dir.join(deleted_name(&name, TopicId::random()));
        disk.rename(&from, &to)
            .map_err(|e| Error::io(format_args!("rename {}", from.display()), e))?;
        renamed.push(to);
    }
    if !renamed.is_empty() {
        sync(disk, data_dir)?;
    }
    Ok(renamed)
}

/// Removes a directory that [`mark_deleted`] renamed. Readers that hold its bytes keep them.
pub fn remove_deleted(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove_dir(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| Error::io(format_args!("remove {}", path.display()), e)),
    }
}

/// What an open finds of deletions that a crash or a close cut short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Renamed now or before: to be removed with [`remove_deleted`].
    pub to_remove: Vec<PathBuf>,
    /// Directories that look like partitions and belong to no topic there is. They are never touched,
    /// but a topic of that name cannot use them.
    pub strays: Vec<PathBuf>,
}

/// Takes up deletions where they stopped, before any partition is opened.
pub fn sweep_deleted(disk: &dyn Disk, data_dir: &Path, image: &MetadataImage) -> Result<Swept> {
    for topic in image.deleting() {
        mark_deleted(disk, data_dir, topic, image)?;
    }
    let entries = disk
        .list(data_dir)
        .map_err(|e| Error::io(format_args!("list {}", data_dir.display()), e))?;
    let mut swept = Swept::default();
    for entry in entries.into_iter().filter(|e| e.is_dir) {
        let path = data_dir.join(&entry.name);
        if is_deleted_name(&entry.name) {
            swept.to_remove.push(path);
        } else if let Some(name) = parse_partition_dir(&entry.name)
            && !is_owned(disk, &path, &name, image)
        {
            swept.strays.push(path);
        }
    }
    swept.to_remove.sort();
    swept.strays.sort();
    Ok(swept)
}

fn is_owned(disk: &dyn Disk, dir: &Path, name: &TopicPartition, image: &MetadataImage) -> bool {
    if &*name.topic == crate::config::CLUSTER_METADATA {
        return true;
    }
    let Some(topic) = image.topic(&name.topic) else {
        return false;
    };
    let owner = metadata_file::read(disk, dir).unwrap_or(None);
    topic.partitions.contains_key(&name.partition) && owner.is_none_or(|id| id == topic.id)
}

fn sync(disk: &dyn Disk, dir: &Path) -> Result<()> {
    disk.sync_dir(dir)
        .map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))
}

#[cfg(test)]
mod tests {
    use super::super::commands::{LocalNode, NewTopic};
    use super::*;
    use crate::config::Overrides;
    use crate::disk::FaultyDisk;
    use crate::types::Timestamp;

    const DATA: &str = "/data";

    fn node() -> LocalNode {
        LocalNode {
            id: 1,
            directory_id: TopicId([7; 16]),
            config: Overrides::new(),
        }
    }

    fn create(image: &mut MetadataImage, disk: &dyn Disk, name: &str, partitions: i32) -> TopicId {
        let new = NewTopic::new(name, partitions);
        for record in image.create_topic(&new, &node()).unwrap() {
            image.apply(record, Timestamp(1)).unwrap();
        }
        for p in 0..partitions {
            let dir = Path::new(DATA).join(format!("{name}-{p}"));
            disk.create_dir(&dir).unwrap();
            metadata_file::write(disk, &dir, new.id).unwrap();
        }
        new.id
    }

    fn delete(image: &mut MetadataImage, name: &str) {
        for record in image.delete_topic(name).unwrap() {
            image.apply(record, Timestamp(2)).unwrap();
        }
    }

    fn names(disk: &dyn Disk) -> Vec<String> {
        let entries = disk.list(Path::new(DATA)).unwrap().into_iter();
        let mut names: Vec<_> = entries.map(|e| e.name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_deletion_that_a_crash_cut_short_is_finished_and_spares_the_successor() {
        let (disk, mut image) = (FaultyDisk::new(), MetadataImage::default());
        create(&mut image, &disk, "orders", 2);
        create(&mut image, &disk, "other", 1);
        delete(&mut image, "orders");
        // The crash came before the rename. Then:
        let swept = sweep_deleted(&disk, Path::new(DATA), &image).unwrap();
        assert_eq!(swept.to_remove.len(), 2);
        assert!(swept.strays.is_empty());
        assert!(names(&disk).contains(&"other-0".to_owned()));
        // Made again under the same name, before the old directories are gone, and swept once more.
        create(&mut image, &disk, "orders", 2);
        let again = sweep_deleted(&disk, Path::new(DATA), &image).unwrap();
        assert_eq!(again, swept);
        for path in &swept.to_remove {
            remove_deleted(&disk, path).unwrap();
            remove_deleted(&disk, path).unwrap();
        }
        assert_eq!(names(&disk), ["orders-0", "orders-1", "other-0"]);
    }

    #[test]
    fn a_directory_of_nobody_is_reported_and_left() {
        let (disk, mut image) = (FaultyDisk::new(), MetadataImage::default());
        create(&mut image, &disk, "orders", 1);
        for stray in ["lost-0", "orders-1", "__cluster_metadata-0", "archive"] {
            disk.create_dir(&Path::new(DATA).join(stray)).unwrap();
        }
        let dir = Path::new(DATA).join("orders-0");
        metadata_file::write(&disk, &dir, TopicId([3; 16])).unwrap();
        let swept = sweep_deleted(&disk, Path::new(DATA), &image).unwrap();
        let found: Vec<_> = swept
            .strays
            .iter()
            .map(|p| p.file_name().unwrap())
            .collect();
        assert_eq!(found, ["lost-0", "orders-0", "orders-1"]);
        assert!(swept.to_remove.is_empty());
    }

    #[test]
    fn names_are_kafkas() {
        assert!(is_deleted_name(
            "gone-0.4d6f1185a168481bb0b3a7bb5e8c8748-delete"
        ));
        assert!(!is_deleted_name("gone-0.4d6f-delete") && !is_deleted_name("my-delete"));
        let longest = TopicPartition::new("t".repeat(249), 12);
        let name = deleted_name(&longest, TopicId([0xab; 16]));
        assert_eq!(name.len(), NAME_BYTES_MAX);
        assert!(is_deleted_name(&name));
        assert_eq!(
            parse_partition_dir("a-b-12"),
            Some(TopicPartition::new("a-b", 12))
        );
        for no in ["a", "a-", "-1", "a-x", "a-01", "a-+1", "a--1x"] {
            assert_eq!(parse_partition_dir(no), None, "{no}");
        }
    }
}
