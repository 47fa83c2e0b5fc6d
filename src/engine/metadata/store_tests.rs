//! The store on disks that work, fail, fill up and lose power.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::config::Overrides;
use crate::disk::{Disk, Fault, Faults, FaultyDisk, Open};
use crate::error::{Kind, Result};
use crate::types::{Offset, Timestamp, TopicId};

const DATA: &str = "/data";

fn node() -> LocalNode {
    LocalNode {
        id: 1,
        directory_id: TopicId([7; 16]),
        config: Overrides::new(),
    }
}

fn options(disk: &Arc<FaultyDisk>) -> StoreOptions {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    if !disk.exists(Path::new(DATA)) {
        disk.create_dir(Path::new(DATA)).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
    }
    StoreOptions::new(disk.clone(), clock, DATA)
}

fn open(disk: &Arc<FaultyDisk>) -> MetadataStore {
    MetadataStore::open(&options(disk)).unwrap().0
}

fn create(store: &MetadataStore, name: &str, partitions: i32) -> Result<()> {
    let mut new = NewTopic::new(name, partitions);
    new.config = vec![("retention.ms".to_owned(), "5".to_owned())];
    store.commit(|image| image.create_topic(&new, &node()))
}

fn delete(store: &MetadataStore, name: &str) -> Result<()> {
    store.commit(|image| image.delete_topic(name))
}

fn names(store: &MetadataStore) -> Vec<String> {
    store.image().topics().map(|t| t.name.to_string()).collect()
}

fn files(disk: &Arc<FaultyDisk>, suffix: &str) -> Vec<PathBuf> {
    let dir = Path::new(DATA).join("__cluster_metadata-0");
    let entries = disk.list(&dir).unwrap().into_iter();
    let mut found: Vec<_> = entries
        .filter(|e| e.name.ends_with(suffix))
        .map(|e| dir.join(e.name))
        .collect();
    found.sort();
    found
}

fn flip(disk: &Arc<FaultyDisk>, path: &Path, at: u64) {
    let file = disk.open(path, Open::Write).unwrap();
    let mut byte = [0];
    file.read_at(&mut byte, at).unwrap();
    file.write_at(&[IoSlice::new(&[byte[0] ^ 1])], at).unwrap();
    file.sync().unwrap();
}

#[test]
fn what_is_committed_is_there_after_a_power_cut() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(1)));
    let store = open(&disk);
    create(&store, "orders", 3).unwrap();
    create(&store, "gone", 1).unwrap();
    delete(&store, "gone").unwrap();
    let (before, end) = (store.image(), store.end());
    let after = open(&Arc::new(disk.crash_losing_unsynced()));
    assert_eq!((after.image(), after.end()), (before, end));
    let topic = after.image().topic("orders").unwrap().clone();
    assert_eq!(topic.created, Timestamp(1_700_000_000_000));
    assert_eq!(topic.config["retention.ms"], "5");
}

#[test]
fn a_new_store_says_which_features_it_has() {
    let store = open(&Arc::new(FaultyDisk::new()));
    assert_eq!(store.end(), Offset(2));
    assert_eq!(store.image().feature("metadata.version"), 25);
    assert_eq!(store.image().feature("levada.version"), 1);
}

#[test]
fn a_refused_command_writes_nothing() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    create(&store, "orders", 1).unwrap();
    let end = store.end();
    assert!(create(&store, "orders", 1).is_err());
    assert!(create(&store, "no/name", 1).is_err());
    store.commit(|_| Ok(Vec::new())).unwrap();
    assert_eq!(store.end(), end);
}

#[test]
fn an_image_in_hand_does_not_change() {
    let store = open(&Arc::new(FaultyDisk::new()));
    let before = store.image();
    create(&store, "orders", 1).unwrap();
    assert_eq!(before.topic_count(), 0);
    assert_eq!(store.image().topic_count(), 1);
}

#[test]
fn ten_thousand_partitions_are_one_batch() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    create(&store, "wide", 10_000).unwrap();
    store.close().unwrap();
    let image = open(&disk).image();
    assert_eq!(image.topic("wide").unwrap().partition_count(), 10_000);
}

