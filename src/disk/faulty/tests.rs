use std::collections::BTreeSet;
use std::io::{ErrorKind, IoSlice};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::disk::{Disk, File, Open, write_atomically};

const SEEDS: u64 = 300;
/// For ends that need several coins to fall right.
const SEEDS_MANY: u64 = 3000;

fn disk() -> FaultyDisk {
    FaultyDisk::with_faults(Faults::seeded(1))
}

fn create(disk: &FaultyDisk, path: &str) -> Arc<dyn File> {
    disk.open(Path::new(path), Open::Truncate).unwrap()
}

fn write(file: &Arc<dyn File>, bytes: &[u8], position: u64) {
    file.write_at(&[IoSlice::new(bytes)], position).unwrap();
}

/// The content, `None` when the name is not there.
fn get(disk: &FaultyDisk, path: &str) -> Option<Vec<u8>> {
    let bytes = disk.map(Path::new(path)).ok()?;
    Some(bytes.to_vec())
}

fn sync_dir(disk: &FaultyDisk, path: &str) {
    disk.sync_dir(Path::new(path)).unwrap();
}

/// All that a power loss can leave of `path`.
fn outcomes(disk: &FaultyDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    (0..SEEDS_MANY)
        .map(|seed| get(&disk.crash(seed), path))
        .collect()
}

#[test]
fn synced_bytes_under_a_synced_name_survive() {
    let disk = disk();
    let file = create(&disk, "/a");
    write(&file, b"synced", 0);
    file.sync().unwrap();
    sync_dir(&disk, "/");
    assert_eq!(
        outcomes(&disk, "/a"),
        BTreeSet::from([Some(b"synced".to_vec())])
    );
    assert_eq!(get(&disk.crash_losing_unsynced(), "/a").unwrap(), b"synced");
}

#[test]
fn a_synced_file_without_a_synced_name_may_be_lost() {
    let disk = disk();
    let file = create(&disk, "/a");
    write(&file, b"x", 0);
    file.sync().unwrap();
    assert_eq!(
        outcomes(&disk, "/a"),
        BTreeSet::from([None, Some(b"x".to_vec())])
    );
    assert_eq!(get(&disk.crash_losing_unsynced(), "/a"), None);
}

#[test]
fn unsynced_writes_stay_go_tear_turn_to_zeros_and_change_places() {
    let disk = disk();
    let file = create(&disk, "/a");
    write(&file, b"S", 0);
    file.sync().unwrap();
    sync_dir(&disk, "/");
    write(&file, b"abcd", 1);
    write(&file, b"ef", 5);
    let found = outcomes(&disk, "/a");
    for expected in [
        &b"S"[..],      // both gone
        b"Sabcd",       // the later gone
        b"Sabcdef",     // both there
        b"S\0\0\0\0ef", // the later there, the earlier not
        b"S\0\0\0\0",   // the length of the earlier alone
        b"Sab",         // torn
        b"Sabcde",      // the later torn
    ] {
        assert!(
            found.contains(&Some(expected.to_vec())),
            "never saw {expected:?}"
        );
    }
    assert!(found.iter().flatten().all(|bytes| bytes.starts_with(b"S")));
    assert_eq!(
        get(&disk, "/a").unwrap(),
        b"Sabcdef",
        "the disk itself stays as it is"
    );
}

#[test]
fn an_unsynced_cut_may_be_undone() {
    let disk = disk();
    let file = create(&disk, "/a");
    write(&file, b"abcdef", 0);
    file.sync().unwrap();
    sync_dir(&disk, "/");
    file.set_len(2).unwrap();
    let both = BTreeSet::from([Some(b"ab".to_vec()), Some(b"abcdef".to_vec())]);
    assert_eq!(outcomes(&disk, "/a"), both);
    file.sync().unwrap();
    assert_eq!(
        outcomes(&disk, "/a"),
        BTreeSet::from([Some(b"ab".to_vec())])
    );
}

#[test]
fn names_of_one_directory_come_in_order() {
    let disk = disk();
    disk.create_dir(Path::new("/d")).unwrap();
    sync_dir(&disk, "/");
    for name in ["/d/1", "/d/2", "/d/3"] {
        create(&disk, name).sync().unwrap();
    }
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let names = disk.crash(seed).list(Path::new("/d")).unwrap();
        seen.insert(names.into_iter().map(|e| e.name).collect::<String>());
    }
    assert_eq!(seen, ["", "1", "12", "123"].map(String::from).into());
}

