use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::finish_swaps;
use crate::config::TopicConfig;
use crate::disk::{Disk, Fault, Faults, FaultyDisk};
use crate::log::ProducerStates;
use crate::types::Offset;
use world::{Op, RETENTION_MS, Seen, World, Written, compact, dir, ops, see};

mod world;

const MAP_BYTES: usize = 1 << 16;

fn config() -> TopicConfig {
    TopicConfig {
        delete_retention_ms: RETENTION_MS,
        min_cleanable_dirty_ratio: 0.0,
        index_interval_bytes: 100,
        segment_bytes: 1000,
        ..TopicConfig::default()
    }
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(FaultyDisk::new())
}

/// Which of `records` a run up to `end` leaves, by the definition of compaction. `tombstone` says
/// which of the deciding tombstones stay.
fn model(records: &[Written], end: i64, tombstone: impl Fn(&Written) -> bool) -> Vec<Written> {
    let mut last: HashMap<u8, i64> = HashMap::new();
    for r in records.iter().filter(|r| r.offset < end && !r.aborted) {
        last.extend(r.key.map(|key| (key, r.offset)));
    }
    let stays = |r: &&Written| {
        r.offset >= end
            || (!r.aborted
                && r.key.is_some_and(|key| last.get(&key) == Some(&r.offset))
                && (r.value.is_some() || tombstone(r)))
    };
    records.iter().filter(stays).cloned().collect()
}

/// Aborted records at or above `end` may be there or not; below it they must not.
fn check(seen: &Seen, expected: &[Written], world: &World, end: i64) -> Result<(), TestCaseError> {
    let aborted: Vec<i64> = world
        .records
        .iter()
        .filter(|r| r.aborted)
        .map(|r| r.offset)
        .collect();
    let counts = |offset: i64| offset < end || !aborted.contains(&offset);
    let got: Vec<_> = seen
        .records
        .iter()
        .copied()
        .filter(|r| counts(r.0))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .filter(|r| counts(r.offset))
        .map(|r| (r.offset, r.key, r.value, r.time))
        .collect();
    prop_assert_eq!(got, expected);
    // A read-committed reader sees none of the aborted ones, wherever they are.
    prop_assert!(seen.committed.iter().all(|o| !aborted.contains(o)));
    let sound = seen
        .records
        .iter()
        .map(|r| r.0)
        .filter(|o| !aborted.contains(o));
    prop_assert_eq!(&seen.committed, &sound.collect::<Vec<_>>());
    same_producers(&seen.states, &world.states)
}

