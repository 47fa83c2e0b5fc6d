//! Damage of every kind, and what an opening makes of it.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use super::support::*;
use crate::disk::Open;
use crate::error::Kind;
use crate::log::names::{self, Part};
use crate::log::producers::snapshot_path;
use crate::log::{Opened, Partition};
use crate::record::{BuildOptions, HEADER_BYTES, control_batch};
use crate::types::{Offset, ProducerEpoch, ProducerId, TopicId};

/// One record a batch, about ten batches a segment, an index entry every other batch.
fn bench() -> Bench {
    Bench::new().with(|c| {
        c.segment_bytes = 1000;
        c.index_interval_bytes = 150;
    })
}

fn filled(bench: &Bench, records: i64) -> Partition {
    let partition = bench.open();
    for i in 0..records {
        put(&partition, format!("value {i:03}").as_bytes());
    }
    partition
}

fn wanted(records: std::ops::Range<i64>) -> Vec<(i64, Vec<u8>)> {
    records
        .map(|i| (i, format!("value {i:03}").into_bytes()))
        .collect()
}

impl Bench {
    fn path(&self, base: Offset, part: Part) -> PathBuf {
        names::path(&self.dir, base, part)
    }

    fn len(&self, path: &Path) -> u64 {
        self.disk.open(path, Open::Read).unwrap().len().unwrap()
    }

    fn overwrite(&self, path: &Path, at: u64, bytes: &[u8]) {
        let file = self.disk.open(path, Open::Write).unwrap();
        file.write_at(&[IoSlice::new(bytes)], at).unwrap();
    }

    fn cut(&self, path: &Path, to: u64) {
        self.disk
            .open(path, Open::Write)
            .unwrap()
            .set_len(to)
            .unwrap();
    }

    fn unclean(&self, point: i64) -> Opened {
        self.opened(false, Offset(point)).unwrap()
    }
}

/// The active segment's base and its bytes for one batch.
fn shape(partition: &Partition) -> (Offset, u64) {
    let sealed = partition.sealed();
    let first = &sealed[0];
    let batches = first.next_offset.since(first.base_offset) as u64;
    (
        sealed.last().unwrap().next_offset,
        first.size_bytes / batches,
    )
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let bench = bench();
    let partition = filled(&bench, 15);
    let (active, size) = shape(&partition);
    drop(partition);
    let log = bench.path(active, Part::Log);
    let whole = bench.len(&log);
    for torn in 1..size {
        let before = whole - size + torn;
        bench.cut(&log, before);
        let opened = bench.unclean(14);
        assert_eq!(opened.recovered.cut_bytes, torn);
        let (path, position, _) = opened.recovered.cut.clone().unwrap();
        assert_eq!((path, position), (log.clone(), whole - size));
        assert_eq!(values(&opened.partition), wanted(0..14));
        let again = append(&opened.partition, &batch(NOW, &[b"value 014"])).unwrap();
        assert_eq!(again.base_offset, Offset(14));
        show(&opened.partition);
        assert_eq!(values(&opened.partition), wanted(0..15));
    }
}

#[test]
fn a_tail_of_zeros_is_cut() {
    let bench = bench();
    let partition = filled(&bench, 15);
    let (active, _) = shape(&partition);
    drop(partition);
    let log = bench.path(active, Part::Log);
    bench.cut(&log, bench.len(&log) + 5000);
    let opened = bench.unclean(15);
    assert_eq!(opened.recovered.cut_bytes, 5000);
    assert_eq!(values(&opened.partition), wanted(0..15));
}

#[test]
fn segments_behind_the_first_bad_batch_go_with_it() {
    let bench = bench();
    let partition = filled(&bench, 40);
    let sealed = partition.sealed();
    let second = sealed[1].base_offset;
    drop(partition);
    // Without these nothing says that what lies behind was synced.
    for segment in &sealed[1..] {
        let snapshot = snapshot_path(&bench.dir, segment.next_offset);
        bench.disk.remove_file(&snapshot).unwrap();
    }
    bench.overwrite(
        &bench.path(second, Part::Log),
        HEADER_BYTES as u64 + 3,
        b"X",
    );
    let opened = bench.unclean(second.get());
    assert_eq!(values(&opened.partition), wanted(0..second.get()));
    let ends = opened.partition.ends();
    assert_eq!((ends.appended, ends.durable), (second, second));
    assert!(opened.recovered.cut_bytes > 1000);
    // What was a sealed segment is written to again.
    let at = put(
        &opened.partition,
        format!("value {:03}", second.get()).as_bytes(),
    );
    assert_eq!(at, second);
    opened.partition.close().unwrap();
    assert_eq!(values(&bench.open()), wanted(0..second.get() + 1));
}

