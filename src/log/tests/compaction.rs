//! Compaction of a partition that is being used.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::support::*;
use crate::codec::compression::Compression;
use crate::disk::{Disk, Fault, Faults, FaultyDisk};
use crate::log::Partition;
use crate::record::{BatchBuilder, BuildOptions};
use crate::types::{Offset, Timestamp};

const MAP_BYTES: usize = 1 << 20;

fn compacted(bench: Bench) -> Bench {
    bench.with(|c| {
        c.cleanup.compact = true;
        c.cleanup.delete = false;
        c.min_cleanable_dirty_ratio = 0.0;
        c.segment_bytes = 2000;
        c.index_interval_bytes = 200;
        c.delete_retention_ms = 1000;
    })
}

/// Appends one record whose value starts with its key.
fn set(partition: &Partition, key: u8, round: u32) -> Offset {
    let mut builder = BatchBuilder::default();
    let value = [&[key][..], &round.to_be_bytes()].concat();
    let at = Timestamp(NOW.get() + i64::from(round));
    builder.push(at, Some(&[key]), Some(&value), &[]);
    let bytes = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    append(partition, &bytes).unwrap().base_offset
}

fn fill(partition: &Partition, rounds: std::ops::Range<u32>) {
    for round in rounds {
        for key in 0..10 {
            set(partition, key, round);
        }
        show(partition);
    }
}

/// Last round of each key.
fn last(partition: &Partition) -> BTreeMap<u8, u32> {
    let round = |v: &[u8]| u32::from_be_bytes(v[1..5].try_into().unwrap());
    let values = values(partition);
    assert!(values.is_sorted_by_key(|(offset, _)| *offset));
    values.iter().map(|(_, v)| (v[0], round(v))).collect()
}

fn all(round: u32) -> BTreeMap<u8, u32> {
    (0..10).map(|key| (key, round)).collect()
}

#[test]
fn a_compacted_partition_keeps_the_last_values_through_any_reopening() {
    let bench = compacted(Bench::new());
    let partition = bench.open();
    fill(&partition, 0..50);
    partition.roll(true).unwrap();
    let before = partition.size_bytes();
    let done = partition.compact(MAP_BYTES).unwrap().unwrap();
    assert_eq!((done.records_before, done.records_after), (500, 10));
    assert_eq!(
        (done.clean_until, partition.cleaned()),
        (Offset(500), Offset(500))
    );
    assert!(partition.size_bytes() < before / 10);
    assert!(
        partition.sealed().len() <= 3,
        "segments of which nothing is left are gone"
    );
    assert_eq!(
        partition.compact(MAP_BYTES).unwrap(),
        None,
        "nothing is dirty"
    );
    assert_eq!((last(&partition), values(&partition).len()), (all(49), 10));
    let offsets: Vec<i64> = values(&partition).iter().map(|(o, _)| *o).collect();
    assert_eq!(offsets, (490..500).collect::<Vec<_>>());
    let found = partition
        .offset_for_time(Timestamp(NOW.get() + 20))
        .unwrap();
    assert_eq!(found, Some((Offset(490), Timestamp(NOW.get() + 49))));
    assert_eq!(values_from(&partition, Offset(7), 1).unwrap().len(), 10);
    fill(&partition, 50..51);
    partition.rest();
    assert_eq!(last(&partition), all(50));
    drop(partition);
    let unclean = bench.opened(false, Offset::ZERO).unwrap().partition;
    assert_eq!(last(&unclean), all(50));
    unclean.close().unwrap();
    let clean = bench.open();
    assert_eq!(last(&clean), all(50));
    assert_eq!(set(&clean, 0, 51), Offset(510));
}

#[test]
fn readers_see_every_last_value_while_segments_are_exchanged() {
    let bench = compacted(Bench::new());
    let partition = Arc::new(bench.open());
    fill(&partition, 0..20);
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|n| {
            let (partition, stop) = (partition.clone(), stop.clone());
            let read = move || {
                let mut reads = 0_u32;
                let mut floor = all(0);
                while !stop.load(Ordering::Acquire) || reads == 0 {
                    let now = last(&partition);
                    // A value may be newer than at the last look, never older, and none is missing.
                    for (key, round) in &floor {
                        assert!(now[key] >= *round, "key {key} went back");
                    }
                    floor = now;
                    reads += 1;
                    if n == 1 {
                        partition.rest();
                    }
                }
            };
            let named = std::thread::Builder::new().name(format!("reader-{n}"));
            named.spawn(read).unwrap()
        })
        .collect();
    for round in 20..60 {
        fill(&partition, round..round + 1);
        partition.roll(true).unwrap();
        assert!(partition.compact(MAP_BYTES).unwrap().is_some());
    }
    stop.store(true, Ordering::Release);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(last(&partition), all(59));
}

