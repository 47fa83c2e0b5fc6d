//! What is left when the process goes away in the middle.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use levada::disk::{Faults, FaultyDisk, RealDisk};
use levada::embedded::Database;
use levada::engine::EngineBuilder;
use levada::engine::txn::ClientVersion::V2;
use levada::engine::txn::{TxnState, state_partition};

use super::stuck::Stuck;
use super::support::{Client, WAIT, committed, is_stable, topic, until};

const PARTS: [&str; 4] = ["a-0", "a-1", "b-0", "c-0"];

fn open(disk: Arc<FaultyDisk>) -> Database {
    let builder = EngineBuilder::new("/data").disk(disk);
    Database::from_builder(builder, true).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            // What is replaced meanwhile has its other name.
            false => drop(std::fs::copy(entry.path(), target)),
        }
    }
}

/// Real files, copied while one partition has its marker and another has not.
#[test]
fn markers_that_a_kill_left_out_are_written_at_the_next_open() {
    for commit in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Stuck::new(Arc::new(RealDisk::default()), "b-0");
        let builder = EngineBuilder::new(dir.path().join("live")).disk(disk.clone());
        let db = Database::from_builder(builder, false).unwrap();
        topic(&db, "a", 2);
        topic(&db, "b", 1);
        let mut p = Client::new(&db, "tx", V2);
        for name in ["a-0", "a-1", "b-0"] {
            p.write(name, "x").unwrap();
        }
        until("the records", || {
            let end = |name: &str| {
                let place = super::support::at(name);
                let handle = db.engine().partition(&place.topic, place.partition);
                handle.unwrap().ends().unwrap().durable.get()
            };
            ["a-0", "a-1", "b-0"].iter().all(|name| end(name) == 1)
        });
        disk.set(true);
        p.end(commit).unwrap();
        until("the markers beside it", || {
            is_stable(&db, "a-0") && is_stable(&db, "a-1")
        });
        copy(&dir.path().join("live"), &dir.path().join("killed"));
        let after = Database::open(dir.path().join("killed")).unwrap();
        after
            .engine()
            .transactions()
            .wait_complete("tx", WAIT)
            .unwrap();
        for name in ["a-0", "a-1", "b-0"] {
            assert!(is_stable(&after, name), "{name}");
            let expected: &[&str] = if commit { &["x"] } else { &[] };
            assert_eq!(committed(&after, name), expected, "{name}");
        }
        let told = after.engine().transactions().describe("tx").unwrap();
        assert!(told.state.is_idle());
        disk.set(false);
    }
}

/// Without anybody asking: the open itself carries on.
#[test]
fn an_open_carries_on_by_itself() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(3)));
    let stuck = Stuck::new(disk.clone(), "b-0");
    let builder = EngineBuilder::new("/data").disk(stuck.clone());
    let db = Database::from_builder(builder, true).unwrap();
    topic(&db, "b", 1);
    let mut p = Client::new(&db, "tx", V2);
    p.write("b-0", "x").unwrap();
    until("the record", || {
        let handle = db.engine().partition("b", 0).unwrap();
        handle.ends().unwrap().durable.get() == 1
    });
    stuck.set(true);
    p.end(true).unwrap();
    let after = open(Arc::new(disk.crash_losing_unsynced()));
    until("the marker", || is_stable(&after, "b-0"));
    assert_eq!(committed(&after, "b-0"), ["x"]);
}

