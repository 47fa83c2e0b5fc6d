use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::disk::{Disk, FaultyDisk, Open};
use crate::log::Aborted;
use crate::types::{Offset, ProducerId, Timestamp};

const BASE: Offset = Offset(1000);

fn disk() -> Arc<dyn Disk> {
    let disk = FaultyDisk::new();
    disk.create_dir(Path::new("/d")).unwrap();
    Arc::new(disk)
}

fn path() -> &'static Path {
    Path::new("/d/00000000000000001000.index")
}

fn size(disk: &dyn Disk) -> u64 {
    disk.open(path(), Open::Read).unwrap().len().unwrap()
}

fn put(disk: &dyn Disk, bytes: &[u8]) {
    let file = disk.open(path(), Open::Truncate).unwrap();
    file.write_at(&[IoSlice::new(bytes)], 0).unwrap();
}

fn offset_index(disk: &Arc<dyn Disk>, sealed: bool) -> OffsetIndex {
    OffsetIndex::open(disk.clone(), path(), BASE, 1 << 20, size(&**disk), sealed)
}

/// One step of a life of an index.
#[derive(Clone, Debug)]
enum Step {
    Append(u8, u8),
    Truncate(u8),
    Write,
    Seal,
    Rest,
    Reopen(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..20_u8, 1..100_u8).prop_map(|(o, p)| Step::Append(o, p)),
        1 => any::<u8>().prop_map(Step::Truncate),
        1 => Just(Step::Write),
        1 => Just(Step::Seal),
        1 => Just(Step::Rest),
        1 => any::<bool>().prop_map(Step::Reopen),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn offset_index_agrees_with_a_sorted_list_through_its_life(steps in steps()) {
        let disk = disk();
        let mut index = OffsetIndex::create(disk.clone(), path(), BASE, 1 << 20);
        let mut model: Vec<(Offset, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Append(offset, position) => {
                    let (last, at) = model.last().copied().unwrap_or((BASE, 0));
                    let entry = (last.plus(offset.into()), at + u32::from(position));
                    index.append(entry.0, entry.1).unwrap();
                    model.push(entry);
                }
                Step::Truncate(by) => {
                    let to = BASE.plus(i64::from(by) * 2);
                    index.truncate_to(to).unwrap();
                    model.retain(|(o, _)| *o < to);
                }
                Step::Write => index.write().unwrap(),
                Step::Seal => index.seal().unwrap(),
                Step::Rest => index.rest(),
                Step::Reopen(sealed) => {
                    index.write().unwrap();
                    index = offset_index(&disk, sealed);
                }
            }
            prop_assert_eq!(index.last().unwrap(), model.last().copied());
        }
        prop_assert_eq!(index.len().unwrap(), model.len());
        for wanted in (0..1200).step_by(7).map(|d| BASE.plus(d)) {
            let expected = model.iter().rfind(|(o, _)| *o <= wanted).copied();
            prop_assert_eq!(index.lookup(wanted).unwrap(), expected.unwrap_or((BASE, 0)));
        }
        for position in (0..3000).step_by(11) {
            let expected = model.iter().find(|(_, p)| *p >= position).copied();
            prop_assert_eq!(index.lookup_position(position).unwrap(), expected);
        }
        prop_assert_eq!(index.entries().unwrap(), model);
        index.sync().unwrap();
        prop_assert_eq!(size(&*disk), index.len().unwrap() as u64 * 8);
    }

    #[test]
    fn time_index_agrees_with_the_records(
        records in prop::collection::vec((0..50_i64, any::<bool>()), 1..80),
        wanted in 0..60_i64,
    ) {
        let disk = disk();
        let index = TimeIndex::create(disk.clone(), path(), BASE, 1 << 20);
        let mut latest = (Timestamp::NONE, BASE);
        for (at, (time, entry)) in records.iter().enumerate() {
            if Timestamp(*time) > latest.0 {
                latest = (Timestamp(*time), BASE.plus(at as i64));
            }
            if *entry {
                index.append(latest.0, latest.1).unwrap();
            }
        }
        index.append(latest.0, latest.1).unwrap();
        index.seal().unwrap();
        prop_assert_eq!(index.last().unwrap(), Some(latest));
        // The promise: no record before the one given is as late as the time asked for.
        let (_, from) = index.lookup(Timestamp(wanted)).unwrap();
        let first = records.iter().position(|(time, _)| *time >= wanted);
        if let Some(first) = first {
            prop_assert!(from <= BASE.plus(first as i64));
        }
        let reopened = TimeIndex::open(disk, path(), BASE, 1 << 20, 12 * index.len().unwrap() as u64, true);
        prop_assert_eq!(reopened.entries().unwrap(), index.entries().unwrap());
    }

    #[test]
    fn any_bytes_are_an_index_or_corrupt(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let disk = disk();
        put(&*disk, &bytes);
        let size = bytes.len() as u64;
        for sealed in [false, true] {
            let _ = offset_index(&disk, sealed).lookup(BASE);
            let _ = TimeIndex::open(disk.clone(), path(), BASE, 1 << 20, size, sealed).entries();
            let _ = TxnIndex::open(disk.clone(), path(), BASE, size, sealed).entries();
        }
    }

    #[test]
    fn aborted_transactions_are_found_by_overlap_and_the_search_ends_early(
        spans in prop::collection::vec((0..6_i64, 0..8_i64), 0..20),
        from in 0..120_i64,
        len in 1..40_i64,
    ) {
        let disk = disk();
        let index = TxnIndex::create(disk.clone(), path(), Offset(0));
        let (mut at, mut all) = (0, Vec::new());
        for (gap, length) in spans {
            let first = Offset(at + gap);
            // The marker comes after the data, the next transaction after the marker.
            let marker = at + gap + length + 1;
            at = marker + 1;
            let aborted = Aborted {
                producer_id: ProducerId(gap),
                first_offset: first,
                last_offset: Offset(marker),
                last_stable: Offset(marker + 1),
            };
            index.append(&aborted).unwrap();
            all.push(aborted);
        }
        let (from, to) = (Offset(from), Offset(from + len));
        let mut found = Vec::new();
        let search = index.collect(from, to, &mut found).unwrap();
        let overlaps = |a: &&Aborted| a.last_offset >= from && a.first_offset < to;
        prop_assert_eq!(&found, &all.iter().filter(overlaps).copied().collect::<Vec<_>>());
        let over = all.iter().any(|a| a.last_stable >= to);
        prop_assert_eq!(search == TxnSearch::Complete, over);
    }
}

