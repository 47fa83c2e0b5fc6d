//! `produce` and `consume`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::support::Cli;

#[test]
fn lines_come_back_as_they_were() {
    let cli = Cli::with_topic("lines", 1);
    let input = b"one\n\nthree \xff\xfe\n\tfour";
    let said: Value = serde_json::from_str(&cli.produce(&["lines", "--json"], input)).unwrap();
    assert_eq!((&said["records"], &said["bytes"]), (&json!(4), &json!(16)));
    let ran = cli.run(&["consume", "lines", "--format", "raw"]);
    assert_eq!(ran.raw, [&input[..], b"\n"].concat());
    assert!(ran.err.starts_with("4 records, 16 B in "), "{}", ran.err);
}

#[test]
fn a_separator_splits_key_and_value_and_a_word_stands_for_null() {
    let cli = Cli::with_topic("t", 3);
    let args = ["t", "--key-separator", "::", "--null", "NULL"];
    cli.produce(&args, b"a::1::2\nb::NULL\n::\n");
    let mut got: Vec<_> = cli
        .json_lines(&["consume", "t"])
        .into_iter()
        .map(|r| (r["key"].clone(), r["value"].clone()))
        .collect();
    got.sort_by_key(|(key, _)| key.as_str().map(str::to_owned));
    let expected = [("", json!("")), ("a", json!("1::2")), ("b", Value::Null)];
    assert_eq!(got, expected.map(|(k, v)| (json!(k), v)));
    let raw = cli.ok(&[
        "consume",
        "t",
        "--format",
        "raw",
        "--key-separator",
        "=",
        "--max",
        "3",
    ]);
    assert!(raw.contains("a=1::2\n"), "{raw}");
    let ran = cli.feed(&["produce", "t", "--key-separator", "::"], b"a::b\nnone\n");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("standard input, line 2"), "{}", ran.err);
    // What came before the bad line is there.
    assert_eq!(cli.json_lines(&["consume", "t"]).len(), 4);
}

#[test]
fn json_records_come_back_whatever_bytes_they_hold() {
    let cli = Cli::with_topic("from", 2);
    cli.ok(&["topic", "create", "to", "--partitions", "2"]);
    let records = [
        json!({"key": "k", "value": "text \u{1F600} \u{0}", "timestamp": 1_700_000_000_000i64, "partition": 1,
            "headers": [{"key": "h", "value": "1"}, {"key": "h", "value": null}, {"key": "b", "value_base64": "/w=="}]}),
        json!({"key_base64": "//8A", "value_base64": "gIGC", "partition": 0, "timestamp": 1}),
        json!({"key": null, "value": null, "partition": 0, "timestamp": 2}),
        json!({"key": "", "value": "", "partition": 1, "timestamp": 3}),
    ];
    let input: String = records.iter().map(|r| format!("{r}\n")).collect();
    cli.produce(&["from", "--format", "json"], input.as_bytes());
    let got = cli.json_lines(&["consume", "from"]);
    for record in &records {
        let same = |r: &&Value| {
            let fields = record.as_object().unwrap();
            fields.iter().all(|(name, value)| &r[name] == value)
        };
        assert_eq!(got.iter().filter(same).count(), 1, "{record} in {got:?}");
    }
    // What was consumed can be produced again.
    let copy = cli.ok(&["consume", "from", "--format", "json"]);
    cli.produce(
        &["to", "--format", "json", "--compression", "zstd"],
        copy.as_bytes(),
    );
    assert_eq!(
        cli.ok(&["consume", "to", "--format", "json"])
            .replace("\"to\"", "\"from\""),
        copy
    );
}

