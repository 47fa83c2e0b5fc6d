//! What is sealed, synced, kept open: files settle before anybody takes them away.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::*;
use crate::disk::{Disk, Fault, Faults, FaultyDisk, Open, RealDisk};
use crate::error::{Kind, Result};
use crate::log::{Partition, Read};
use crate::record::Batches;
use crate::types::{IsolationLevel, Offset};

fn small() -> Bench {
    Bench::new().with(|c| {
        c.segment_bytes = 2000;
        c.index_interval_bytes = 100;
    })
}

fn fill(partition: &Partition, count: i64) {
    for at in 0..count {
        append(partition, &batch(NOW, &[format!("value {at}").as_bytes()])).unwrap();
    }
}

#[test]
fn a_sealed_segment_is_no_archives_or_compactions_before_its_files_are_synced() {
    let partition = small().open();
    fill(&partition, 10);
    show(&partition);
    partition.roll(true).unwrap();
    assert!(partition.sealed().is_empty(), "its index is not synced");
    partition.sync().unwrap();
    assert_eq!(partition.sealed().len(), 1);
}

#[test]
fn removing_segments_does_not_fail_a_sync_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(RealDisk::new()), dir.path().join("t-0")).with(|c| {
        c.segment_bytes = 400;
        c.index_interval_bytes = 100;
    });
    let partition = bench.open();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let syncing = threads.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                show(&partition);
            }
        });
        let removing = threads.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let visible = partition.ends().visible;
                partition.delete_records(visible).unwrap();
            }
        });
        for at in 0..4000 {
            append(&partition, &batch(NOW, &[format!("value {at}").as_bytes()])).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        syncing.join().unwrap();
        removing.join().unwrap();
    });
    assert!(partition.takes_writes());
}

/// Open files below the directory, by the system's word.
fn open_files(dir: &std::path::Path) -> usize {
    let own = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = own.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    links.filter(|path| path.starts_with(dir)).count()
}

#[test]
fn segments_that_are_sealed_and_synced_keep_no_file_open() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(RealDisk::new()), dir.path().join("t-0"));
    let partition = bench.open();
    for _ in 0..50 {
        fill(&partition, 2);
        partition.roll(true).unwrap();
        show(&partition);
    }
    fill(&partition, 1);
    show(&partition);
    assert!(open_files(dir.path()) <= 1, "{}", open_files(dir.path()));
    assert_eq!(values(&partition).len(), 101);
    // Used since the last look, then not.
    partition.rest_unused();
    partition.rest_unused();
    assert_eq!(open_files(dir.path()), 0);
    assert_eq!(values(&partition).len(), 101);
}

#[test]
fn flush_messages_and_a_sealed_segment_ask_for_a_sync() {
    let partition = small().with(|c| c.flush_messages = 5).open();
    let due: Vec<bool> = (0..6)
        .map(|_| append(&partition, &batch(NOW, &[b"x"])).unwrap().flush_due)
        .collect();
    assert_eq!(due, [false, false, false, false, true, true]);
    partition.sync().unwrap();
    assert!(!append(&partition, &batch(NOW, &[b"x"])).unwrap().flush_due);
    partition.roll(true).unwrap();
    assert!(partition.is_flush_due());
    partition.sync().unwrap();
    assert!(!partition.is_flush_due());
}

#[test]
fn flush_ms_asks_for_a_sync_when_the_oldest_unsynced_record_is_that_old() {
    let bench = small().with(|c| c.flush_ms = 1000);
    let partition = bench.open();
    assert!(!append(&partition, &batch(NOW, &[b"x"])).unwrap().flush_due);
    bench.clock.advance(std::time::Duration::from_millis(999));
    assert!(!partition.is_flush_due());
    bench.clock.advance(std::time::Duration::from_millis(1));
    assert!(partition.is_flush_due());
    partition.sync().unwrap();
    assert!(!partition.is_flush_due());
}

#[test]
fn the_recovery_point_of_a_partitions_first_life_moves() {
    let partition = small().open();
    fill(&partition, 10);
    show(&partition);
    partition.save_epochs().unwrap();
    assert_eq!(partition.recovery_point(), Offset(10));
}

/// Changes the byte at `position` of a file by `change`.
fn harm(disk: &dyn Disk, path: &std::path::Path, position: u64, change: impl Fn(u8) -> u8) {
    let file = disk.open(path, Open::Write).unwrap();
    let mut byte = [0];
    file.read_at(&mut byte, position).unwrap();
    let changed = [change(byte[0])];
    file.write_at(&[IoSlice::new(&changed)], position).unwrap();
}

/// One segment of ten batches of ten records, closed; gives where its batches begin.
fn ten_batches(bench: &Bench) -> Vec<u64> {
    let partition = bench.open();
    let mut at = Vec::new();
    for n in 0..10 {
        at.push(partition.size_bytes());
        let values: Vec<Vec<u8>> = (0..10)
            .map(|v| format!("value {}", n * 10 + v).into_bytes())
            .collect();
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        append(&partition, &batch(NOW, &values)).unwrap();
    }
    show(&partition);
    partition.close().unwrap();
    at
}

fn log(bench: &Bench) -> std::path::PathBuf {
    bench.dir.join("00000000000000000000.log")
}