#[test]
fn a_clean_open_reads_the_snapshot_alone() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    create(&store, "orders", 3).unwrap();
    let image = store.image();
    store.close().unwrap();
    assert_eq!(create(&store, "late", 1).unwrap_err().kind(), Kind::Closed);
    store.close().unwrap();
    let mut again = options(&disk);
    again.clean = true;
    let (store, opened) = MetadataStore::open(&again).unwrap();
    assert_eq!((opened.replayed_batches, store.image()), (0, image));
}

#[test]
fn the_log_before_two_snapshots_goes() {
    let disk = Arc::new(FaultyDisk::new());
    let mut small = options(&disk);
    small.snapshot_after_bytes = 1;
    let (store, _) = MetadataStore::open(&small).unwrap();
    for n in 0..300 {
        create(&store, &format!("topic-{n}"), 1).unwrap();
        delete(&store, &format!("topic-{n}")).unwrap();
        store.deletion_done(store.image().deleting().next().unwrap().id);
    }
    assert_eq!(files(&disk, ".checkpoint").len(), 2);
    let image = store.image();
    let log_bytes: usize = files(&disk, ".log")
        .iter()
        .map(|p| disk.map(p).unwrap().len())
        .sum();
    assert!(log_bytes < 20_000, "the log was trimmed, {log_bytes} left");
    let (again, opened) = MetadataStore::open(&small).unwrap();
    assert!(opened.replayed_batches < 20, "{opened:?}");
    // What a snapshot took and the directories' end was not in it yet: remembered again, harmlessly.
    let again = again.image();
    assert_eq!(again.topics().count(), image.topics().count());
    assert_eq!(again.next_producer_id(), image.next_producer_id());
}

#[test]
fn a_damaged_snapshot_costs_nothing_while_the_one_before_is_there() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(3)));
    let store = open(&disk);
    for n in 0..4 {
        create(&store, &format!("topic-{n}"), 1).unwrap();
        store.snapshot().unwrap();
    }
    create(&store, "after", 1).unwrap();
    let image = store.image();
    drop(store);
    let newest = files(&disk, ".checkpoint").pop().unwrap();
    flip(&disk, &newest, 200);
    let (store, opened) = MetadataStore::open(&options(&disk)).unwrap();
    assert_eq!(opened.damaged_snapshots, std::slice::from_ref(&newest));
    assert_eq!(store.image(), image);
    assert!(!disk.exists(&newest), "replaced by a good one");
    drop(store);
    let (store, opened) = MetadataStore::open(&options(&disk)).unwrap();
    assert_eq!((opened.damaged_snapshots.len(), store.image()), (0, image));
}

#[test]
fn two_damaged_snapshots_are_corrupt_and_named() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    for n in 0..3 {
        create(&store, &format!("topic-{n}"), 1).unwrap();
        store.snapshot().unwrap();
    }
    drop(store);
    let snapshots = files(&disk, ".checkpoint");
    snapshots.iter().for_each(|p| flip(&disk, p, 200));
    let e = MetadataStore::open(&options(&disk)).unwrap_err();
    assert_eq!(e.kind(), Kind::Corrupt);
    let newest = snapshots.last().unwrap().display().to_string();
    assert!(e.message().contains(&newest), "{e}");
}

#[test]
fn damage_before_the_end_is_never_cut_off() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    create(&store, "first", 1).unwrap();
    create(&store, "second", 1).unwrap();
    drop(store);
    let log = files(&disk, ".log").pop().unwrap();
    flip(&disk, &log, 100);
    let e = MetadataStore::open(&options(&disk)).unwrap_err();
    assert_eq!(e.kind(), Kind::Corrupt);
    assert!(e.message().contains(".log"), "{e}");
    // The same after a clean close, where no tail is looked for.
    let mut clean = options(&disk);
    clean.clean = true;
    let e = MetadataStore::open(&clean).unwrap_err();
    assert_eq!(e.kind(), Kind::Corrupt, "{e}");
}

#[test]
fn a_lost_log_is_not_taken_for_a_new_directory() {
    let disk = Arc::new(FaultyDisk::new());
    drop(open(&disk));
    disk.remove_dir(&Path::new(DATA).join("__cluster_metadata-0"))
        .unwrap();
    disk.create_dir(&Path::new(DATA).join("orders-0")).unwrap();
    let e = MetadataStore::open(&options(&disk)).unwrap_err();
    assert_eq!(e.kind(), Kind::Corrupt);
    assert!(e.message().contains("orders-0"), "{e}");
}

