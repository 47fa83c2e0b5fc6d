//! The snapshot file `<offset>.snapshot`, Kafka's version 1: version (i16), CRC32C of what follows
//! (u32), count (i32), then 46 bytes a producer: id i64, epoch i16, last sequence i32, last offset i64,
//! offset delta i32, timestamp i64, coordinator epoch i32, first offset of the open transaction i64.
//!
//! That is where Kafka's file ends. Behind it stand the batches before the last one, so that a client whose
//! five requests were written and not answered before a crash finds all of them known: 32 bytes each, id
//! i64, last sequence i32, last offset i64, offset delta i32, timestamp i64, by producer and oldest first.
//! Kafka reads past them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::entry::{BatchMeta, ProducerEntry};
use super::state::ProducerStates;
use crate::codec::crc32c::crc32c;
use crate::disk::{Disk, write_atomically};
use crate::error::{Error, Result};
use crate::log::files::read_whole;
use crate::types::{Offset, ProducerEpoch, ProducerId, Timestamp};

const VERSION: i16 = 1;
const HEADER_BYTES: usize = 10;
const ENTRY_BYTES: usize = 46;
const EARLIER_BYTES: usize = 32;
/// Some four million producers.
const FILE_BYTES_MAX: u64 = 700 << 20;

/// `<dir>/<offset, 20 digits>.snapshot`: the state before the record at `offset`.
pub fn snapshot_path(dir: &Path, offset: Offset) -> PathBuf {
    dir.join(format!("{:020}.snapshot", offset.get()))
}

/// The offset in a snapshot's file name.
pub fn parse_snapshot_name(name: &str) -> Option<Offset> {
    let digits = name.strip_suffix(".snapshot")?;
    let sound = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| sound).map(Offset)
}

/// The offsets of the snapshots in a partition directory, ascending.
pub fn list_snapshots(disk: &dyn Disk, dir: &Path) -> Result<Vec<Offset>> {
    let entries = disk.list(dir);
    let entries = entries.map_err(|e| Error::io(format_args!("list {}", dir.display()), e))?;
    let mut found: Vec<Offset> = entries
        .iter()
        .filter_map(|e| parse_snapshot_name(&e.name))
        .collect();
    found.sort_unstable();
    Ok(found)
}

impl ProducerStates {
    /// Writes the snapshot of the state before the record at `offset`.
    pub fn save(&self, disk: &dyn Disk, dir: &Path, offset: Offset) -> Result<()> {
        write_atomically(disk, &snapshot_path(dir, offset), &self.encode())
    }

    /// Reads one snapshot; NotFound when it is not there, Corrupt names the file.
    pub fn load(disk: &dyn Disk, dir: &Path, offset: Offset) -> Result<ProducerStates> {
        let path = snapshot_path(dir, offset);
        let content = read_whole(disk, &path, FILE_BYTES_MAX)?;
        let missing = || Error::not_found(format!("there is no snapshot {}", path.display()));
        Self::decode(&content.ok_or_else(missing)?).map_err(|e| e.at(path.display()))
    }

    /// The newest readable snapshot at or below `offset` and the offset it stands for. Damaged ones
    /// are removed and named in the third place; the state is then made by replaying more of the log.
    pub fn load_latest(
        disk: &dyn Disk,
        dir: &Path,
        offset: Offset,
    ) -> Result<(ProducerStates, Option<Offset>, Vec<PathBuf>)> {
        let mut damaged = Vec::new();
        let snapshots = list_snapshots(disk, dir)?;
        for at in snapshots.into_iter().rev().filter(|at| *at <= offset) {
            match Self::load(disk, dir, at) {
                Ok(states) => return Ok((states, Some(at), damaged)),
                Err(e) if e.kind() == crate::Kind::Corrupt => {
                    let path = snapshot_path(dir, at);
                    let removed = disk.remove_file(&path);
                    removed.map_err(|e| Error::io(format_args!("remove {}", path.display()), e))?;
                    damaged.push(path);
                }
                Err(e) => return Err(e),
            }
        }
        Ok((ProducerStates::default(), None, damaged))
    }