/// The offsets that one read at `from` gives; each value is at its own offset.
fn one_read(partition: &Partition, from: Offset) -> Result<Vec<i64>> {
    let chunk = partition.read(Read {
        from,
        max_bytes: 300,
        at_least_one: true,
        isolation: IsolationLevel::ReadUncommitted,
    })?;
    let (mut offsets, mut scratch) = (Vec::new(), Vec::new());
    for batch in Batches::new(&chunk.batches) {
        for record in batch?.records(&mut scratch, 1 << 20)? {
            let record = record?;
            let expected = format!("value {}", record.offset);
            assert_eq!(record.value, Some(expected.as_bytes()));
            if record.offset >= from {
                offsets.push(record.offset.get());
            }
        }
    }
    Ok(offsets)
}

/// Reads everything that can be read, seeking past what is damaged.
fn readable(partition: &Partition) -> Vec<i64> {
    let (mut from, mut found) = (partition.ends().log_start, Vec::new());
    while from < partition.ends().visible {
        match one_read(partition, from) {
            Ok(values) => {
                assert!(!values.is_empty(), "nothing at {from}, and no error");
                found.extend(values);
                from = Offset(found[found.len() - 1] + 1);
            }
            Err(e) => {
                assert_eq!(e.kind(), Kind::Corrupt, "{e}");
                from = from.next();
            }
        }
    }
    found
}

#[test]
fn a_base_offset_that_cannot_be_is_damage_for_readers_not_the_end() {
    // Outside of the checksum: bits of the base offset of the fourth batch, one after the other.
    for bit in 0..62 {
        let bench = Bench::new();
        let at = ten_batches(&bench);
        harm(&*bench.disk, &log(&bench), at[3] + 7 - bit / 8, |b| {
            b ^ (1 << (bit % 8))
        });
        let partition = bench.open();
        let found = readable(&partition);
        let expected: Vec<i64> = (0..30).chain(40..100).collect();
        assert_eq!(found, expected, "bit {bit}");
    }
}

#[test]
fn a_base_offset_that_cannot_be_costs_one_batch_in_what_was_synced() {
    for bit in 0..62 {
        let bench = Bench::new();
        let at = ten_batches(&bench);
        harm(&*bench.disk, &log(&bench), at[3] + 7 - bit / 8, |b| {
            b ^ (1 << (bit % 8))
        });
        let opened = bench.opened(false, Offset(100)).unwrap();
        assert_eq!(opened.recovered.cut_bytes, 0, "bit {bit}");
        assert_eq!(
            opened.recovered.damaged.len(),
            1,
            "bit {bit}: {:?}",
            opened.recovered
        );
        let expected: Vec<i64> = (0..30).chain(40..100).collect();
        assert_eq!(readable(&opened.partition), expected, "bit {bit}");
    }
}

#[test]
fn a_base_offset_that_cannot_be_is_cut_where_nothing_was_synced() {
    for bit in 0..62 {
        let bench = Bench::new();
        let at = ten_batches(&bench);
        let snapshot = bench.dir.join("00000000000000000100.snapshot");
        bench.disk.remove_file(&snapshot).unwrap();
        harm(&*bench.disk, &log(&bench), at[9] + 7 - bit / 8, |b| {
            b ^ (1 << (bit % 8))
        });
        let opened = bench.opened(false, Offset::ZERO).unwrap();
        assert_eq!(opened.partition.ends().appended, Offset(90), "bit {bit}");
    }
}

#[test]
fn an_index_that_does_not_fit_skips_no_record() {
    let bench = Bench::new().with(|c| c.index_interval_bytes = 100);
    let reference = bench.clone();
    ten_batches(&reference);
    let index = bench.dir.join("00000000000000000000.index");
    let file = bench.disk.open(&index, Open::Read).unwrap();
    let size = file.len().unwrap();
    assert!(size > 24);
    let mut sealed = 0;
    for position in 0..size {
        for bit in 0..8 {
            harm(&*bench.disk, &index, position, |b| b ^ (1 << bit));
            let partition = bench.open();
            for from in (0..100).step_by(7) {
                let found = values_from(&partition, Offset(from), 300).unwrap();
                assert_eq!(
                    found.first().map(|f| f.0),
                    Some(from),
                    "byte {position} bit {bit}"
                );
            }
            sealed += 1;
            drop(partition);
            if bench.disk.open(&index, Open::Read).unwrap().len().unwrap() != size {
                panic!("byte {position} bit {bit} changed the size of the index");
            }
            harm(&*bench.disk, &index, position, |b| b ^ (1 << bit));
        }
    }
    assert_eq!(sealed, size * 8);
}

#[test]
fn running_out_of_handles_while_syncing_takes_no_record_away() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(1)));
    let bench = Bench::on(disk.clone(), "/data/t-0".into());
    let partition = bench.open();
    fill(&partition, 3);
    partition.roll(true).unwrap();
    disk.fail_at(1, Fault::Handles);
    let error = partition.sync().unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(partition.takes_writes());
    show(&partition);
    assert_eq!(values(&partition).len(), 3);
}

#[test]
fn offsets_of_damage_that_is_kept_are_not_given_out_again() {
    let bench = Bench::new();
    let at = ten_batches(&bench);
    for body in [at[8] + 70, at[9] + 70] {
        harm(&*bench.disk, &log(&bench), body, |b| b ^ 1);
    }
    let file = bench.disk.open(&log(&bench), Open::Write).unwrap();
    let end = file.len().unwrap();
    file.write_at(&[IoSlice::new(b"no batch")], end).unwrap();
    let partition = bench.opened(false, Offset(100)).unwrap().partition;
    let appended = append(&partition, &batch(NOW, &[b"value 100"])).unwrap();
    show(&partition);
    assert_eq!(one_read(&partition, appended.base_offset).unwrap(), [100]);
}