#[test]
fn a_lost_log_beside_its_snapshot_is_corrupt() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    create(&store, "orders", 1).unwrap();
    store.close().unwrap();
    for file in files(&disk, ".log") {
        disk.remove_file(&file).unwrap();
    }
    let e = MetadataStore::open(&options(&disk)).unwrap_err();
    assert_eq!(e.kind(), Kind::Corrupt, "{e}");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(5)));
    let store = open(&disk);
    create(&store, "before", 1).unwrap();
    disk.set_capacity(Some(disk.used_bytes() + 10));
    let e = create(&store, "full", 50).unwrap_err();
    assert!(e.is_disk_full() && e.is_retriable(), "{e}");
    assert_eq!(names(&store), ["before"]);
    disk.set_capacity(None);
    create(&store, "after", 1).unwrap();
    assert_eq!(
        names(&open(&Arc::new(disk.crash_losing_unsynced()))),
        ["after", "before"]
    );
}

#[test]
fn after_a_failed_sync_nothing_is_decided_until_reopened() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(6)));
    let store = open(&disk);
    create(&store, "before", 1).unwrap();
    disk.fail_sync_at(1);
    assert!(create(&store, "lost", 1).is_err());
    let e = create(&store, "after", 1).unwrap_err();
    assert!(e.message().contains("open it again"), "{e}");
    assert_eq!(names(&store), ["before"], "readers go on");
    assert!(store.close().is_err(), "not clean");
    let again = open(&Arc::new(disk.crash_losing_unsynced()));
    assert!(names(&again).contains(&"before".to_owned()));
    create(&again, "after", 1).unwrap();
}

#[test]
fn many_threads_commit_one_after_the_other() {
    let disk = Arc::new(FaultyDisk::new());
    let store = open(&disk);
    let ids: Vec<i64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let one = || store.commit_with(|i| i.allocate_producer_ids(10, &node()));
                    (0..50).map(|_| one().unwrap().get()).collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..200).map(|n| n * 10).collect::<Vec<_>>());
}

/// A run of commands with a snapshot every few, as long as the disk lets it. Gives what was answered:
/// the images after each command that succeeded, the last that was tried on top.
fn run(disk: &Arc<FaultyDisk>, steps: usize) -> (Vec<Arc<MetadataImage>>, Option<&'static str>) {
    let mut done = Vec::new();
    let mut small = options(disk);
    small.snapshot_after_bytes = 600;
    let Ok((store, _)) = MetadataStore::open(&small) else {
        return (done, Some("open"));
    };
    done.push(store.image());
    for step in 0..steps {
        let name = format!("topic-{}", step / 2);
        let tried = match step % 4 {
            3 => delete(&store, &format!("topic-{}", (step - 2) / 2)),
            1 => store.commit(|i| i.add_partitions(&name, 5, &node())),
            _ => create(&store, &name, 2),
        };
        if tried.is_err() {
            return (done, Some("commit"));
        }
        done.push(store.image());
    }
    (done, store.close().err().map(|_| "close"))
}

/// Topics as a user sees them; the ids are random.
fn seen(image: &MetadataImage) -> Vec<(String, i32, Overrides)> {
    let topics = image.topics();
    topics
        .map(|t| (t.name.to_string(), t.partition_count(), t.config.clone()))
        .collect()
}

