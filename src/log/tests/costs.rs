//! What is not done: asking segments that cannot answer, trying again what cannot change.

use std::sync::Arc;

use super::support::*;
use crate::disk::{Disk, Faults, FaultyDisk, Open};
use crate::error::Kind;
use crate::log::names::{self, Part};
use crate::log::{Partition, list_snapshots};
use crate::record::{BuildOptions, control_batch};
use crate::types::{Offset, ProducerEpoch, ProducerId};

fn bench() -> Bench {
    Bench::new().with(|c| {
        c.segment_bytes = 1000;
        c.index_interval_bytes = 150;
    })
}

fn fill(partition: &Partition, records: i64) {
    for i in 0..records {
        put(partition, format!("value {i:03}").as_bytes());
    }
}

#[test]
fn only_segments_with_aborted_transactions_are_asked_for_them() {
    let bench = bench();
    let partition = bench.open();
    let asked = |partition: &Partition| {
        let state = partition.state.read();
        state.segments.aborting_from(Offset::ZERO).count()
    };
    fill(&partition, 100);
    assert!(partition.sealed().len() > 5);
    assert_eq!(asked(&partition), 0);
    let options = BuildOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: 0,
        transactional: true,
        ..BuildOptions::default()
    };
    append(&partition, &batch_of(NOW, &[b"t"], &options)).unwrap();
    let marker = control_batch(false, 0, NOW, ProducerId(7), ProducerEpoch(0));
    append_internal(&partition, &marker).unwrap();
    fill(&partition, 100);
    let found = partition.aborted(Offset(50), Offset(150)).unwrap();
    assert_eq!((found.len(), asked(&partition)), (1, 1));
    partition.close().unwrap();
    for clean in [true, false] {
        let partition = bench.opened(clean, Offset::ZERO).unwrap().partition;
        assert_eq!(partition.aborted(Offset(50), Offset(150)).unwrap(), found);
        assert_eq!(asked(&partition), 1, "clean: {clean}");
        partition.close().unwrap();
    }
}

#[test]
fn damage_is_told_at_once() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::default()));
    let bench = Bench {
        disk: disk.clone(),
        ..bench()
    };
    let partition = bench.open();
    put(&partition, b"value");
    partition.close().unwrap();
    let path = names::path(&bench.dir, Offset::ZERO, Part::Log);
    let file = disk.open(&path, Open::Write).unwrap();
    file.write_at(&[std::io::IoSlice::new(b"X")], file.len().unwrap() - 2)
        .unwrap();
    let partition = bench.open();
    let before = disk.calls();
    let error = values_from(&partition, Offset::ZERO, 100).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(disk.calls() - before < 8, "{} calls", disk.calls() - before);
}

#[test]
fn snapshots_stay_until_the_checkpoint_that_needs_them_no_more_is_written() {
    let bench = bench();
    let partition = bench.open();
    let count = || list_snapshots(&*bench.disk, &bench.dir).unwrap().len();
    fill(&partition, 100);
    partition.save_epochs().unwrap();
    assert_eq!(partition.recovery_point(), Offset(100));
    fill(&partition, 100);
    let all = count();
    assert!(all > 10, "{all}: asked for is not written");
    partition.set_reported(partition.recovery_point());
    fill(&partition, 20);
    assert!(count() < 6, "{} of {all}", count());
}

#[test]
fn an_index_made_anew_goes_on_behind_damage() {
    let bench = bench();
    let partition = bench.open();
    fill(&partition, 40);
    let base = partition.sealed()[1].base_offset;
    partition.close().unwrap();
    let log = names::path(&bench.dir, base, Part::Log);
    let file = bench.disk.open(&log, Open::Write).unwrap();
    // The header of the second batch; nothing of it tells where it ends.
    let mut size = [0; 4];
    file.read_at(&mut size, 8).unwrap();
    let second = 12 + u64::from(u32::from_be_bytes(size));
    file.write_at(&[std::io::IoSlice::new(&[0xff; 40])], second)
        .unwrap();
    for part in [Part::OffsetIndex, Part::TimeIndex] {
        let path = names::path(&bench.dir, base, part);
        bench.disk.remove_file(&path).unwrap();
    }
    let partition = bench.open();
    let behind = base.plus(2);
    let found = values_from(&partition, behind, 100).unwrap();
    assert_eq!(found.len() as i64, 40 - behind.get());
}
