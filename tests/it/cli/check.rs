//! `check`: finds every kind of damage, changes nothing, and repairs what recovery can.
#![allow(clippy::disallowed_methods)] // damages files on purpose

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::Cli;

/// A partition of several segments, closed cleanly.
fn filled() -> Cli {
    let cli = Cli::new();
    cli.ok(&[
        "topic",
        "create",
        "t",
        "--partitions",
        "1",
        "--config",
        "internal.segment.bytes=60000",
        "--config",
        "index.interval.bytes=1000",
    ]);
    let lines: String = (0..1500).map(|n| format!("value {n}\n")).collect();
    // Each run is at least one batch.
    for _ in 0..12 {
        cli.produce(&["t"], lines.as_bytes());
    }
    cli
}

fn log_files(cli: &Cli, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(cli.dir.join("t-0")).unwrap();
    let paths = entries.map(|e| e.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == suffix))
        .collect();
    found.sort();
    found
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => waiting.push(path),
                false if path.ends_with(".lock") => {}
                false => drop(all.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    all
}

/// Runs the check, which must find damage and change nothing.
fn damage(cli: &Cli) -> Vec<Value> {
    let before = contents(&cli.dir);
    let ran = cli.run(&["check", "--json"]);
    assert!(before == contents(&cli.dir), "the check changed something");
    assert_eq!(ran.status, 7, "{}{}", ran.out, ran.err);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["kind"], "Corrupt");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    report["findings"].as_array().unwrap().clone()
}

fn names(finding: &Value, path: &Path) -> bool {
    finding["path"] == path.to_str().unwrap() && finding["severity"] == "damage"
}

#[test]
fn a_sound_directory_is_well_and_stays_as_it_is() {
    let cli = filled();
    cli.ok(&["consume", "t", "--group", "g", "--format", "raw"]);
    let before = contents(&cli.dir);
    for args in [&["check"][..], &["check", "--deep"], &["check", "--repair"]] {
        let said = cli.ok(args);
        assert!(said.ends_with("all is well\n"), "{said}");
        assert!(before == contents(&cli.dir), "{args:?} changed something");
    }
    let report = cli.json(&["check"]);
    assert_eq!(report["clean"], true);
    assert!(report["segments"].as_u64().unwrap() >= 5);
    assert!(report["records"].as_u64().unwrap() >= 18000);
}

#[test]
fn a_flipped_byte_is_found_with_file_and_position() {
    let cli = filled();
    let log = log_files(&cli, "log")[1].clone();
    let size = fs::metadata(&log).unwrap().len() as usize;
    for at in [17, 30, 100, size - 1] {
        flip(&log, at);
        let findings = damage(&cli);
        assert_eq!(findings.len(), 1, "byte {at}: {findings:?}");
        assert!(names(&findings[0], &log), "{findings:?}");
        let position = findings[0]["position"].as_u64().unwrap();
        assert!(position <= at as u64);
        flip(&log, at);
    }
    cli.ok(&["check"]);
}

#[test]
fn no_byte_of_a_log_can_change_unseen() {
    let cli = filled();
    let log = log_files(&cli, "log")[2].clone();
    let size = fs::metadata(&log).unwrap().len() as usize;
    for at in (0..size).step_by(size / 23) {
        // The leader epoch lies outside the checksum.
        if (12..16).contains(&at) {
            continue;
        }
        flip(&log, at);
        assert!(damage(&cli).iter().any(|f| names(f, &log)), "byte {at}");
        flip(&log, at);
    }
}