/// The promise after any failure: what was answered is there, and at most the command in flight more,
/// whole.
fn check_after(
    disk: &Arc<FaultyDisk>,
    done: &[Arc<MetadataImage>],
    all: &[Arc<MetadataImage>],
    what: &str,
) {
    let (store, _) = MetadataStore::open(&options(disk)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let found = seen(&store.image());
    let answered = done.last().map(|i| seen(i)).unwrap_or_default();
    let in_flight = all.get(done.len()).map(|i| seen(i));
    assert!(
        found == answered || Some(&found) == in_flight.as_ref(),
        "{what}: {found:?}\nanswered {answered:?}\nin flight {in_flight:?}"
    );
    create(&store, "afterwards", 1).unwrap_or_else(|e| panic!("{what}: {e}"));
}

#[test]
fn every_answered_command_survives_a_failure_or_power_cut_at_any_call() {
    let steps = 14;
    let calm = Arc::new(FaultyDisk::with_faults(Faults::seeded(0)));
    let (all, failed) = run(&calm, steps);
    assert_eq!((all.len(), failed), (steps + 1, None));
    let calls = calm.calls();
    let mut failures = 0;
    for nth in 1..=calls {
        for (fault, sticky) in [(Fault::Io, false), (Fault::Io, true), (Fault::Full, false)] {
            let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(nth)));
            options(&disk);
            match sticky {
                true => disk.fail_from(nth, fault),
                false => disk.fail_at(nth, fault),
            }
            let (done, failed) = run(&disk, steps);
            failures += usize::from(failed.is_some());
            disk.heal();
            let what = format!("call {nth} of {calls}, {fault:?}, sticky {sticky}, {failed:?}");
            check_after(&Arc::new(disk.crash_losing_unsynced()), &done, &all, &what);
            check_after(
                &Arc::new(disk.crash(nth)),
                &done,
                &all,
                &format!("{what}, torn"),
            );
            check_after(&disk, &done, &all, &format!("{what}, no power cut"));
        }
    }
    assert!(failures > 100, "only {failures} failures were felt");
}

#[test]
fn an_open_that_fails_at_any_call_can_be_tried_again() {
    let prepared = |damaged: bool| {
        let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(9)));
        let store = open(&disk);
        for n in 0..4 {
            create(&store, &format!("topic-{n}"), 1).unwrap();
            store.snapshot().unwrap();
        }
        create(&store, "after", 1).unwrap();
        if damaged {
            flip(&disk, files(&disk, ".checkpoint").last().unwrap(), 200);
        }
        (disk, store.image())
    };
    for damaged in [false, true] {
        let (calm, _) = prepared(damaged);
        let before = calm.calls();
        open(&calm);
        let calls = calm.calls() - before;
        assert!(calls > 5);
        for nth in 1..=calls {
            let (disk, image) = prepared(damaged);
            disk.fail_from(nth, Fault::Io);
            assert!(MetadataStore::open(&options(&disk)).is_err(), "call {nth}");
            disk.heal();
            for found in [disk.crash_losing_unsynced(), disk.crash(nth)] {
                assert_eq!(open(&Arc::new(found)).image(), image, "call {nth}");
            }
            assert_eq!(open(&disk).image(), image, "call {nth}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A snapshot with the log behind it is a replay of the whole log, whenever snapshots were made.
    #[test]
    fn snapshot_and_tail_equal_the_whole_log(
        steps in proptest::collection::vec((0u8..6, 0u8..5, any::<bool>()), 1..40),
    ) {
        let (kept, snapped) = (Arc::new(FaultyDisk::new()), Arc::new(FaultyDisk::new()));
        let clock = Arc::new(ManualClock::new(Timestamp(1000)));
        let with = |disk: &Arc<FaultyDisk>| {
            let mut options = options(disk);
            options.clock = clock.clone();
            MetadataStore::open(&options).unwrap().0
        };
        let (one, mut other) = (with(&kept), with(&snapped));
        for (n, (topic, action, snapshot)) in steps.iter().enumerate() {
            clock.advance(Duration::from_millis(7));
            let name = format!("topic-{topic}");
            let mut new = NewTopic::new(name.clone(), 2);
            new.id = TopicId([n as u8 + 1; 16]);
            let on = |store: &MetadataStore| store.commit(|i| match action {
                0 | 1 => i.create_topic(&new, &node()),
                2 => i.delete_topic(&name),
                3 => i.add_partitions(&name, n as i32, &node()),
                _ => i.allocate_producer_ids(3, &node()).map(|(_, r)| r),
            });
            prop_assert_eq!(on(&one).is_ok(), on(&other).is_ok());
            if *snapshot {
                other.snapshot().unwrap();
                drop(other);
                other = with(&snapped);
            }
        }
        prop_assert_eq!(&other.image(), &one.image());
        drop(one);
        prop_assert_eq!(&with(&kept).image(), &other.image());
    }
}
