//! `dump` and `bench`.
#![allow(clippy::disallowed_methods)] // looks for files, damages them

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::support::Cli;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/log")
        .join(name)
}

fn dump(cli: &Cli, path: &Path, more: &[&str]) -> Vec<Value> {
    cli.json_lines(&[&["dump", path.to_str().unwrap()], more].concat())
}

fn in_words(cli: &Cli, path: &Path) -> String {
    cli.ok(&["dump", path.to_str().unwrap()])
}

#[test]
fn a_segment_shows_its_batches_and_records() {
    let cli = Cli::with_topic("t", 1);
    // Long enough that the codec makes it smaller.
    let tail = "-".repeat(100);
    let line = json!({
        "key": "k", "value": format!("two\nlines{tail}"),
        "timestamp": 951782400001_i64, "headers": {"h": "1"},
    });
    cli.produce(
        &["t", "--format", "json", "--compression", "lz4"],
        line.to_string().as_bytes(),
    );
    let log = cli.dir.join("t-0/00000000000000000000.log");
    let lines = dump(&cli, &log, &["--deep"]);
    assert_eq!(lines.len(), 2);
    let batch = &lines[0];
    assert_eq!(
        (&batch["position"], &batch["count"], &batch["compression"]),
        (&json!(0), &json!(1), &json!("lz4"))
    );
    assert_eq!(batch["crc_is_right"], true);
    assert_eq!(
        (&lines[1]["topic"], &lines[1]["value"]),
        (&json!("t"), &json!(format!("two\nlines{tail}")))
    );
    let words = cli.ok(&["dump", log.to_str().unwrap(), "--deep"]);
    assert!(
        words.starts_with("byte 0: offsets 0 to 0, 1 records, "),
        "{words}"
    );
    assert!(
        words.ends_with(&format!(
            "    0 2000-02-29T00:00:00.001Z k two\\nlines{tail} h=1\n"
        )),
        "{words}"
    );
}

#[test]
fn damage_is_shown_up_to_and_said() {
    let cli = Cli::with_topic("t", 1);
    cli.produce(&["t"], b"one\n");
    cli.produce(&["t"], b"two\n");
    let log = cli.dir.join("t-0/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let ran = cli.run(&["dump", log.to_str().unwrap()]);
    assert_eq!((ran.status, ran.out.lines().count()), (7, 2));
    assert!(ran.out.contains("IS WRONG"), "{}", ran.out);
    fs::write(&log, &bytes[..last - 5]).unwrap();
    let ran = cli.run(&["dump", log.to_str().unwrap()]);
    assert_eq!((ran.status, ran.out.lines().count()), (7, 1));
}

#[test]
fn every_file_of_a_directory_is_shown_in_words() {
    let cli = Cli::with_topic("t", 1);
    cli.produce(&["t"], b"one\ntwo\n");
    cli.ok(&["consume", "t", "--group", "g"]);
    let mut shown = 0;
    let mut waiting = vec![cli.dir.clone()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if !path.file_name().unwrap().to_str().unwrap().starts_with('.') {
                cli.ok(&["dump", path.to_str().unwrap(), "--deep"]);
                dump(&cli, &path, &["--deep"]);
                shown += 1;
            }
        }
    }
    assert!(shown > 20, "{shown}");
}

#[test]
fn files_of_kafkas_are_shown() {
    let cli = Cli::new();
    let kafka = golden("kafka-clean");
    let batches = dump(&cli, &kafka.join("00000000000000000000.log"), &[]);
    let count: i64 = batches.iter().map(|b| b["count"].as_i64().unwrap()).sum();
    assert!(count > 0);
    assert!(batches.iter().all(|b| b["crc_is_right"] == true));
    let index = in_words(&cli, &kafka.join("00000000000000000000.index"));
    assert!(index.starts_with("offset "), "{index}");
    let times = in_words(&cli, &kafka.join("00000000000000000000.timeindex"));
    assert!(times.contains("up to offset"), "{times}");
    let snapshots = dump(&cli, &kafka.join("00000000000000000077.snapshot"), &[]);
    assert!(snapshots.iter().all(|s| s["producer_id"].is_i64()));
    let epochs = in_words(&cli, &kafka.join("leader-epoch-checkpoint"));
    assert!(epochs.starts_with("epoch 0 from offset 0"), "{epochs}");
    let points = dump(&cli, &golden("recovery-point-offset-checkpoint"), &[]);
    assert!(
        points
            .iter()
            .all(|p| p["topic"].is_string() && p["offset"].is_i64())
    );
}

#[test]
fn what_it_cannot_know_is_refused() {
    let cli = Cli::new();
    assert_eq!(cli.fails(&["dump", "no such file.log"]).0, 3);
    let readme = golden("README.md");
    assert_eq!(cli.fails(&["dump", readme.to_str().unwrap()]).0, 2);
}

#[test]
fn a_bench_leaves_nothing_behind() {
    let cli = Cli::with_topic("t", 1);
    let figures = cli.json(&[
        "bench",
        "--records",
        "2000",
        "--size",
        "50",
        "--compression",
        "zstd",
    ]);
    let all = figures["figures"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .all(|f| f["records"] == 2000 && f["records_per_second"].as_f64().unwrap() > 0.0)
    );
    assert!(figures["latency_ms"]["samples"].as_u64().unwrap() > 0);
    assert_eq!(cli.json(&["topic", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(cli.fails(&["bench", "--records", "0"]).0, 2);
    assert_eq!(cli.fails(&["bench", "--durability", "nowhere"]).0, 2);
}
