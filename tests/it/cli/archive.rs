//! `archive`, and what `check` says of archive files.
#![allow(clippy::disallowed_methods)] // damages files on purpose

use std::fs;

use serde_json::json;

use super::support::Cli;

fn filled() -> Cli {
    let cli = Cli::new();
    let segment = "internal.segment.bytes=20000";
    cli.ok(&[
        "topic",
        "create",
        "t",
        "--partitions",
        "2",
        "--config",
        segment,
    ]);
    let lines: String = (0..8000).map(|n| format!("key {n}:value {n}\n")).collect();
    cli.produce(&["t", "--key-separator", ":"], lines.as_bytes());
    cli
}

/// In one order, whatever partition had its turn first.
fn read(cli: &Cli) -> Vec<String> {
    let out = cli.ok(&["consume", "t", "--format", "json"]);
    let mut lines: Vec<_> = out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn segments_move_and_everything_is_read_as_before() {
    let cli = filled();
    let before = read(&cli);
    assert_eq!(cli.ok(&["archive", "list"]), "no archive files\n");
    let moved = cli.json(&["archive", "run", "t"]);
    assert_eq!(moved.as_array().unwrap().len(), 2);
    assert!(moved[0]["local_bytes"].as_u64().unwrap() > 0, "{moved}");
    assert!(read(&cli) == before);
    cli.ok(&["archive", "run", "--everything"]);
    assert!(read(&cli) == before);
    let listed = cli.json(&["archive", "list", "t"]);
    let records: u64 = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["records"].as_u64().unwrap())
        .sum();
    assert_eq!(records, 8000);
    let described = cli.json(&["topic", "describe", "t"]);
    for partition in described["partitions"].as_array().unwrap() {
        assert_eq!(partition["log_start"], 0);
        assert_eq!(partition["local_start"], partition["end"]);
    }
    let verified = cli.json(&["archive", "verify"]);
    assert_eq!(verified["findings"], json!([]));
    let report = cli.json(&["check", "--deep"]);
    assert_eq!(report["archive_files"], listed.as_array().unwrap().len());
}

#[test]
fn a_damaged_archive_file_is_named() {
    let cli = filled();
    cli.ok(&["archive", "run", "t"]);
    let listed = cli.json(&["archive", "list", "t"]);
    let path = listed[0]["path"].as_str().unwrap().to_owned();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    for args in [&["archive", "verify"][..], &["check"]] {
        let ran = cli.run(&[args, &["--json"]].concat());
        assert_eq!(ran.status, 7, "{args:?}: {}", ran.err);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{report}");
        assert_eq!(report["findings"][0]["path"], *path);
    }
}

#[test]
fn what_cannot_be_archived_is_refused() {
    let cli = Cli::with_topic("t", 1);
    cli.ok(&["topic", "create", "c", "--config", "cleanup.policy=compact"]);
    assert_eq!(cli.fails(&["archive", "run", "c"]).0, 2);
    assert_eq!(cli.fails(&["archive", "run", "none"]).0, 3);
    assert_eq!(cli.fails(&["archive", "list", "none"]).0, 3);
    assert_eq!(cli.json(&["archive", "run"]).as_array().unwrap().len(), 1);
}
