//! `group`, and `consume --group`.

use serde_json::{Value, json};

use super::support::Cli;

fn offsets(cli: &Cli, group: &str) -> Vec<(i64, i64, i64)> {
    let described = cli.json(&["group", "describe", group]);
    let of = |o: &Value, name: &str| o[name].as_i64().unwrap();
    let offsets = described["offsets"].as_array().unwrap();
    offsets
        .iter()
        .map(|o| (of(o, "partition"), of(o, "offset"), of(o, "lag")))
        .collect()
}

#[test]
fn a_group_goes_on_where_it_stopped() {
    let cli = Cli::with_topic("t", 1);
    cli.produce(&["t"], b"1\n2\n3\n4\n5\n");
    let read = |args: &[&str]| {
        cli.ok(&[&["consume", "t", "--group", "g", "--format", "raw"], args].concat())
    };
    assert_eq!(read(&["--max", "2"]), "1\n2\n");
    assert_eq!(offsets(&cli, "g"), [(0, 2, 3)]);
    assert_eq!(read(&[]), "3\n4\n5\n");
    assert_eq!(read(&[]), "");
    assert_eq!(offsets(&cli, "g"), [(0, 5, 0)]);
}

#[test]
fn what_was_not_written_out_is_not_committed() {
    let cli = Cli::with_topic("t", 1);
    let line = |n: i64| format!("{{\"value\":\"{n}\",\"timestamp\":{}}}\n", n * 1000);
    let input: String = (0..10).map(line).collect();
    cli.produce(&["t", "--format", "json"], input.as_bytes());
    let until = [
        "consume",
        "t",
        "--group",
        "g",
        "--format",
        "raw",
        "--until",
        "1970-01-01T00:00:03Z",
    ];
    assert_eq!(cli.ok(&until), "0\n1\n2\n");
    assert_eq!(offsets(&cli, "g"), [(0, 3, 7)]);
    assert_eq!(cli.ok(&until), "");
    assert_eq!(offsets(&cli, "g"), [(0, 3, 7)]);
}

#[test]
fn groups_are_listed_moved_and_deleted() {
    let cli = Cli::with_topic("t", 2);
    assert_eq!(cli.ok(&["group", "list"]), "no groups\n");
    let line = |n: i64| {
        format!(
            "{{\"value\":\"{n}\",\"timestamp\":{},\"partition\":{}}}\n",
            n * 1000,
            n % 2
        )
    };
    let input: String = (0..10).map(line).collect();
    cli.produce(&["t", "--format", "json"], input.as_bytes());
    cli.ok(&["consume", "t", "--group", "g"]);
    let listed = cli.json(&["group", "list"]);
    assert_eq!(
        listed,
        json!([{"group": "g", "kind": "consumer", "state": "Empty"}])
    );
    type Offsets = [(i64, i64, i64); 2];
    let cases: &[(&[&str], Offsets)] = &[
        (&["--to", "earliest"], [(0, 0, 5), (1, 0, 5)]),
        (
            &["--to", "latest", "--partition", "1"],
            [(0, 0, 5), (1, 5, 0)],
        ),
        (&["--to", "2"], [(0, 2, 3), (1, 2, 3)]),
        (&["--to", "-1", "--topic", "t"], [(0, 4, 1), (1, 4, 1)]),
        (&["--to", "0:1"], [(0, 1, 4), (1, 4, 1)]),
        (&["--to", "1970-01-01T00:00:04Z"], [(0, 2, 3), (1, 2, 3)]),
        (&["--to", "earliest", "--dry-run"], [(0, 2, 3), (1, 2, 3)]),
    ];
    for (args, expected) in cases {
        cli.ok(&[&["group", "reset", "g"], *args].concat());
        assert_eq!(offsets(&cli, "g"), expected, "{args:?}");
    }
    assert_eq!(cli.fails(&["group", "reset", "g", "--to", "99"]).0, 3);
    assert_eq!(cli.ok(&["group", "delete", "g"]), "deleted g\n");
    assert_eq!(cli.ok(&["group", "list"]), "no groups\n");
    assert_eq!(cli.fails(&["group", "describe", "g"]).0, 3);
}

#[test]
fn a_group_can_begin_anywhere_in_a_topic_it_has_not_read() {
    let cli = Cli::with_topic("t", 1);
    cli.produce(&["t"], b"1\n2\n3\n");
    cli.ok(&["group", "reset", "new", "--to", "1", "--topic", "t"]);
    let out = cli.ok(&["consume", "t", "--group", "new", "--format", "raw"]);
    assert_eq!(out, "2\n3\n");
}