/// Sequences, epochs and open transactions survive.
fn same_producers(got: &ProducerStates, expected: &ProducerStates) -> Result<(), TestCaseError> {
    for (id, entry) in expected.iter() {
        let got = got.get(id).expect("an active producer is forgotten");
        prop_assert_eq!(got.epoch, entry.epoch);
        prop_assert_eq!(
            got.last_batch().map(|b| (b.last_sequence, b.last_offset)),
            entry.last_batch().map(|b| (b.last_sequence, b.last_offset))
        );
        prop_assert_eq!(got.txn_first_offset, entry.txn_first_offset);
    }
    prop_assert_eq!(got.first_unstable(), expected.first_unstable());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn two_runs_leave_what_the_definition_says(
        first in ops(),
        second in ops(),
        room in prop_oneof![Just(MAP_BYTES), (0..400_usize)],
    ) {
        let (disk, config) = (disk(), config());
        let mut world = World::write(&disk, &first);
        let end = world.end;
        let done = compact(&disk, &world.states, 0, 10, room, &config).unwrap();
        let cleaned = done.map_or(0, |d| d.clean_until.get());
        let left = model(&world.records, cleaned, |_| true);
        check(&see(&disk), &left, &world, cleaned)?;
        prop_assert_eq!(see(&disk).next, end, "the end of the log is still told by its files");

        world.more(&disk, &second);
        let now = 10 + RETENTION_MS;
        let done = compact(&disk, &world.states, cleaned, now, room, &config).unwrap();
        let cleaned_again = done.map_or(cleaned, |d| d.clean_until.get());
        prop_assert!(cleaned_again >= cleaned);
        if done.is_some() {
            // Only a tombstone that the first run has met has waited for long enough.
            let mut records = model(&world.records, cleaned, |_| true);
            for r in &mut records {
                r.aborted = world.records.iter().any(|w| w.offset == r.offset && w.aborted);
            }
            let left = model(&records, cleaned_again, |r| r.batch_base >= cleaned);
            check(&see(&disk), &left, &world, cleaned_again)?;
        }
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_old_log_or_the_new(
        ops in ops(),
        step in 0..1_000_000_u64,
        seed in any::<u64>(),
    ) {
        let faulty = Arc::new(FaultyDisk::with_faults(Faults::seeded(seed)));
        let disk: Arc<dyn Disk> = faulty.clone();
        let (world, config) = (World::write(&disk, &ops), config());
        // How many calls there are to fail.
        let counted = Arc::new(faulty.crash_losing_unsynced());
        let disk_counted: Arc<dyn Disk> = counted.clone();
        let before = counted.calls();
        compact(&disk_counted, &world.states, 0, 10, MAP_BYTES, &config).unwrap();
        let calls = counted.calls() - before;

        faulty.fail_from(1 + step % calls.max(1), Fault::Io);
        let failed = compact(&disk, &world.states, 0, 10, MAP_BYTES, &config);
        prop_assert!(failed.is_err() || calls == 0 || failed.unwrap().is_none());
        let found: Arc<dyn Disk> = Arc::new(faulty.crash(seed));
        finish_swaps(&*found, dir()).unwrap();
        // A second time does nothing more.
        prop_assert_eq!(finish_swaps(&*found, dir()).unwrap().len(), 0);

        let left = model(&world.records, i64::MAX, |_| true);
        let seen = see(&found);
        let have: Vec<i64> = seen.records.iter().map(|r| r.0).collect();
        for r in left.iter().filter(|r| world.states.last_stable(Offset(world.end)).get() > r.offset) {
            prop_assert!(have.contains(&r.offset), "record {} is gone", r.offset);
        }
        for r in &seen.records {
            let written = world.records.iter().find(|w| w.offset == r.0);
            prop_assert!(written.is_some_and(|w| (w.key, w.value, w.time) == (r.1, r.2, r.3)));
        }
        same_producers(&seen.states, &world.states)?;
        // And the next run gets to where the first would have.
        let done = compact(&found, &world.states, 0, 10, MAP_BYTES, &config).unwrap();
        let cleaned = done.map_or(0, |d| d.clean_until.get());
        let left = model(&world.records, cleaned, |_| true);
        check(&see(&found), &left, &world, cleaned)?;
    }
}

fn put(who: u8, key: u8, value: Option<u8>) -> Op {
    Op::Batch {
        who,
        records: vec![(key, value)],
        packed: false,
    }
}

#[test]
fn a_tombstone_goes_only_after_its_retention_and_takes_its_value_with_it() {
    let (disk, config) = (disk(), config());
    let ops = [
        put(0, 1, Some(1)),
        put(0, 1, None),
        put(0, 2, Some(2)),
        Op::Roll,
    ];
    let mut world = World::write(&disk, &ops);
    let offsets =
        |disk: &Arc<dyn Disk>| -> Vec<i64> { see(disk).records.iter().map(|r| r.0).collect() };
    compact(&disk, &world.states, 0, 10, MAP_BYTES, &config).unwrap();
    assert_eq!(offsets(&disk), [1, 2]);
    world.more(&disk, &[put(0, 3, Some(3))]);
    compact(
        &disk,
        &world.states,
        3,
        9 + RETENTION_MS,
        MAP_BYTES,
        &config,
    )
    .unwrap();
    assert_eq!(
        offsets(&disk),
        [1, 2, 3],
        "a reader who is behind must still meet it"
    );
    world.more(&disk, &[put(0, 4, Some(3))]);
    compact(
        &disk,
        &world.states,
        4,
        10 + RETENTION_MS,
        MAP_BYTES,
        &config,
    )
    .unwrap();
    assert_eq!(offsets(&disk), [2, 3, 4]);
}

#[test]
fn a_segment_in_which_nothing_changes_is_left_alone() {
    let (disk, mut config) = (disk(), config());
    config.segment_bytes = 100;
    let ops = [
        put(0, 1, Some(1)),
        Op::Roll,
        put(0, 2, Some(2)),
        Op::Roll,
        put(0, 2, Some(3)),
    ];
    let world = World::write(&disk, &ops);
    let path = dir().join("00000000000000000000.log");
    let before = disk.map(&path).unwrap();
    let done = compact(&disk, &world.states, 0, 10, MAP_BYTES, &config)
        .unwrap()
        .unwrap();
    assert_eq!(disk.map(&path).unwrap(), before);
    assert!(
        !disk.exists(&dir().join("00000000000000000000.index")),
        "no index was made for it"
    );
    assert_eq!(
        (done.segments, done.records_before, done.records_after),
        (3, 3, 2)
    );
}

#[test]
fn markers_of_gone_transactions_go_after_their_retention() {
    let (disk, config) = (disk(), config());
    let ops = [
        put(3, 1, Some(1)),
        Op::End {
            who: 3,
            commit: false,
        },
        put(4, 2, Some(2)),
        Op::End {
            who: 4,
            commit: true,
        },
        put(4, 2, Some(3)),
        Op::End {
            who: 4,
            commit: true,
        },
        put(3, 5, Some(3)),
        Op::End {
            who: 3,
            commit: true,
        },
        Op::Roll,
    ];
    let mut world = World::write(&disk, &ops);
    let batches = |disk: &Arc<dyn Disk>| -> Vec<i64> {
        let bytes = disk.map(&dir().join("00000000000000000000.log")).unwrap();
        let batches = crate::record::Batches::new(&bytes);
        batches
            .map(|b| b.unwrap().header().base_offset.get())
            .collect()
    };
    let mut now = 10;
    let mut rounds = Vec::new();
    for round in 0..4 {
        let first_dirty = if round == 0 { 0 } else { world.end - 1 };
        compact(&disk, &world.states, first_dirty, now, MAP_BYTES, &config).unwrap();
        rounds.push(
            batches(&disk)
                .into_iter()
                .filter(|b| *b < 8)
                .collect::<Vec<_>>(),
        );
        now += RETENTION_MS;
        world.more(&disk, &[put(0, 10 + round, Some(1))]);
    }
    // First the data goes, then the markers get their horizon, then they go. The last data batches
    // of the two producers stay, and so do the markers that end them.
    assert_eq!(rounds[0], [1, 3, 4, 5, 6, 7]);
    assert_eq!(rounds[1], [1, 3, 4, 5, 6, 7]);
    assert_eq!(rounds[2], [4, 5, 6, 7]);
    assert!(world::aborted(&disk).unwrap().is_empty());
}

#[test]
fn damage_stops_the_run_and_is_named() {
    let (disk, config) = (disk(), config());
    let world = World::write(&disk, &[put(0, 1, Some(1)), put(0, 1, Some(2)), Op::Roll]);
    let path = dir().join("00000000000000000000.log");
    let mut bytes = disk.map(&path).unwrap().to_vec();
    let half = bytes.len() / 2;
    *bytes.last_mut().unwrap() ^= 1;
    crate::disk::write_atomically(&*disk, &path, &bytes).unwrap();
    let error = compact(&disk, &world.states, 0, 10, MAP_BYTES, &config).unwrap_err();
    assert_eq!(error.kind(), crate::Kind::Corrupt);
    assert!(
        error.message().contains(&format!("0.log at byte {half}")),
        "{error}"
    );
    assert_eq!(disk.map(&path).unwrap(), bytes, "nothing was touched");
}

#[test]
fn the_last_batch_stays_even_without_records_so_that_the_end_can_be_told() {
    let (disk, config) = (disk(), config());
    let world = World::write(&disk, &[put(0, 1, Some(1)), put(0, 20, Some(2)), Op::Roll]);
    compact(&disk, &world.states, 0, 10, MAP_BYTES, &config).unwrap();
    let seen = see(&disk);
    assert_eq!((seen.records.len(), seen.next), (1, 2));
}
