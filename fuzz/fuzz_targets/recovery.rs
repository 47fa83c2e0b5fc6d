//! A partition directory of two segments whose files hold any bytes: it opens or is refused, never
//! worse.
//!
//! Invariants:
//! - never panics: opening (clean or not), reading, looking up, compacting, appending, closing;
//! - memory is bounded by the files and the limits of the reader;
//! - a read gives whole batches, inside the ends of the log, and advances; after an unclean open from
//!   offset 0 every batch that is given has a right checksum;
//! - log start <= visible <= appended; durable <= appended;
//! - what is appended behind whatever was there is read back, also after a close and another open.
//!
//! Input: flags (1 opened as after a clean close, 2 true checksums in the logs, 4 the recovery point of
//! the third byte, 8 compact), base offset of the second segment, recovery point; then ten parts (see
//! `part`): log, index, time index, transaction index and snapshot of the first segment, then of the
//! second. An empty part makes no file, but a log.

#![no_main]

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use levada::clock::ManualClock;
use levada::config::TopicConfig;
use levada::disk::{Disk, FaultyDisk, Open};
use levada::log::{Append, NoColdStore, Opened, Partition, PartitionOptions, Read};
use levada::record::{BatchBuilder, Batches, BuildOptions};
use levada::types::{IsolationLevel, LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const DIR: &str = "/data/t-0";
const KINDS: [&str; 5] = ["log", "index", "timeindex", "txnindex", "snapshot"];

/// How the partition is opened.
#[derive(Clone, Copy)]
struct How {
    clean: bool,
    recovery_point: Offset,
    compact: bool,
}

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let flags = levada_fuzz::byte(&mut input);
    let second = levada_fuzz::byte(&mut input).max(1);
    let point = Offset(i64::from(levada_fuzz::byte(&mut input)));
    let how = How {
        clean: flags & 1 != 0,
        recovery_point: if flags & 4 != 0 { point } else { Offset::ZERO },
        compact: flags & 8 != 0,
    };
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
    disk.create_dir(Path::new(DIR)).unwrap();
    for base in [0, second] {
        for kind in KINDS {
            let mut content = levada_fuzz::part(&mut input).to_vec();
            if kind == "log" && flags & 2 != 0 {
                levada_fuzz::seal(&mut content);
            }
            if kind == "log" || !content.is_empty() {
                put(
                    &*disk,
                    &Path::new(DIR).join(format!("{base:020}.{kind}")),
                    &content,
                );
            }
        }
    }
    let Ok(opened) = open(&disk, how) else {
        return;
    };
    let partition = opened.partition;
    let checked = !how.clean && how.recovery_point == Offset::ZERO;
    look_around(&partition, checked);
    if how.compact {
        let _ = partition.roll(true);
        let _ = partition.sync();
        let _ = partition.compact(1 << 20);
        look_around(&partition, checked);
    }
    if let Some(at) = append(&partition) {
        find(&partition, at);
        if partition.close().is_ok() {
            let how = How {
                clean: true,
                recovery_point: at.next(),
                ..how
            };
            let again = open(&disk, how).expect("what was closed opens").partition;
            assert_eq!(again.ends().appended, at.next());
            find(&again, at);
        }
    }
});

fn put(disk: &dyn Disk, path: &Path, content: &[u8]) {
    let file = disk.open(path, Open::Truncate).unwrap();
    file.write_at(&[IoSlice::new(content)], 0).unwrap();
}

fn open(disk: &Arc<dyn Disk>, how: How) -> levada::Result<Opened> {
    let mut config = TopicConfig::default();
    config.cleanup.compact = how.compact;
    config.max_decompressed_message_bytes = 1 << 20;
    Partition::open(PartitionOptions {
        disk: disk.clone(),
        clock: Arc::new(ManualClock::new(NOW)),
        cold: Arc::new(NoColdStore),
        dir: PathBuf::from(DIR),
        name: TopicPartition::new("t", 0),
        topic_id: TopicId::METADATA,
        config: Arc::new(config),
        clean: how.clean,
        recovery_point: how.recovery_point,
        log_start: None,
    })
}

/// Reads everything in every way there is.
fn look_around(partition: &Partition, checked: bool) {
    let ends = partition.ends();
    assert!(ends.log_start <= ends.visible && ends.visible <= ends.appended);
    assert!(ends.durable <= ends.appended && ends.last_stable <= ends.visible);
    for isolation in [
        IsolationLevel::ReadUncommitted,
        IsolationLevel::ReadCommitted,
    ] {
        for max_bytes in [1, 1 << 20] {
            read_all(partition, isolation, max_bytes, checked);
        }
    }
    let _ = partition.max_timestamp();
    for timestamp in [Timestamp(0), NOW, Timestamp(i64::MAX)] {
        let _ = partition.offset_for_time(timestamp);
    }
    let _ = partition.epoch_end(LeaderEpoch(0));
    let _ = partition.aborted(Offset::ZERO, Offset::MAX);
    for segment in partition.sealed() {
        assert!(segment.next_offset >= segment.base_offset);
        let _ = partition.sealed_bytes(segment.base_offset);
    }
}

fn read_all(partition: &Partition, isolation: IsolationLevel, max_bytes: usize, checked: bool) {
    let ends = partition.ends();
    let mut from = ends.log_start;
    let mut scratch = Vec::new();
    // Damage ends a read; a reader goes on behind it, here a few times only.
    let mut skips = 0;
    while from < ends.visible && skips < 4 {
        let read = Read {
            from,
            max_bytes,
            at_least_one: true,
            isolation,
        };
        let Ok(chunk) = partition.read(read) else {
            from = from.next();
            skips += 1;
            continue;
        };
        let mut next = from;
        for batch in Batches::new(&chunk.batches) {
            let batch = batch.expect("whole batches");
            if checked {
                batch.check_crc().expect("a right checksum");
            }
            let after = batch.header().next_offset();
            assert!(after > next, "a batch below what was asked for");
            assert!(after <= ends.visible, "a batch above the end");
            next = after;
            if let Ok(records) = batch.records(&mut scratch, 1 << 20) {
                let _ = records.take_while(Result::is_ok).count();
            }
        }
        if next == from {
            return;
        }
        from = next;
    }
}

/// Appends one record; `None` when the log refuses it.
fn append(partition: &Partition) -> Option<Offset> {
    let mut builder = BatchBuilder::default();
    builder.push(NOW, Some(b"key"), Some(b"appended"), &[]);
    let batch = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    let appended = partition.append(Append {
        batches: &batch,
        leader_epoch: LeaderEpoch(1),
        internal: false,
        trusted: false,
    });
    let at = appended.ok()?.base_offset;
    let durable = partition.sync().ok()?;
    partition.set_visible(durable);
    Some(at)
}

fn find(partition: &Partition, at: Offset) {
    let read = Read {
        from: at,
        max_bytes: 1 << 20,
        at_least_one: true,
        isolation: IsolationLevel::ReadUncommitted,
    };
    let chunk = partition.read(read).expect("what was appended is read");
    let batch = Batches::new(&chunk.batches)
        .next()
        .expect("a batch")
        .unwrap();
    batch.check_crc().unwrap();
    let mut scratch = Vec::new();
    let record = batch
        .records(&mut scratch, 1 << 20)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!((record.offset, record.value), (at, Some(&b"appended"[..])));
}