#[test]
fn a_rename_between_directories_is_whole_or_not_there() {
    let disk = disk();
    for dir in ["/a", "/b"] {
        disk.create_dir(Path::new(dir)).unwrap();
    }
    create(&disk, "/a/f").sync().unwrap();
    for dir in ["/", "/a"] {
        sync_dir(&disk, dir);
    }
    create(&disk, "/b/before").sync().unwrap();
    disk.rename(Path::new("/a/f"), Path::new("/b/f")).unwrap();
    create(&disk, "/a/after").sync().unwrap();
    let mut moved = 0;
    for seed in 0..SEEDS {
        let after = disk.crash(seed);
        let there = |path: &str| after.exists(Path::new(path));
        assert_ne!(there("/a/f"), there("/b/f"), "seed {seed}");
        assert!(!there("/b/f") || there("/b/before"), "seed {seed}");
        assert!(!there("/a/after") || there("/b/f"), "seed {seed}");
        moved += usize::from(there("/b/f"));
    }
    assert!(moved > 0 && moved < SEEDS as usize);
    // Syncing one side makes the rename lasting on both, and what came before it.
    sync_dir(&disk, "/a");
    let after = disk.crash_losing_unsynced();
    assert!(after.exists(Path::new("/b/before")) && after.exists(Path::new("/b/f")));
    assert!(!after.exists(Path::new("/a/f")));
}

#[test]
fn a_directory_removed_or_made_without_sync_may_come_or_stay_away() {
    let disk = disk();
    disk.create_dir(Path::new("/old")).unwrap();
    create(&disk, "/old/f").sync().unwrap();
    sync_dir(&disk, "/old");
    sync_dir(&disk, "/");
    disk.remove_dir(Path::new("/old")).unwrap();
    disk.create_dir(Path::new("/new")).unwrap();
    create(&disk, "/new/f").sync().unwrap();
    sync_dir(&disk, "/new");
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let after = disk.crash(seed);
        let there = |path: &str| after.exists(Path::new(path));
        seen.insert((
            there("/old"),
            there("/old/f"),
            there("/new"),
            there("/new/f"),
        ));
    }
    let order = [
        (true, true, false, false),
        (true, false, false, false),
        (false, false, false, false),
        (false, false, true, true),
    ];
    assert!(order.iter().all(|o| seen.contains(o)), "{seen:?}");
    assert!(seen.iter().all(|(_, _, new, file)| new == file), "{seen:?}");
    assert!(
        seen.iter().all(|(old, _, new, _)| !(*old && *new)),
        "{seen:?}"
    );
}

#[test]
fn atomic_write_leaves_old_or_new_wherever_it_fails() {
    let path = Path::new("/d/checkpoint");
    let prepared = || {
        let disk = disk();
        disk.create_dir(Path::new("/d")).unwrap();
        sync_dir(&disk, "/");
        write_atomically(&disk, path, b"old").unwrap();
        disk
    };
    let calls = {
        let disk = prepared();
        let before = disk.calls();
        write_atomically(&disk, path, b"new!").unwrap();
        disk.calls() - before
    };
    assert_eq!(calls, 5, "open, write, sync, rename, sync of the directory");
    for nth in 1..=calls + 1 {
        let disk = prepared();
        disk.fail_at(nth, Fault::Io);
        let done = write_atomically(&disk, path, b"new!");
        assert_eq!(done.is_err(), nth <= calls);
        for seed in 0..SEEDS {
            let found = get(&disk.crash(seed), "/d/checkpoint").unwrap();
            let whole = found == b"new!" || done.is_err() && found == b"old";
            assert!(whole, "call {nth}, seed {seed}: {found:?}");
        }
    }
}

#[test]
fn a_failed_sync_is_not_made_good_by_the_next() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = FaultyDisk::with_faults(Faults::seeded(seed).fail_sync_at(1));
        let file = create(&disk, "/a");
        sync_dir(&disk, "/");
        write(&file, b"abc", 0);
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert_eq!(
            get(&disk, "/a").unwrap(),
            b"abc",
            "the page cache still shows it"
        );
        lost += usize::from(get(&disk.crash_losing_unsynced(), "/a").unwrap() != b"abc");
        assert_eq!((disk.syncs(), disk.failures()), (2, 1));
    }
    assert!(lost > 0 && lost < 50, "{lost}");
}

#[test]
fn the_chosen_call_fails_once_or_from_then_on() {
    let disk = FaultyDisk::with_faults(Faults::seeded(1).fail_at(3, Fault::Full));
    let file = create(&disk, "/a");
    write(&file, b"abc", 0);
    let error = file.write_at(&[IoSlice::new(b"defghi")], 3).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(b"abcdefghi".starts_with(&get(&disk, "/a").unwrap()[..]));
    disk.fail_from(2, Fault::Io);
    assert!(disk.exists(Path::new("/a")));
    file.sync().unwrap();
    assert!(file.sync().is_err() && file.set_len(0).is_err());
    assert!(file.read_at(&mut [0], 0).is_err());
    assert!(disk.list(Path::new("/")).is_err());
    disk.heal();
    file.sync().unwrap();
    assert_eq!(disk.failures(), 5);
}