#[test]
fn damage_in_what_was_synced_is_reported_and_takes_only_itself() {
    for field in [HEADER_BYTES as u64 + 3, 8, 16, 23] {
        let bench = bench();
        let partition = filled(&bench, 15);
        let (active, size) = shape(&partition);
        drop(partition);
        let log = bench.path(active, Part::Log);
        // The second batch of the active segment, without an index: where the frame does not show the
        // way, the next batch is looked for.
        bench.overwrite(&log, size + field, b"\x7f");
        let opened = bench.unclean(15);
        let damaged = &opened.recovered.damaged;
        assert_eq!((damaged[0].0.clone(), damaged[0].1), (log, size));
        assert_eq!(opened.recovered.cut_bytes, 0);
        let hurt = active.get() + 1;
        let error = values_from(&opened.partition, Offset(hurt), 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt);
        let rest = values_from(&opened.partition, Offset(hurt + 1), 1).unwrap();
        assert_eq!(rest, wanted(hurt + 1..15));
        assert_eq!(opened.partition.ends().appended, Offset(15));
    }
}

#[test]
fn damage_of_a_sealed_segment_is_never_served_and_the_rest_is() {
    let bench = bench();
    let partition = filled(&bench, 40);
    let second = partition.sealed()[1].base_offset;
    let (_, size) = shape(&partition);
    partition.close().unwrap();
    let log = bench.path(second, Part::Log);
    bench.overwrite(&log, size + HEADER_BYTES as u64 + 3, b"X");
    let partition = bench.open();
    let hurt = second.get() + 1;
    let before = partition.read(crate::log::Read {
        from: second,
        max_bytes: 1 << 20,
        at_least_one: true,
        isolation: Default::default(),
    });
    assert_eq!(before.unwrap().batches.len() as u64, size);
    let error = values_from(&partition, Offset(hurt), 1 << 20).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(
        error.message().contains(&log.display().to_string()),
        "{error}"
    );
    assert!(error.message().contains(&format!("byte {size}")), "{error}");
    let rest = values_from(&partition, Offset(hurt + 1), 1 << 20).unwrap();
    assert_eq!(rest, wanted(hurt + 1..40));
}

#[test]
fn missing_and_damaged_indexes_are_made_anew() {
    for clean in [true, false] {
        for damage in 0..4 {
            let bench = bench();
            let partition = filled(&bench, 40);
            partition.close().unwrap();
            for base in partition.sealed().iter().map(|s| s.base_offset) {
                for part in [Part::OffsetIndex, Part::TimeIndex] {
                    let path = bench.path(base, part);
                    match damage {
                        0 => bench.disk.remove_file(&path).unwrap(),
                        1 => bench.cut(&path, 5),
                        2 => bench.overwrite(&path, 0, &[0xff; 12]),
                        _ => bench.overwrite(&path, 0, &[0x11; 24]),
                    }
                }
            }
            let opened = bench.opened(clean, Offset(40)).unwrap();
            for from in 0..40 {
                let found = values_from(&opened.partition, Offset(from), 1).unwrap();
                assert_eq!(found, wanted(from..40), "clean {clean} damage {damage}");
            }
            let found = opened.partition.offset_for_time(NOW).unwrap();
            assert_eq!(found, Some((Offset(0), NOW)));
        }
    }
}

