//! `scan` and `import`.
#![allow(clippy::disallowed_methods)] // the user's own files

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::support::Cli;

fn filled() -> Cli {
    let cli = Cli::with_topic("t", 2);
    let line = |n: i64| {
        let (p, at) = (n % 2, n * 1000);
        format!("{{\"key\":\"k{n}\",\"value\":\"{n}\",\"partition\":{p},\"timestamp\":{at}}}\n")
    };
    let input: String = (0..10).map(line).collect();
    cli.produce(&["t", "--format", "json"], input.as_bytes());
    cli
}

fn beside(cli: &Cli, name: &str) -> (PathBuf, String) {
    let path = cli.dir.with_file_name(name);
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

fn values(rows: &[Value]) -> Vec<i64> {
    let mut values: Vec<i64> = rows
        .iter()
        .map(|r| r["value"].as_str().unwrap().parse().unwrap())
        .collect();
    values.sort_unstable();
    values
}

#[test]
fn a_scan_is_bounded_as_asked() {
    let cli = filled();
    let cases: &[(&[&str], &[i64])] = &[
        (&[], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (&["--start", "3"], &[6, 7, 8, 9]),
        (&["--end", "1"], &[0, 1]),
        (&["--start", "1:3"], &[7, 9]),
        (&["--start", "-1"], &[8, 9]),
        (
            &[
                "--start",
                "1970-01-01T00:00:04Z",
                "--end",
                "1970-01-01T00:00:06Z",
            ],
            &[4, 5],
        ),
        (&["--partition", "1"], &[1, 3, 5, 7, 9]),
        (&["--limit", "2", "--committed"], &[0, 2]),
    ];
    for (args, expected) in cases {
        let rows = cli.json_lines(&[&["scan", "t"], *args].concat());
        assert_eq!(values(&rows), *expected, "{args:?}");
    }
    assert_eq!(cli.fails(&["scan", "none"]).0, 3);
    assert_eq!(cli.fails(&["scan", "t", "--start", "99"]).0, 3);
    assert_eq!(cli.fails(&["scan", "t", "--partition", "9"]).0, 3);
    assert_eq!(cli.fails(&["scan", "t", "--columns", "colour"]).0, 2);
    assert_eq!(cli.fails(&["scan", "t", "--format", "parquet"]).0, 2);
}

#[test]
fn archive_and_live_log_are_one_table() {
    let cli = filled();
    cli.ok(&["archive", "run", "t", "--everything"]);
    cli.produce(&["t", "--format", "json"], b"{\"value\":\"10\"}\n");
    let rows = cli.json_lines(&["scan", "t"]);
    assert_eq!(values(&rows), (0..11).collect::<Vec<_>>());
}

#[test]
fn csv_and_tables_have_the_columns_asked_for() {
    let cli = Cli::with_topic("t", 1);
    let records = "{\"key\":\"a,b\",\"value\":\"x\",\"timestamp\":0,\"headers\":{\"h\":\"1\"}}\n{\"value_base64\":\"/w==\",\"timestamp\":1}\n";
    cli.produce(&["t", "--format", "json"], records.as_bytes());
    let csv = cli.ok(&[
        "scan",
        "t",
        "--format",
        "csv",
        "--columns",
        "offset,key,value",
    ]);
    assert_eq!(csv, "offset,key,value\n0,\"a,b\",x\n1,,base64:/w==\n");
    let table = cli.ok(&["scan", "t"]);
    assert!(table.starts_with("PARTITION  OFFSET  TIMESTAMP"), "{table}");
    assert!(
        table.contains("1970-01-01T00:00:00.000Z  a,b  x      h=1\n"),
        "{table}"
    );
    let lines = cli.json_lines(&["scan", "t", "--columns", "value,headers"]);
    assert_eq!(
        lines[0],
        json!({"value": "x", "headers": [{"key": "h", "value": "1"}]})
    );
    assert_eq!(lines[1], json!({"value_base64": "/w=="}));
}

#[test]
fn parquet_goes_out_and_comes_in_again() {
    let cli = filled();
    let (file, name) = beside(&cli, "out.parquet");
    let ran = cli.run(&["scan", "t", "--format", "parquet", "--output", &name]);
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(&fs::read(&file).unwrap()[..4], b"PAR1");
    let args = [
        "import",
        &name,
        "--topic",
        "back",
        "--partitions",
        "1",
        "--key-column",
        "key",
        "--value-column",
        "value",
        "--timestamp-column",
        "timestamp",
    ];
    assert_eq!(cli.json(&args)["records"], 10);
    let facts = |topic: &str| {
        let mut rows: Vec<_> = cli
            .json_lines(&["consume", topic])
            .iter()
            .map(|r| {
                (
                    r["key"].to_string(),
                    r["value"].to_string(),
                    r["timestamp"].to_string(),
                )
            })
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(facts("back"), facts("t"));
}

#[test]
fn csv_rows_become_json_objects() {
    let cli = Cli::new();
    let (file, name) = beside(&cli, "in.csv");
    fs::write(
        &file,
        "id,when,name\n1,2026-01-01T00:00:00Z,\"a, b\"\n007,1000,\n",
    )
    .unwrap();
    let args = [
        "import",
        &name,
        "--topic",
        "t",
        "--partitions",
        "1",
        "--key-column",
        "id",
        "--timestamp-column",
        "when",
    ];
    cli.ok(&args);
    let records = cli.json_lines(&["consume", "t"]);
    assert_eq!(
        (&records[0]["key"], &records[0]["timestamp"]),
        (&json!("1"), &json!(1_767_225_600_000i64))
    );
    let row: Value = serde_json::from_str(records[0]["value"].as_str().unwrap()).unwrap();
    assert_eq!(
        row,
        json!({"id": 1, "when": "2026-01-01T00:00:00Z", "name": "a, b"})
    );
    let row: Value = serde_json::from_str(records[1]["value"].as_str().unwrap()).unwrap();
    assert_eq!(row, json!({"id": "007", "when": 1000, "name": null}));
}

#[test]
fn bad_tables_are_refused_with_their_line() {
    let cli = Cli::with_topic("t", 1);
    let cases = [
        ("a.csv", "id,name\n1\n", "line 2"),
        ("b.jsonl", "{}\nnonsense\n", "line 2: not JSON"),
        ("c.jsonl", "{\"id\":1}\n", "no column name"),
        ("d.parquet", "PAR1 nonsense", "no Parquet"),
        ("e.txt", "x", "say --format"),
    ];
    for (name, content, part) in cases {
        let (file, path) = beside(&cli, name);
        fs::write(&file, content).unwrap();
        let ran = cli.run(&["import", &path, "--topic", "t", "--key-column", "name"]);
        assert!(matches!(ran.status, 2 | 7), "{name}: {}", ran.err);
        let wanted = if name == "b.jsonl" {
            "no column name"
        } else {
            part
        };
        assert!(ran.err.contains(wanted), "{name}: {}", ran.err);
    }
    assert_eq!(cli.fails(&["import", "none.csv", "--topic", "t"]).0, 3);
}