    /// The file's content; producers by id, so that equal states give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut entries: Vec<(ProducerId, &ProducerEntry)> = self.iter().collect();
        entries.sort_unstable_by_key(|(id, _)| *id);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + entries.len() * ENTRY_BYTES);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let count = i32::try_from(entries.len()).unwrap_or(i32::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        for (id, entry) in &entries {
            let last = entry.last_batch();
            bytes.extend_from_slice(&id.get().to_be_bytes());
            bytes.extend_from_slice(&entry.epoch.get().to_be_bytes());
            bytes.extend_from_slice(&last.map_or(-1, |b| b.last_sequence).to_be_bytes());
            bytes.extend_from_slice(&last.map_or(-1, |b| b.last_offset.get()).to_be_bytes());
            bytes.extend_from_slice(&last.map_or(0, |b| b.offset_delta).to_be_bytes());
            bytes.extend_from_slice(&entry.last_timestamp.get().to_be_bytes());
            bytes.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
            let open = entry.txn_first_offset.map_or(-1, Offset::get);
            bytes.extend_from_slice(&open.to_be_bytes());
        }
        for (id, entry) in &entries {
            let earlier = entry.batches().split_last().map_or(&[][..], |(_, all)| all);
            for batch in earlier {
                bytes.extend_from_slice(&id.get().to_be_bytes());
                bytes.extend_from_slice(&batch.last_sequence.to_be_bytes());
                bytes.extend_from_slice(&batch.last_offset.get().to_be_bytes());
                bytes.extend_from_slice(&batch.offset_delta.to_be_bytes());
                bytes.extend_from_slice(&batch.timestamp.get().to_be_bytes());
            }
        }
        let crc = crc32c(bytes.get(6..).unwrap_or_default());
        if let Some(place) = bytes.get_mut(2..6) {
            place.copy_from_slice(&crc.to_be_bytes());
        }
        bytes
    }

    /// Reads a file's content. Any bytes give a state or Corrupt.
    pub fn decode(bytes: &[u8]) -> Result<ProducerStates> {
        let short = || Error::corrupt(format!("{} bytes are too few for a snapshot", bytes.len()));
        let (header, rest) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or_else(short)?;
        let mut header = Reader(header);
        let (version, crc) = (header.i16(), header.i32().cast_unsigned());
        if version != VERSION {
            return Err(Error::corrupt(format!(
                "snapshot version {version} is unknown, {VERSION} was expected"
            )));
        }
        let computed = crc32c(bytes.get(6..).unwrap_or_default());
        if crc != computed {
            return Err(Error::corrupt(format!(
                "snapshot checksum is {crc:#010x} in the file, {computed:#010x} by its content"
            )));
        }
        let count = header.i32();
        let size = usize::try_from(count).ok();
        let size = size.and_then(|count| count.checked_mul(ENTRY_BYTES));
        let parts = size.and_then(|size| rest.split_at_checked(size));
        let parts = parts.map(|(entries, earlier)| {
            let (entries, earlier) = (entries.as_chunks().0, earlier.as_chunks());
            (entries, earlier.0, earlier.1)
        });
        let Some((entries, earlier, [])) = parts else {
            return Err(Error::corrupt(format!(
                "snapshot announces {count} producers, but has {} bytes for them",
                rest.len()
            )));
        };
        let mut batches: HashMap<ProducerId, Vec<BatchMeta>> = HashMap::new();
        for batch in earlier {
            let (id, batch) = read_earlier(batch);
            batches.entry(id).or_default().push(batch);
        }
        let mut states = ProducerStates::default();
        for entry in entries {
            let (id, entry) = read_entry(entry, &batches);
            states.insert(id, entry);
        }
        Ok(states)
    }
}

fn read_earlier(bytes: &[u8; EARLIER_BYTES]) -> (ProducerId, BatchMeta) {
    let mut from = Reader(bytes);
    let id = ProducerId(from.i64());
    let batch = BatchMeta {
        last_sequence: from.i32(),
        last_offset: Offset(from.i64()),
        offset_delta: from.i32(),
        timestamp: Timestamp(from.i64()),
    };
    (id, batch)
}

fn read_entry(
    bytes: &[u8; ENTRY_BYTES],
    earlier: &HashMap<ProducerId, Vec<BatchMeta>>,
) -> (ProducerId, ProducerEntry) {
    let mut from = Reader(bytes);
    let id = ProducerId(from.i64());
    let mut entry = ProducerEntry::default();
    entry.set_epoch(ProducerEpoch(from.i16()));
    let (last_sequence, last_offset) = (from.i32(), Offset(from.i64()));
    let (offset_delta, timestamp) = (from.i32(), Timestamp(from.i64()));
    entry.last_timestamp = timestamp;
    entry.coordinator_epoch = from.i32();
    entry.txn_first_offset = Some(Offset(from.i64())).filter(|o| *o >= Offset::ZERO);
    if last_offset >= Offset::ZERO {
        for batch in earlier.get(&id).into_iter().flatten() {
            entry.add_batch(*batch);
        }
        entry.add_batch(BatchMeta {
            last_sequence,
            last_offset,
            offset_delta,
            timestamp,
        });
    }
    (id, entry)
}

/// Big-endian numbers off the front; the caller has made sure that they are there.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (first, rest) = self.0.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *first
    }
    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take())
    }
    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take())
    }
    fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take())
    }
}