#[test]
fn a_run_that_fails_anywhere_loses_nothing() {
    let run = |fail_at: Option<u64>| -> (u64, bool) {
        let faulty = Arc::new(FaultyDisk::with_faults(Faults::seeded(11)));
        let disk: Arc<dyn Disk> = faulty.clone();
        disk.create_dir(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let bench = compacted(Bench::on(disk, "/data/t-0".into()));
        let partition = bench.open();
        fill(&partition, 0..40);
        partition.roll(true).unwrap();
        partition.sync().unwrap();
        let before = faulty.calls();
        if let Some(nth) = fail_at {
            faulty.fail_at(nth, Fault::Full);
        }
        let failed = partition.compact(MAP_BYTES).is_err();
        let calls = faulty.calls() - before;
        faulty.heal();
        assert_eq!(
            last(&partition),
            all(39),
            "the handle still reads, call {fail_at:?}"
        );
        drop(partition);
        for seed in 0..3 {
            let found = Arc::new(faulty.crash(seed));
            let bench = compacted(Bench::on(found, "/data/t-0".into()));
            let partition = bench.opened(false, Offset(400)).unwrap().partition;
            assert_eq!(last(&partition), all(39), "after a crash, call {fail_at:?}");
            assert_eq!(set(&partition, 0, 40), Offset(400));
            partition.compact(MAP_BYTES).unwrap();
            assert_eq!(values(&partition).len(), 10);
        }
        (calls, failed)
    };
    let (calls, failed) = run(None);
    assert!(!failed && calls > 30);
    for nth in 1..=calls {
        assert!(run(Some(nth)).1, "call {nth} of {calls} did not matter");
    }
}

#[test]
fn compact_and_delete_work_together() {
    let bench = compacted(Bench::new()).with(|c| {
        c.cleanup.delete = true;
        c.retention_ms = Some(10_000);
    });
    let partition = bench.open();
    fill(&partition, 0..30);
    partition.roll(true).unwrap();
    partition.compact(MAP_BYTES).unwrap().unwrap();
    assert_eq!(values(&partition).len(), 10);
    bench.clock.advance(Duration::from_secs(20));
    assert!(partition.retain().unwrap() > 0);
    assert_eq!(partition.ends().log_start, Offset(300));
    fill(&partition, 30..31);
    partition.roll(true).unwrap();
    partition.compact(MAP_BYTES).unwrap();
    assert_eq!(last(&partition), all(30));
}

#[test]
fn a_topic_whose_codec_or_level_changed_is_still_compacted() {
    let codecs = [Compression::Snappy, Compression::Gzip, Compression::Lz4];
    for before in codecs {
        let bench = compacted(Bench::new());
        let partition = bench.open();
        let options = BuildOptions {
            compression: before,
            ..BuildOptions::default()
        };
        for round in 0..3_u8 {
            let mut builder = BatchBuilder::default();
            for key in 0..10_u8 {
                // One key a batch is new: of each batch something stays and something goes.
                let key = if key == 0 { 100 + round } else { key };
                builder.push(NOW, Some(&[key]), Some(&[round; 50]), &[]);
            }
            let bytes = builder.finish(&options).unwrap().to_vec();
            append(&partition, &bytes).unwrap();
        }
        partition.roll(true).unwrap();
        show(&partition);
        let mut config = bench.config.clone();
        config.compression = Some(Compression::Zstd);
        config.compression_level = Some(15);
        partition.set_config(Arc::new(config));
        let done = partition.compact(MAP_BYTES).unwrap().unwrap();
        assert_eq!(done.records_after, 12, "{before:?}");
        assert_eq!(values(&partition).len(), 12, "{before:?}");
    }
}