/// The power goes at moments that the threads choose: what was answered holds, and no transaction is
/// half there.
#[test]
fn a_power_cut_at_any_moment_leaves_each_transaction_whole() {
    const LIVES: u64 = 25;
    for seed in 0..LIVES {
        let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(seed)));
        let db = open(disk.clone());
        for (name, partitions) in [("a", 2), ("b", 1), ("c", 1)] {
            topic(&db, name, partitions);
        }
        let mut ends = BTreeMap::new();
        let mut p = Client::new(&db, "tx", V2);
        for round in 0..3 + seed % 4 {
            let value = format!("{seed}/{round}");
            for name in PARTS {
                p.write(name, &value).unwrap();
            }
            // The records must be as durable as the decision is; a client waits for its acks.
            wait_durable(&db);
            let commit = (seed + round) % 3 != 0;
            p.end(commit).unwrap();
            ends.insert(value, commit);
        }
        p.write("c-0", "open").unwrap();
        let after = open(Arc::new(disk.crash(seed)));
        drop(db);
        let txns = after.engine().transactions();
        txns.wait_complete("tx", WAIT).unwrap();
        if txns.describe("tx").unwrap().state == TxnState::Ongoing {
            Client::new(&after, "tx", V2);
        }
        let expected: Vec<&String> = ends.iter().filter(|(_, c)| **c).map(|(v, _)| v).collect();
        for name in PARTS {
            assert!(is_stable(&after, name), "seed {seed}: {name}");
            let found = committed(&after, name);
            let found: Vec<&String> = found.iter().collect();
            assert_eq!(found, expected, "seed {seed}: {name}");
        }
    }
}

fn wait_durable(db: &Database) {
    for name in PARTS {
        let place = super::support::at(name);
        let handle = db
            .engine()
            .partition(&place.topic, place.partition)
            .unwrap();
        until("the records", || {
            let ends = handle.ends().unwrap();
            ends.durable == ends.appended
        });
    }
}

/// The sync of a decision fails: nobody is told that it stands, and no marker says so.
#[test]
fn a_decision_that_could_not_be_made_durable_is_not_acted_upon() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(9)));
    let db = open(disk.clone());
    topic(&db, "a", 1);
    let mut p = Client::new(&db, "tx", V2);
    p.write("a-0", "x").unwrap();
    until("the record", || {
        let handle = db.engine().partition("a", 0).unwrap();
        handle.ends().unwrap().durable.get() == 1
    });
    disk.fail_sync_at(1);
    let failed = p.end(true);
    assert!(failed.is_err(), "{failed:?}");
    assert!(!is_stable(&db, "a-0"));
    assert!(committed(&db, "a-0").is_empty());
    disk.heal();
    let _ = db.close();
    drop(db);
    let after = open(Arc::new(disk.crash(1)));
    let mut next = Client::new(&after, "tx", V2);
    let found = committed(&after, "a-0");
    assert!(is_stable(&after, "a-0"));
    assert!(found.is_empty() || found == ["x"], "{found:?}");
    next.write("a-0", "y").unwrap();
    next.finish(true);
    assert_eq!(committed(&after, "a-0").last().unwrap(), "y");
}

/// As long as the disk has not got the decision, nobody hears of it and no marker says so.
#[test]
fn nothing_is_done_about_a_decision_that_is_not_durable() {
    let place = state_partition("tx", 50);
    let name = format!("__transaction_state-{place}");
    let disk = Stuck::new(Arc::new(FaultyDisk::new()), &name);
    let builder = EngineBuilder::new("/data").disk(disk.clone());
    let db = Database::from_builder(builder, true).unwrap();
    topic(&db, "a", 1);
    let mut p = Client::new(&db, "tx", V2);
    p.write("a-0", "x").unwrap();
    disk.hold_syncs(true);
    let (sender, answer) = mpsc::channel();
    p.txns().end(
        p.ending(true),
        Box::new(move |outcome| sender.send(outcome).unwrap()),
    );
    let early = answer.recv_timeout(Duration::from_millis(200));
    let handle = db.engine().partition("a", 0).unwrap();
    let end = handle.ends().unwrap().appended.get();
    disk.hold_syncs(false);
    assert!(early.is_err(), "an answer");
    assert_eq!(end, 1, "a marker");
    p.has = answer.recv_timeout(WAIT).unwrap().unwrap();
    p.txns().wait_complete("tx", WAIT).unwrap();
    assert_eq!(committed(&db, "a-0"), ["x"]);
}