#[test]
fn bad_records_are_refused_with_their_line() {
    let cli = Cli::with_topic("t", 1);
    cli.ok(&[
        "topic",
        "create",
        "compacted",
        "--config",
        "cleanup.policy=compact",
    ]);
    let huge = format!("{{\"value\":\"{}\"}}", "x".repeat(2 << 20));
    let cases: &[(&str, &str, &str)] = &[
        ("t", "{}\nnot json\n", "line 2: not JSON"),
        (
            "t",
            "{\"partition\":9}",
            "line 1: topic t has no partition 9",
        ),
        (
            "t",
            "{\"timestamp\":-5}",
            "line 1: timestamp -5 ms is before 1970",
        ),
        (
            "t",
            "{\"timestamp\":10413792000000}",
            "line 1: timestamp 10413792000000 ms is",
        ),
        ("t", &huge, "max.message.bytes"),
        ("compacted", "{\"value\":\"x\"}", "every record needs a key"),
    ];
    for (topic, input, part) in cases {
        let ran = cli.feed(&["produce", topic, "--format", "json"], input.as_bytes());
        assert!(matches!(ran.status, 2 | 3), "{part}: {}", ran.status);
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // the user's own file
fn a_file_is_read_and_every_codec_is_taken() {
    let cli = Cli::with_topic("t", 1);
    let file = cli.dir.with_file_name("input.txt");
    let lines: String = (0..500).map(|n| format!("line {n}\n")).collect();
    std::fs::write(&file, &lines).unwrap();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        cli.ok(&[
            "produce",
            "t",
            "--file",
            file.to_str().unwrap(),
            "--compression",
            codec,
        ]);
    }
    assert_eq!(
        cli.ok(&["consume", "t", "--format", "raw"]),
        lines.repeat(5)
    );
    let (status, _) = cli.fails(&["produce", "t", "--compression", "brotli"]);
    assert_eq!(status, 2);
}

#[test]
fn a_rate_is_kept() {
    let cli = Cli::with_topic("t", 1);
    let said = cli.produce(&["t", "--rate", "100", "--json"], &b"x\n".repeat(21));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["records"], 21);
    assert!(said["seconds"].as_f64().unwrap() >= 0.2, "{said}");
    assert_eq!(cli.fails(&["produce", "t", "--rate", "0"]).0, 2);
}

#[test]
fn every_place_to_begin_and_to_end() {
    let cli = Cli::with_topic("t", 2);
    let line = |p: i32, n: i64| {
        format!(
            "{{\"value\":\"{n}\",\"partition\":{p},\"timestamp\":{}}}\n",
            n * 1000
        )
    };
    let input: String = (0..10).map(|n| line((n % 2) as i32, n)).collect();
    cli.produce(&["t", "--format", "json"], input.as_bytes());
    let cases: &[(&[&str], &[i64])] = &[
        (&[], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (&["--from", "latest"], &[]),
        (&["--from", "3"], &[6, 7, 8, 9]),
        (&["--from", "-1"], &[8, 9]),
        (&["--from", "1:4"], &[9]),
        (&["--from", "0:3,1:5"], &[6, 8]),
        (&["--from", "1970-01-01T00:00:07Z"], &[7, 8, 9]),
        (&["--until", "1970-01-01T00:00:03Z"], &[0, 1, 2]),
        (
            &[
                "--from",
                "1970-01-01T00:00:03Z",
                "--until",
                "1970-01-01T00:00:05.5Z",
            ],
            &[3, 4, 5],
        ),
        (&["--partition", "1", "--until-end"], &[1, 3, 5, 7, 9]),
        (&["--partition", "0", "--max", "2"], &[0, 2]),
        (
            &["--isolation", "read_committed", "--partition", "0"],
            &[0, 2, 4, 6, 8],
        ),
    ];
    for (args, expected) in cases {
        let records = cli.json_lines(&[&["consume", "t"], *args].concat());
        let mut values: Vec<i64> = records
            .iter()
            .map(|r| r["value"].as_str().unwrap().parse().unwrap())
            .collect();
        values.sort_unstable();
        assert_eq!(values, *expected, "{args:?}");
    }
}

#[test]
fn text_is_one_line_a_record() {
    let cli = Cli::with_topic("t", 1);
    let line = r#"{"key":"k","value":"two\nlines","timestamp":951782400001}"#;
    cli.produce(&["t", "--format", "json"], line.as_bytes());
    let out = cli.ok(&["consume", "t"]);
    assert_eq!(out, "t-0 @0 2000-02-29T00:00:00.001Z k two\\nlines\n");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let cli = Cli::with_topic("t", 1);
    cli.produce(&["t"], &b"some line that fills the pipe\n".repeat(50_000));
    let mut child = cli
        .command(&["consume", "t"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert!(first.starts_with("t-0 @0 "), "{first}");
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn following_ends_with_the_number_asked_for() {
    let cli = Cli::with_topic("t", 1);
    cli.produce(&["t"], b"a\nb\nc\n");
    let out = cli.ok(&["consume", "t", "--follow", "--max", "2", "--format", "raw"]);
    assert_eq!(out, "a\nb\n");
}