#[test]
fn damaged_and_missing_indexes_are_named_and_made_anew() {
    let cli = filled();
    let read = cli.ok(&["consume", "t", "--format", "raw"]);
    let mut indexes = log_files(&cli, "index");
    indexes.retain(|p| fs::metadata(p).unwrap().len() > 0);
    let (index, missing) = (indexes[0].clone(), indexes[1].clone());
    let time = log_files(&cli, "timeindex")[1].clone();
    let snapshot = log_files(&cli, "snapshot")[0].clone();
    let whole = fs::read(&index).unwrap();
    fs::write(&index, &whole[..whole.len() - 3]).unwrap();
    flip(&time, 0);
    flip(&snapshot, 8);
    fs::remove_file(&missing).unwrap();
    let findings = damage(&cli);
    for path in [&index, &time, &snapshot, &missing] {
        assert!(
            findings.iter().any(|f| names(f, path)),
            "{}: {findings:?}",
            path.display()
        );
    }
    let ran = cli.run(&["check", "--repair"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("anew"), "{}", ran.err);
    assert_eq!(cli.ok(&["consume", "t", "--format", "raw"]), read);
    assert_eq!(fs::read(&index).unwrap(), whole);
}

#[test]
fn an_index_that_points_elsewhere_is_found() {
    let cli = filled();
    let index = log_files(&cli, "index");
    let with_entries = index
        .iter()
        .find(|p| fs::metadata(p).unwrap().len() > 0)
        .unwrap();
    let whole = fs::read(with_entries).unwrap();
    // The position of the first entry, a little further on.
    flip(with_entries, 7);
    let findings = damage(&cli);
    assert!(
        findings.iter().any(|f| names(f, with_entries)),
        "{findings:?}"
    );
    fs::write(with_entries, whole).unwrap();
    // Two segments' indexes swapped.
    let times = log_files(&cli, "timeindex");
    let (one, two) = (fs::read(&times[0]).unwrap(), fs::read(&times[1]).unwrap());
    if one != two {
        fs::write(&times[0], &two).unwrap();
        fs::write(&times[1], &one).unwrap();
        assert!(!damage(&cli).is_empty());
    }
}

#[test]
fn damaged_records_stay_and_the_others_are_read() {
    let cli = filled();
    let log = log_files(&cli, "log")[1].clone();
    flip(&log, 100);
    let before = fs::read(&log).unwrap();
    let ran = cli.run(&["check", "--repair"]);
    assert_eq!(ran.status, 7, "{}{}", ran.out, ran.err);
    assert_eq!(fs::read(&log).unwrap(), before);
    let ran = cli.run(&["consume", "t", "--from", "-10", "--format", "raw"]);
    assert_eq!(
        (ran.status, ran.out.lines().count()),
        (0, 10),
        "{}",
        ran.err
    );
}

#[test]
fn a_log_that_lost_its_tail_is_found_even_at_a_border_of_batches() {
    let cli = filled();
    let log = log_files(&cli, "log").pop().unwrap();
    fs::write(&log, b"").unwrap();
    let findings = damage(&cli);
    let what = findings
        .iter()
        .map(|f| f["what"].as_str().unwrap())
        .collect::<String>();
    assert!(what.contains("was synced once"), "{findings:?}");
    let (lost, offsets) = (
        log_files(&cli, "log")[1].clone(),
        log_files(&cli, "index")[1].clone(),
    );
    fs::remove_file(&lost).unwrap();
    let named = damage(&cli);
    assert!(
        offsets.exists() && named.iter().any(|f| names(f, &lost)),
        "{named:?}"
    );
}

#[test]
fn a_torn_tail_is_no_damage_and_is_recovered() {
    let cli = filled();
    let log = log_files(&cli, "log").pop().unwrap();
    let whole = fs::read(&log).unwrap();
    fs::write(&log, [&whole[..], &[0; 100]].concat()).unwrap();
    assert!(
        !damage(&cli).is_empty(),
        "after a clean close nothing may be torn"
    );
    fs::remove_file(cli.dir.join(".kafka_cleanshutdown")).unwrap();
    let report = cli.json(&["check"]);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["severity"], "recovery");
    assert_eq!(findings[0]["position"], whole.len());
    let ran = cli.run(&["check", "--repair"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cut 100 bytes"), "{}", ran.err);
    assert_eq!(fs::read(&log).unwrap(), whole);
}

#[test]
fn small_files_and_the_metadata_are_checked_too() {
    let cli = filled();
    let small = [
        "meta.properties",
        "recovery-point-offset-checkpoint",
        "t-0/partition.metadata",
        "t-0/leader-epoch-checkpoint",
    ];
    for name in small {
        let path = cli.dir.join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, b"\xff nonsense").unwrap();
        assert!(damage(&cli).iter().any(|f| names(f, &path)), "{name}");
        fs::write(&path, whole).unwrap();
    }
    let metadata = fs::read_dir(cli.dir.join("__cluster_metadata-0")).unwrap();
    let metadata = metadata.map(|e| e.unwrap().path());
    let snapshot = metadata
        .filter(|p| p.extension().is_some_and(|e| e == "checkpoint"))
        .last();
    flip(&snapshot.clone().unwrap(), 70);
    assert!(
        damage(&cli)
            .iter()
            .any(|f| names(f, snapshot.as_ref().unwrap()))
    );
    fs::remove_dir_all(cli.dir.join("t-0")).unwrap();
    let gone = cli.dir.join("t-0");
    assert!(damage(&cli).iter().any(|f| names(f, &gone)));
}

#[test]
fn what_is_no_data_directory_is_refused() {
    let cli = Cli::new();
    assert_eq!(cli.fails(&["check"]).0, 3);
    fs::create_dir(&cli.dir).unwrap();
    assert_eq!(cli.fails(&["check"]).0, 2);
    assert_eq!(fs::read_dir(&cli.dir).unwrap().count(), 0);
}