#[test]
fn the_active_index_may_be_missing_damaged_or_padded() {
    for damage in 0..4 {
        let bench = bench();
        let partition = filled(&bench, 18);
        let (active, _) = shape(&partition);
        partition.close().unwrap();
        for part in [Part::OffsetIndex, Part::TimeIndex] {
            let path = bench.path(active, part);
            match damage {
                0 => bench.disk.remove_file(&path).unwrap(),
                1 => bench.cut(&path, 5),
                2 => bench.overwrite(&path, 0, &[0x11; 12]),
                _ => bench.cut(&path, 240_000),
            }
        }
        let partition = bench.open();
        assert_eq!(values(&partition), wanted(0..18), "damage {damage}");
        assert_eq!(put(&partition, b"value 018"), Offset(18));
        partition.roll(true).unwrap();
        show(&partition);
        assert_eq!(
            values_from(&partition, Offset(18), 1).unwrap(),
            wanted(18..19)
        );
    }
}

#[test]
fn leftovers_of_a_crash_are_cleared_away() {
    let bench = bench();
    filled(&bench, 15).close().unwrap();
    for name in [
        "00000000000000000000.log.deleted",
        "00000000000000000003.log.cleaned",
        "00000000000000000003.index.swap",
        "leader-epoch-checkpoint.tmp",
        "00000000000000000777.index",
        "00000000000000000777.timeindex",
    ] {
        bench
            .disk
            .open(&bench.dir.join(name), Open::CreateNew)
            .unwrap();
    }
    assert_eq!(values(&bench.open()), wanted(0..15));
    let left = bench.disk.list(&bench.dir).unwrap();
    let strange = |n: &str| n.contains("777") || n.contains("003.") || n.ends_with("tmp");
    assert!(
        !left
            .iter()
            .any(|e| strange(&e.name) || e.name.ends_with("deleted"))
    );
}

#[test]
fn swapped_and_foreign_files_are_refused_by_name() {
    let bench = bench();
    let partition = filled(&bench, 40);
    let bases: Vec<Offset> = partition.sealed().iter().map(|s| s.base_offset).collect();
    partition.close().unwrap();
    let (a, b) = (
        bench.path(bases[0], Part::Log),
        bench.path(bases[1], Part::Log),
    );
    bench.disk.rename(&a, &bench.dir.join("held")).unwrap();
    bench.disk.rename(&b, &a).unwrap();
    bench.disk.rename(&bench.dir.join("held"), &b).unwrap();
    let error = bench.opened(false, Offset(0)).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(
        error.message().contains("00000000000000000000.log"),
        "{error}"
    );

    let error = Partition::open(crate::log::PartitionOptions {
        topic_id: TopicId::random(),
        ..bench.options()
    });
    assert_eq!(error.unwrap_err().kind(), Kind::Corrupt);
}

#[test]
fn a_missing_segment_is_a_gap_that_is_reported() {
    let bench = bench();
    let partition = filled(&bench, 40);
    let sealed = partition.sealed();
    drop(partition);
    bench
        .disk
        .remove_file(&bench.path(sealed[1].base_offset, Part::Log))
        .unwrap();
    let opened = bench.unclean(0);
    assert_eq!(opened.recovered.damaged.len(), 1);
    let mut left = wanted(0..sealed[1].base_offset.get());
    left.extend(wanted(sealed[1].next_offset.get()..40));
    assert_eq!(values(&opened.partition), left);
}

#[test]
fn a_damaged_transaction_index_is_made_anew() {
    let bench = bench();
    let partition = bench.open();
    let options = BuildOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: 0,
        transactional: true,
        ..BuildOptions::default()
    };
    append(&partition, &batch_of(NOW, &[b"t"], &options)).unwrap();
    // The transaction begins in one segment and is aborted in the next.
    partition.roll(true).unwrap();
    let marker = control_batch(false, 0, NOW, ProducerId(7), ProducerEpoch(0));
    append_internal(&partition, &marker).unwrap();
    partition.roll(true).unwrap();
    show(&partition);
    let wanted = partition.aborted(Offset(0), Offset(2)).unwrap();
    assert_eq!(wanted.len(), 1);
    partition.close().unwrap();
    bench.overwrite(&bench.path(Offset(1), Part::TxnIndex), 0, &[0x55; 34]);
    let partition = bench.open();
    assert_eq!(partition.aborted(Offset(0), Offset(2)).unwrap(), wanted);
    partition.close().unwrap();
    assert_eq!(bench.open().aborted(Offset(0), Offset(2)).unwrap(), wanted);
}