#[test]
fn an_index_that_was_never_used_costs_no_file_and_no_memory() {
    let disk = disk();
    let index = TxnIndex::create(disk.clone(), path(), BASE);
    index.sync().unwrap();
    index.seal().unwrap();
    assert!(!disk.exists(path()));
    let mut found = Vec::new();
    let search = index.collect(Offset(0), Offset::MAX, &mut found).unwrap();
    assert_eq!((search, found.len()), (TxnSearch::Continue, 0));
}

#[test]
fn preallocated_zeros_are_no_entries_and_are_cut_off() {
    let disk = disk();
    let index = OffsetIndex::create(disk.clone(), path(), BASE, 1 << 20);
    index.append(Offset(1003), 4100).unwrap();
    index.write().unwrap();
    disk.open(path(), Open::Write)
        .unwrap()
        .set_len(800)
        .unwrap();
    for sealed in [false, true] {
        let index = offset_index(&disk, sealed);
        assert_eq!(index.entries().unwrap(), [(Offset(1003), 4100)]);
    }
    let index = offset_index(&disk, false);
    index.append(Offset(1009), 9000).unwrap();
    index.write().unwrap();
    assert_eq!(size(&*disk), 16);
    assert_eq!(offset_index(&disk, true).len().unwrap(), 2);
}

#[test]
fn damage_names_the_file_and_the_entry() {
    let disk = disk();
    let mut bytes = Vec::new();
    for (relative, position) in [(3_i32, 10_i32), (9, 20), (8, 30)] {
        bytes.extend_from_slice(&relative.to_be_bytes());
        bytes.extend_from_slice(&position.to_be_bytes());
    }
    put(&*disk, &bytes);
    let error = offset_index(&disk, true).lookup(BASE).unwrap_err();
    assert_eq!(error.kind(), crate::Kind::Corrupt);
    assert!(error.message().contains("1000.index: entry 2"), "{error}");
    put(&*disk, &bytes[..13]);
    let error = offset_index(&disk, true).lookup(BASE).unwrap_err();
    assert!(error.message().contains("13 bytes"), "{error}");
    put(&*disk, &bytes[..16]);
    let index = offset_index(&disk, true);
    assert!(index.sanity_check(21).is_ok());
    assert_eq!(
        index.sanity_check(20).unwrap_err().kind(),
        crate::Kind::Corrupt
    );
}

#[test]
fn a_reader_of_a_truncated_index_keeps_its_bytes() {
    let disk = disk();
    let index = OffsetIndex::create(disk.clone(), path(), BASE, 1 << 20);
    for at in 1..100 {
        index.append(BASE.plus(at), at as u32 * 10).unwrap();
    }
    index.seal().unwrap();
    let view = disk.map(path()).unwrap();
    let before = view.to_vec();
    index.truncate_to(BASE.plus(5)).unwrap();
    index.append(BASE.plus(50), 77).unwrap();
    index.write().unwrap();
    assert_eq!(view, before);
    assert_eq!(offset_index(&disk, true).len().unwrap(), 5);
}
