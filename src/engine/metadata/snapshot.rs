//! Snapshots of the metadata in Kafka's format (KIP-630): `<end offset>-<epoch>.checkpoint`, a file of
//! record batches that opens with a header and closes with a footer, both control records. A file
//! without its footer was never finished. Record times in it are those of the events, so a topic keeps
//! the time of its creation.

use std::path::{Path, PathBuf};

use super::image::MetadataImage;
use super::records::MetadataRecord;
use crate::disk::{Disk, write_atomically};
use crate::error::{Error, Result};
use crate::protocol::Writer;
use crate::record::{BatchBuilder, BatchView, Batches, BuildOptions};
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// The epoch of everything a single engine writes.
pub(super) const EPOCH: LeaderEpoch = LeaderEpoch(1);
const SUFFIX: &str = ".checkpoint";
/// Kafka's types of control records.
const HEADER: [u8; 4] = [0, 0, 0, 3];
const FOOTER: [u8; 4] = [0, 0, 0, 4];
const BATCH_BYTES: usize = 1 << 20;
/// More than a batch of ours can hold; a codec that claims more is lying.
pub(super) const PLAIN_BYTES_MAX: usize = 1 << 30;

/// One snapshot: everything below `end` is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotId {
    pub end: Offset,
    pub epoch: LeaderEpoch,
}

impl SnapshotId {
    pub fn path(self, dir: &Path) -> PathBuf {
        dir.join(format!("{:020}-{:010}{SUFFIX}", self.end, self.epoch))
    }

    fn parse(name: &str) -> Option<SnapshotId> {
        let (end, epoch) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        let well_formed = digits(end, 20) && digits(epoch, 10);
        let id = || {
            Some(SnapshotId {
                end: Offset(end.parse().ok()?),
                epoch: LeaderEpoch(epoch.parse().ok()?),
            })
        };
        well_formed.then(id).flatten()
    }
}

/// All snapshots of a directory, oldest first.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<SnapshotId>> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(format_args!("list {}", dir.display()), e)),
    };
    let mut found: Vec<_> = entries
        .iter()
        .filter_map(|e| SnapshotId::parse(&e.name))
        .collect();
    found.sort();
    Ok(found)
}

/// Writes the image whole; after a crash the file is there with its footer or not at all.
pub(super) fn write(
    disk: &dyn Disk,
    dir: &Path,
    id: SnapshotId,
    image: &MetadataImage,
    now: Timestamp,
) -> Result<usize> {
    let bytes = encode(id.epoch, image, now)?;
    write_atomically(disk, &id.path(dir), &bytes)?;
    Ok(bytes.len())
}

fn encode(epoch: LeaderEpoch, image: &MetadataImage, now: Timestamp) -> Result<Vec<u8>> {
    let mut out = Encoder {
        builder: BatchBuilder::default(),
        bytes: Vec::new(),
        next: Offset::ZERO,
        epoch,
    };
    let mut header = Writer::new();
    header.i16(0);
    header.i64(now.get());
    header.no_tagged();
    out.control(&HEADER, &header.bytes, now)?;
    for (record, at) in image.to_records(now) {
        let value = record.encode();
        out.builder.push(at, None, Some(&value), &[]);
        if out.builder.size_bytes() > BATCH_BYTES {
            out.finish(false)?;
        }
    }
    if !out.builder.is_empty() {
        out.finish(false)?;
    }
    let mut footer = Writer::new();
    footer.i16(0);
    footer.no_tagged();
    out.control(&FOOTER, &footer.bytes, now)?;
    Ok(out.bytes)
}

struct Encoder {
    builder: BatchBuilder,
    bytes: Vec<u8>,
    next: Offset,
    epoch: LeaderEpoch,
}

impl Encoder {
    fn control(&mut self, key: &[u8], value: &[u8], at: Timestamp) -> Result<()> {
        self.builder.push(at, Some(key), Some(value), &[]);
        self.finish(true)
    }

    fn finish(&mut self, control: bool) -> Result<()> {
        let options = BuildOptions {
            base_offset: self.next,
            leader_epoch: self.epoch,
            control,
            ..BuildOptions::default()
        };
        self.next = self.next.plus(i64::from(self.builder.count()));
        self.bytes.extend_from_slice(self.builder.finish(&options)?);
        self.builder.clear();
        Ok(())
    }
}

/// Reads a snapshot. Corrupt, naming the file, when it is not whole; Invalid when it is of a newer
/// format.
pub(super) fn read(disk: &dyn Disk, dir: &Path, id: SnapshotId) -> Result<MetadataImage> {
    let path = id.path(dir);
    let bytes = disk
        .map(&path)
        .map_err(|e| Error::io(format_args!("read {}", path.display()), e))?;
    decode(&bytes).map_err(|e| e.at(path.display()))
}

