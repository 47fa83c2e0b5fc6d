//! Files that Apache Kafka wrote (`tests/golden/log`), read by our readers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::disk::{Disk, Open, RealDisk};
use crate::record::{BatchHeader, Batches};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicPartition};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/log")
        .join(name)
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk::default())
}

fn size_of(path: &Path) -> u64 {
    disk().open(path, Open::Read).unwrap().len().unwrap()
}

fn headers(log: &Path) -> Vec<(usize, BatchHeader)> {
    let bytes = disk().map(log).unwrap();
    let mut position = 0;
    let mut found = Vec::new();
    for batch in Batches::new(&bytes) {
        let header = *batch.unwrap().header();
        found.push((position, header));
        position += header.size_bytes;
    }
    assert_eq!(position, bytes.len());
    found
}

/// What the index entries say is what stands in the log.
fn check_indexes(dir: &Path, base: i64, sealed: bool, entries: usize) {
    let at = |end: &str| dir.join(format!("{base:020}.{end}"));
    let size = |end: &str| size_of(&at(end));
    let headers = headers(&at("log"));
    let (base, max) = (Offset(base), 4096);
    let index = OffsetIndex::open(disk(), &at("index"), base, max, size("index"), sealed);
    assert_eq!(index.len().unwrap(), entries);
    for (offset, position) in index.entries().unwrap() {
        let found = headers
            .iter()
            .find(|(p, _)| *p == position as usize)
            .unwrap();
        assert_eq!(found.1.last_offset(), offset);
        assert_eq!(index.lookup(offset).unwrap(), (offset, position));
    }
    index.sanity_check(size("log")).unwrap();
    let time = TimeIndex::open(
        disk(),
        &at("timeindex"),
        base,
        max,
        size("timeindex"),
        sealed,
    );
    for (timestamp, offset) in time.entries().unwrap() {
        let latest = headers
            .iter()
            .take_while(|(_, h)| h.last_offset() <= offset);
        let latest = latest.map(|(_, h)| h.max_timestamp).max().unwrap();
        assert_eq!(latest, timestamp, "at offset {offset}");
    }
    time.sanity_check(headers.last().unwrap().1.next_offset())
        .unwrap();
}

#[test]
fn kafkas_indexes_say_what_its_log_says() {
    check_indexes(&golden("kafka-clean"), 0, true, 20);
    check_indexes(&golden("kafka-clean"), 45, false, 5);
    check_indexes(&golden("kafka-killed"), 0, true, 20);
    // Preallocated, its tail zeros.
    check_indexes(&golden("kafka-killed"), 45, false, 5);
    check_indexes(&golden("kafka-killed"), 45, true, 5);
}

#[test]
fn kafkas_transaction_index_is_what_replaying_its_log_gives() {
    let dir = golden("kafka-clean");
    let (mut states, mut aborted) = (ProducerStates::default(), Vec::new());
    for base in [0, 45] {
        let bytes = disk().map(&dir.join(format!("{base:020}.log"))).unwrap();
        for batch in Batches::new(&bytes) {
            let batch = batch.unwrap();
            let done = states.replay(&batch).unwrap();
            aborted.extend(done.filter(|d| d.aborted).map(|d| Aborted {
                producer_id: d.producer_id,
                first_offset: d.first_offset,
                last_offset: d.last_offset,
                last_stable: d.last_stable,
            }));
        }
        if base == 0 {
            let path = snapshot_path(&dir, Offset(45));
            // Behind the checksum Kafka's file is ours without the earlier batches.
            let (ours, kafkas) = (states.encode(), disk().map(&path).unwrap());
            assert_eq!(ours[6..kafkas.len()], kafkas[6..], "byte for byte");
        }
    }
    let path = dir.join("00000000000000000045.txnindex");
    let size = size_of(&path);
    let index = TxnIndex::open(disk(), &path, Offset(45), size, false);
    assert_eq!(index.entries().unwrap(), aborted);
    assert_eq!(aborted.len(), 3);
    let kafkas = disk().map(&snapshot_path(&dir, Offset(77))).unwrap();
    assert_eq!(states.encode()[6..kafkas.len()], kafkas[6..]);
    states.on_visible(Offset(77));
    assert_eq!(states.first_unstable(), Some(Offset(76)));
}

#[test]
fn kafkas_snapshot_is_read() {
    let dir = golden("kafka-clean");
    let (states, at, damaged) = ProducerStates::load_latest(&*disk(), &dir, Offset::MAX).unwrap();
    assert_eq!((at, damaged.len(), states.len()), (Some(Offset(77)), 0, 3));
    let entry = states.get(ProducerId(1)).unwrap();
    assert_eq!(
        (entry.epoch, entry.coordinator_epoch),
        (ProducerEpoch(0), 0)
    );
    let last = entry.last_batch().unwrap();
    assert_eq!((last.first_sequence(), last.last_sequence), (25, 29));
    assert_eq!(
        (last.first_offset(), last.last_offset),
        (Offset(70), Offset(74))
    );
    assert_eq!(last.timestamp, Timestamp(1_795_427_166_062));
    let open = states.get(ProducerId(2)).unwrap();
    assert_eq!(open.txn_first_offset, Some(Offset(76)));
}

#[test]
fn kafkas_text_files_are_read() {
    let dir = golden("kafka-clean");
    let epochs = Epochs::load(&*disk(), &dir).unwrap();
    assert_eq!(epochs.entries(), [(LeaderEpoch(0), Offset(0))]);
    let id = metadata_file::read(&*disk(), &dir).unwrap().unwrap();
    assert_eq!(id.to_string(), "2xX68AC5Q_COt5ijPm022A");
    let points = checkpoint::read(&*disk(), &golden(checkpoint::RECOVERY_POINT)).unwrap();
    assert_eq!(points.len(), 10);
    assert!(points.contains(&(TopicPartition::new("clean", 0), Offset(77))));
}
