//! Which files hold which offsets of a partition: one small file, replaced as one.
//!
//! The first line is `levada-archive-catalog <version> <CRC32C of the rest, hexadecimal>`, the rest
//! JSON. What it does not name is not part of the archive.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::store::BlobStore;
use crate::codec::crc32c::crc32c;
use crate::error::{Error, Kind, Result};
use crate::types::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

const MAGIC: &str = "levada-archive-catalog";
const VERSION: u32 = 1;
/// About a million files.
const CATALOG_BYTES_MAX: u64 = 512 << 20;

/// One Parquet file of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedFile {
    /// In the store.
    pub name: String,
    pub base_offset: i64,
    /// After the last offset of the segments that went in.
    pub next_offset: i64,
    pub size_bytes: u64,
    pub rows: u64,
    /// What the segments took.
    pub source_bytes: u64,
    /// Where page indexes and footer start, and the CRC32C of everything from there.
    pub tail_position: u64,
    pub tail_crc: u32,
    /// The latest timestamp (milliseconds) and the first offset that has it; none without records.
    pub latest: Option<(i64, i64)>,
    /// The first offset of each leader epoch.
    pub epochs: Vec<(i32, i64)>,
    /// How many aborted transactions the file knows of.
    pub aborted: u64,
}

impl ArchivedFile {
    pub fn base(&self) -> Offset {
        Offset(self.base_offset)
    }
    pub fn next(&self) -> Offset {
        Offset(self.next_offset)
    }
    pub fn latest_timestamp(&self) -> Option<Timestamp> {
        self.latest.map(|(timestamp, _)| Timestamp(timestamp))
    }
    pub fn epoch_starts(&self) -> impl Iterator<Item = (LeaderEpoch, Offset)> + '_ {
        let typed = |(epoch, offset): &(i32, i64)| (LeaderEpoch(*epoch), Offset(*offset));
        self.epochs.iter().map(typed)
    }
}

/// All files of a partition, by offset; they touch each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalog {
    pub topic_id: String,
    pub files: Vec<ArchivedFile>,
}

impl Catalog {
    pub fn new(topic_id: TopicId) -> Catalog {
        Catalog {
            topic_id: topic_id.to_string(),
            files: Vec::new(),
        }
    }

    pub fn range(&self) -> Option<(Offset, Offset)> {
        Some((self.files.first()?.base(), self.files.last()?.next()))
    }

    /// The file that holds `offset`, or the first after it.
    pub fn at(&self, offset: Offset) -> Option<&ArchivedFile> {
        let at = self.files.partition_point(|f| f.next() <= offset);
        self.files.get(at)
    }