#[test]
fn a_full_disk_takes_what_fits_and_works_again_when_there_is_room() {
    let disk = FaultyDisk::with_faults(Faults::seeded(1).capacity(100_000));
    let hole = create(&disk, "/hole");
    hole.set_len(1 << 30).unwrap();
    let file = create(&disk, "/a");
    write(&file, &[1; 60_000], 0);
    let other = create(&disk, "/b");
    let error = other
        .write_at(&[IoSlice::new(&[2; 60_000])], 0)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(other.len().unwrap(), 40_000);
    assert_eq!(disk.used_bytes(), 100_000);
    // What is there can be written over, read, cut and removed.
    write(&file, &[3; 60_000], 0);
    other.set_len(0).unwrap();
    write(&other, &[2; 40_000], 0);
    disk.remove_file(Path::new("/a")).unwrap();
    assert!(
        other.write_at(&[IoSlice::new(b"x")], 40_000).is_err(),
        "still open"
    );
    drop(file);
    write(&other, &[2; 60_000], 40_000);
    disk.set_capacity(None);
    write(&other, &[2; 60_000], 100_000);
    assert_eq!(disk.used_bytes(), 160_000);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed: u64| {
        let faults = Faults::seeded(seed)
            .fail_at(40, Fault::Io)
            .fail_sync_at(9)
            .capacity(300_000);
        let disk = FaultyDisk::with_faults(faults);
        let mut random = random::Random::new(seed);
        let mut log = Vec::new();
        for _ in 0..200 {
            let path = format!("/d{}/f{}", random.below(3), random.below(4));
            let path = Path::new(&path);
            let _ = disk.create_dir(path.parent().unwrap());
            let done = disk.open(path, Open::Truncate).and_then(|file| {
                let bytes = vec![random.next() as u8; random.below(20_000)];
                file.write_at(&[IoSlice::new(&bytes)], random.below(5000) as u64)?;
                if random.one_in(2) {
                    file.sync()
                } else {
                    Ok(())
                }
            });
            log.push(done.map_err(|e| e.to_string()));
            let _ = disk.sync_dir(if random.one_in(2) {
                Path::new("/")
            } else {
                path.parent().unwrap()
            });
        }
        let after = disk.crash(seed + 1);
        for dir in 0..3 {
            for file in 0..4 {
                let found = get(&after, &format!("/d{dir}/f{file}"));
                log.push(Err(format!(
                    "{:?}",
                    found.map(|b| crate::codec::crc32c::crc32c(&b))
                )));
            }
        }
        (
            log,
            disk.calls(),
            disk.failures(),
            disk.used_bytes(),
            after.used_bytes(),
        )
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1), run(2));
}

#[test]
#[should_panic(expected = "with_faults")]
fn a_disk_without_faults_does_not_know_what_was_synced() {
    FaultyDisk::new().crash(1);
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, usize),
    SetLen(usize),
    Sync,
    Map,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0usize..12_000, 1usize..9000).prop_map(|(at, len)| Step::Write(at, len)),
        1 => (0usize..15_000).prop_map(Step::SetLen),
        1 => Just(Step::Sync),
        1 => Just(Step::Map),
    ];
    prop::collection::vec(step, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A byte found is durable, or zero, or one that an unsynced write put there; it is durable where
    /// nothing unsynced touched it.
    #[test]
    fn nothing_is_invented_and_nothing_synced_is_lost(steps in steps(), seed in any::<u64>()) {
        let disk = disk();
        let file = create(&disk, "/a");
        sync_dir(&disk, "/");
        let mut now: Vec<u8> = Vec::new();
        let mut synced: Vec<u8> = Vec::new();
        // For each position the unsynced values it was given; from `cut` on all may be gone.
        let mut touched: Vec<Vec<u8>> = vec![Vec::new(); 30_000];
        let mut cut = usize::MAX;
        for (n, step) in steps.into_iter().enumerate() {
            let value = n as u8 + 1;
            match step {
                Step::Write(at, len) => {
                    write(&file, &vec![value; len], at as u64);
                    now.resize(now.len().max(at + len), 0);
                    now[at..at + len].fill(value);
                    touched[at..at + len].iter_mut().for_each(|t| t.push(value));
                }
                Step::SetLen(len) => {
                    file.set_len(len as u64).unwrap();
                    now.resize(len, 0);
                    cut = cut.min(len);
                }
                Step::Sync => {
                    file.sync().unwrap();
                    synced.clone_from(&now);
                    touched.iter_mut().for_each(Vec::clear);
                    cut = usize::MAX;
                }
                Step::Map => prop_assert!(disk.map(Path::new("/a")).unwrap() == now),
            }
        }
        prop_assert_eq!(&get(&disk.crash_losing_unsynced(), "/a").unwrap(), &synced);
        let found = get(&disk.crash(seed), "/a").unwrap();
        prop_assert!(found.len() >= synced.len().min(cut));
        for (at, byte) in found.iter().enumerate() {
            let old = synced.get(at).copied();
            let kept = old == Some(*byte);
            let untouched = touched[at].is_empty() && at < cut && old.is_some();
            prop_assert!(kept || !untouched, "lost byte {}", at);
            let zero = *byte == 0 && (old.is_none() || at >= cut);
            prop_assert!(kept || zero || touched[at].contains(byte), "invented byte {}", at);
        }
    }
}