fn decode(bytes: &[u8]) -> Result<MetadataImage> {
    let mut image = MetadataImage::default();
    let mut scratch = Vec::new();
    let mut batches = Batches::new(bytes);
    let (mut next, mut footer) = (Offset::ZERO, false);
    for batch in batches.by_ref() {
        let batch = batch?;
        let place = format!("batch at offset {next}");
        let header = batch.header();
        if footer || header.base_offset != next {
            return Err(Error::corrupt(format!("{place} does not belong there")));
        }
        batch.check_crc().map_err(|e| e.at(&place))?;
        if header.attributes.is_control() {
            let kind = control_kind(&batch, &mut scratch)?;
            footer = kind == FOOTER;
            if (next == Offset::ZERO) != (kind == HEADER) {
                return Err(Error::corrupt(format!("{place} should be the header")));
            }
        } else if next == Offset::ZERO {
            return Err(Error::corrupt("it does not start with a header"));
        } else {
            apply(&batch, &mut scratch, &mut image).map_err(|e| e.at(&place))?;
        }
        next = header.next_offset();
    }
    if !footer || !batches.rest().is_empty() {
        return Err(Error::corrupt("it is cut short: the footer is missing"));
    }
    Ok(image)
}

fn control_kind(batch: &BatchView<'_>, scratch: &mut Vec<u8>) -> Result<[u8; 4]> {
    let first = batch.records(scratch, PLAIN_BYTES_MAX)?.next();
    let key = first.transpose()?.and_then(|r| r.key);
    let key = key.and_then(|k| <[u8; 4]>::try_from(k).ok());
    key.ok_or_else(|| Error::corrupt("a control record has no type"))
}

/// Applies all records of a batch; control batches of a quorum say nothing to a single engine.
pub(super) fn apply(
    batch: &BatchView<'_>,
    scratch: &mut Vec<u8>,
    image: &mut MetadataImage,
) -> Result<()> {
    if batch.header().attributes.is_control() {
        return Ok(());
    }
    for record in batch.records(scratch, PLAIN_BYTES_MAX)? {
        let record = record?;
        let here = |e: Error| e.at(format_args!("record at offset {}", record.offset));
        let value = record.value.unwrap_or_default();
        if let Some(event) = MetadataRecord::decode(value).map_err(here)? {
            image.apply(event, record.timestamp).map_err(here)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::commands::{LocalNode, NewTopic};
    use super::*;
    use crate::config::Overrides;
    use crate::error::Kind;
    use crate::types::TopicId;

    fn image(topics: usize, partitions: i32) -> MetadataImage {
        let node = LocalNode {
            id: 1,
            directory_id: TopicId([7; 16]),
            config: Overrides::new(),
        };
        let mut image = MetadataImage::default();
        let mut log = MetadataImage::bootstrap();
        for n in 0..topics {
            let mut new = NewTopic::new(format!("topic-{n}"), partitions);
            new.config = vec![("retention.ms".to_owned(), n.to_string())];
            log.extend(image.create_topic(&new, &node).unwrap());
        }
        log.extend(image.allocate_producer_ids(1000, &node).unwrap().1);
        for (n, record) in log.into_iter().enumerate() {
            image.apply(record, Timestamp(n as i64)).unwrap();
        }
        let gone = image.delete_topic("topic-0").unwrap();
        for record in gone {
            image.apply(record, Timestamp(1)).unwrap();
        }
        image
    }

    #[test]
    fn what_is_written_is_read() {
        // The second needs several batches.
        for image in [image(3, 2), image(4, 10_000)] {
            let bytes = encode(EPOCH, &image, Timestamp(5)).unwrap();
            assert_eq!(decode(&bytes).unwrap(), image);
        }
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_noticed() {
        let bytes = encode(EPOCH, &image(2, 1), Timestamp(5)).unwrap();
        for cut in 0..bytes.len() {
            let e = decode(&bytes[..cut]).unwrap_err();
            assert_eq!(e.kind(), Kind::Corrupt, "cut at {cut}: {e}");
        }
        let mut unnoticed = 0;
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            match decode(&damaged) {
                // Only the leader epoch lies outside of every checksum and says nothing here.
                Ok(_) => unnoticed += 1,
                Err(e) => assert_eq!(e.kind(), Kind::Corrupt, "byte {at}: {e}"),
            }
        }
        let batches = Batches::new(&bytes).count();
        assert_eq!(unnoticed, 4 * batches);
    }

    #[test]
    fn names_are_kafkas() {
        let id = SnapshotId {
            end: Offset(97),
            epoch: LeaderEpoch(1),
        };
        let path = id.path(Path::new("/d"));
        let name = "00000000000000000097-0000000001.checkpoint";
        assert_eq!(path, Path::new("/d").join(name));
        assert_eq!(SnapshotId::parse(name), Some(id));
        for no in ["97-1.checkpoint", "00000000000000000097.snapshot", "x"] {
            assert_eq!(SnapshotId::parse(no), None);
        }
    }
}