    /// `None` when there is no catalog.
    pub fn load(store: &dyn BlobStore, name: &TopicPartition) -> Result<Option<Catalog>> {
        let file = file_name(name);
        let content = match store.get(&file, CATALOG_BYTES_MAX) {
            Ok(content) => content,
            Err(e) if e.kind() == Kind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let read = Catalog::decode(&content).and_then(|c| c.checked(name));
        read.map(Some).map_err(|e| e.at(store.place(&file)))
    }

    pub fn save(&self, store: &dyn BlobStore, name: &TopicPartition) -> Result<()> {
        store.put(&file_name(name), &self.encode()?)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let json = serde_json::to_string_pretty(self);
        let json = json.map_err(|e| Error::internal(format!("writing a catalog: {e}")))?;
        let sum = crc32c(json.as_bytes());
        Ok(format!("{MAGIC} {VERSION} {sum:08x}\n{json}").into_bytes())
    }

    fn decode(content: &Bytes) -> Result<Catalog> {
        let damaged = || {
            Error::corrupt(
                "the catalog is damaged: restore it from a backup, or rebuild it from the archive files",
            )
        };
        let end = content.iter().take(100).position(|b| *b == b'\n');
        let (first, rest) = content.split_at(end.ok_or_else(damaged)?);
        let json = rest.get(1..).unwrap_or_default();
        let first = std::str::from_utf8(first).map_err(|_| damaged())?;
        let mut words = first.split(' ');
        if words.next() != Some(MAGIC) {
            return Err(damaged());
        }
        let version: Option<u32> = words.next().and_then(|w| w.parse().ok());
        if version.ok_or_else(damaged)? != VERSION {
            return Err(Error::coded(
                crate::error::Code::UnsupportedVersion,
                format!(
                    "a catalog of version {version:?}, this program knows {VERSION}: use a newer one"
                ),
            ));
        }
        let sum = words.next().and_then(|w| u32::from_str_radix(w, 16).ok());
        if sum != Some(crc32c(json)) || words.next().is_some() {
            return Err(damaged());
        }
        serde_json::from_slice(json).map_err(|_| damaged())
    }

    /// What is said must make sense even when its checksum is right.
    fn checked(self, name: &TopicPartition) -> Result<Catalog> {
        let mut expected = None;
        for file in &self.files {
            let wrong = file.base_offset < 0
                || file.next_offset <= file.base_offset
                || expected.is_some_and(|e| e != file.base_offset)
                || file.tail_position > file.size_bytes
                || !file.name.starts_with(&data_prefix(name));
            if wrong {
                return Err(Error::corrupt(format!(
                    "the catalog's entry of {} does not fit the others",
                    file.name
                )));
            }
            expected = Some(file.next_offset);
        }
        Ok(self)
    }
}

/// Catalogs lie apart from the data, so that a directory of data holds Parquet files only, and under a
/// name that no topic can have.
pub(crate) fn file_name(name: &TopicPartition) -> String {
    format!("{}{}.catalog", catalog_prefix(&name.topic), name.partition)
}

pub(crate) fn catalog_prefix(topic: &str) -> String {
    format!(".catalog~/{topic}/")
}

pub(crate) fn data_prefix(name: &TopicPartition) -> String {
    format!("{}/{}/", name.topic, name.partition)
}

pub(crate) fn data_name(name: &TopicPartition, base: Offset, next: Offset) -> String {
    format!(
        "{}{base:020}-{next:020}.parquet",
        data_prefix(name),
        base = base.get(),
        next = next.get()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Catalog {
        let mut catalog = Catalog::new(TopicId::METADATA);
        for (base, next) in [(5, 10), (10, 30)] {
            catalog.files.push(ArchivedFile {
                name: data_name(&TopicPartition::new("t", 0), Offset(base), Offset(next)),
                base_offset: base,
                next_offset: next,
                size_bytes: 1000,
                rows: 5,
                source_bytes: 2000,
                tail_position: 900,
                tail_crc: 77,
                latest: Some((1, base)),
                epochs: vec![(0, base)],
                aborted: 0,
            });
        }
        catalog
    }

    #[test]
    fn a_catalog_reads_back_and_no_flipped_byte_passes() {
        let name = TopicPartition::new("t", 0);
        let good = some().encode().unwrap();
        let read = Catalog::decode(&Bytes::from(good.clone())).unwrap();
        assert_eq!(read.clone().checked(&name).unwrap(), some());
        assert_eq!(read.at(Offset(10)).unwrap().base_offset, 10);
        assert_eq!(read.at(Offset(0)).unwrap().base_offset, 5);
        assert!(read.at(Offset(30)).is_none());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Catalog::decode(&Bytes::from(bad)).is_err(), "byte {at}");
            assert!(Catalog::decode(&Bytes::copy_from_slice(&good[..at])).is_err());
        }
    }

    #[test]
    fn files_that_do_not_touch_are_refused() {
        let mut catalog = some();
        catalog.files[1].base_offset = 11;
        assert!(catalog.checked(&TopicPartition::new("t", 0)).is_err());
        assert!(some().checked(&TopicPartition::new("other", 0)).is_err());
    }
}
