//! `topic`, the global arguments, errors and exit status.

use std::process::Command;

use levada::embedded::Database;
use serde_json::json;

use super::support::Cli;

#[test]
fn a_topic_is_made_shown_changed_and_deleted() {
    let cli = Cli::new();
    let made = cli.json(&[
        "topic",
        "create",
        "orders",
        "--partitions",
        "3",
        "--config",
        "retention.ms=5000",
    ]);
    assert_eq!(
        (&made["created"], &made["partitions"]),
        (&json!(true), &json!(3))
    );
    let listed = cli.json(&["topic", "list"]);
    assert_eq!(listed[0]["name"], "orders");
    assert_eq!(listed[0]["config"]["retention.ms"], "5000");
    let args = [
        "topic",
        "alter",
        "orders",
        "--partitions",
        "5",
        "--config",
        "cleanup.policy=compact",
        "--delete-config",
        "retention.ms",
    ];
    let altered = cli.json(&args);
    assert_eq!(altered["partitions"], 5);
    assert_eq!(altered["config"], json!({"cleanup.policy": "compact"}));
    let described = cli.json(&["topic", "describe", "orders"]);
    assert_eq!(described["partitions"].as_array().unwrap().len(), 5);
    assert_eq!(
        described["config"],
        json!([{"name": "cleanup.policy", "value": "compact", "source": "own"}])
    );
    let all = cli.json(&["topic", "describe", "orders", "--all"]);
    assert!(all["config"].as_array().unwrap().len() > 20);
    assert_eq!(cli.json(&["topic", "delete", "orders"])["deleted"], true);
    assert_eq!(cli.ok(&["topic", "list"]), "no topics\n");
    assert_eq!(
        cli.json(&["topic", "delete", "orders", "--if-exists"])["deleted"],
        false
    );
}

#[test]
fn text_answers_are_columns_for_people() {
    let cli = Cli::with_topic("orders", 2);
    assert_eq!(
        cli.ok(&["topic", "list"]),
        "TOPIC   PARTITIONS  SETTINGS\norders  2\n"
    );
    let described = cli.ok(&["topic", "describe", "orders"]);
    assert!(described.contains("PARTITION  LOG START"), "{described}");
    assert_eq!(
        cli.ok(&["topic", "create", "orders", "--if-not-exists"]),
        "orders is there already, with 2 partitions\n"
    );
}

#[test]
fn internal_topics_are_shown_on_request() {
    let cli = Cli::with_topic("orders", 1);
    cli.ok(&[
        "group", "reset", "g", "--to", "earliest", "--topic", "orders",
    ]);
    let names = |args: &[&str]| -> Vec<String> {
        let listed = cli.json(args);
        let names = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(names(&["topic", "list"]), ["orders"]);
    assert_eq!(
        names(&["topic", "list", "--internal"]),
        ["__consumer_offsets", "orders"]
    );
}

#[test]
fn each_kind_of_error_has_its_exit_status() {
    let cli = Cli::with_topic("orders", 1);
    let cases: &[(&[&str], i32, &str)] = &[
        (&["topic", "create", "no/slash"], 2, "Invalid"),
        (
            &["topic", "create", "a", "--config", "retention.mss=1"],
            2,
            "Invalid",
        ),
        (
            &["topic", "create", "a", "--config", "retention.ms=soon"],
            2,
            "Invalid",
        ),
        (
            &["topic", "create", "a", "--config", "nonsense"],
            2,
            "Invalid",
        ),
        (&["topic", "create", "a", "--partitions", "0"], 2, "Invalid"),
        (&["topic", "alter", "orders"], 2, "Invalid"),
        (
            &["topic", "alter", "orders", "--partitions", "1"],
            2,
            "Invalid",
        ),
        (&["topic"], 2, "Invalid"),
        (&["nonsense"], 2, "Invalid"),
        (&["topic", "create", "orders"], 3, "Exists"),
        (&["topic", "describe", "none"], 3, "NotFound"),
        (&["topic", "delete", "none"], 3, "NotFound"),
        (&["produce", "none"], 3, "NotFound"),
        (
            &["produce", "orders", "--file", "no such file"],
            3,
            "NotFound",
        ),
        (&["consume", "none"], 3, "NotFound"),
        (&["consume", "orders", "--partition", "7"], 3, "NotFound"),
        (&["consume", "orders", "--from", "1"], 3, "OutOfRange"),
        (&["consume", "orders", "--from", "yesterday"], 2, "Invalid"),
        (
            &["consume", "orders", "--group", "g", "--from", "0"],
            2,
            "Invalid",
        ),
        (&["group", "describe", "none"], 3, "NotFound"),
        (&["group", "delete", "none"], 3, "NotFound"),
        (&["group", "reset", "none", "--to", "latest"], 3, "NotFound"),
    ];
    for (args, status, kind) in cases {
        let (found, error) = cli.fails(args);
        assert_eq!(
            (found, &error["kind"]),
            (*status, &json!(kind)),
            "{args:?}: {error}"
        );
        assert!(error["code"].is_i64() && error["message"].is_string());
    }
    assert_eq!(cli.json(&["topic", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn errors_are_one_line_on_standard_error() {
    let cli = Cli::with_topic("orders", 1);
    let ran = cli.run(&["topic", "describe", "none"]);
    assert_eq!((ran.status, ran.out.as_str()), (3, ""));
    assert_eq!(
        ran.err,
        "error: topic none does not exist: create it first\n"
    );
}

#[test]
fn a_directory_in_use_is_a_conflict_and_names_the_process() {
    let cli = Cli::with_topic("orders", 1);
    let db = Database::open(&cli.dir).unwrap();
    let (status, error) = cli.fails(&["topic", "list"]);
    assert_eq!(status, 4, "{error}");
    let pid = std::process::id().to_string();
    assert!(error["message"].as_str().unwrap().contains(&pid), "{error}");
    db.close().unwrap();
    cli.ok(&["topic", "list"]);
}

#[test]
fn only_creating_a_topic_makes_a_directory() {
    let cli = Cli::new();
    for args in [
        &["topic", "list"][..],
        &["consume", "a"],
        &["produce", "a"],
        &["group", "list"],
    ] {
        let (status, error) = cli.fails(args);
        assert_eq!(
            (status, &error["kind"]),
            (3, &json!("NotFound")),
            "{args:?}"
        );
    }
    assert_eq!(cli.fails(&["topic", "create", "no/slash"]).0, 2);
    assert!(!cli.dir.exists());
}

#[test]
#[allow(clippy::disallowed_methods)] // a stranger's directory
fn a_directory_that_is_not_ours_is_left_alone() {
    let cli = Cli::new();
    std::fs::create_dir(&cli.dir).unwrap();
    std::fs::write(cli.dir.join("holiday.jpg"), "x").unwrap();
    let (status, error) = cli.fails(&["topic", "create", "a"]);
    assert_eq!((status, &error["kind"]), (2, &json!("Invalid")));
    assert_eq!(std::fs::read_dir(&cli.dir).unwrap().count(), 1);
}

#[test]
fn the_directory_may_come_from_the_environment_or_stand_behind_the_command() {
    let cli = Cli::with_topic("orders", 1);
    let levada = || Command::new(env!("CARGO_BIN_EXE_levada"));
    let from_variable = levada()
        .env("LEVADA_DIR", &cli.dir)
        .args(["topic", "list"])
        .output();
    assert!(from_variable.unwrap().status.success());
    let behind = levada()
        .env("LEVADA_DIR", "/nonexistent")
        .args(["topic", "list", "--dir"])
        .arg(&cli.dir)
        .output();
    assert!(behind.unwrap().status.success());
    let nowhere = levada()
        .env_remove("LEVADA_DIR")
        .args(["topic", "list"])
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("LEVADA_DIR"));
}

#[test]
fn help_has_examples_for_every_command_and_shells_are_completed() {
    let cli = Cli::new();
    let help = cli.ok(&["--help"]);
    let listed = help.lines().skip_while(|l| *l != "Commands:").skip(1);
    let names: Vec<_> = listed
        .take_while(|l| !l.is_empty())
        .filter(|l| !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 5, "{help}");
    for name in names {
        let help = cli.ok(&[name, "--help"]);
        assert!(help.contains("Examples:\n  "), "{name}: {help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.ok(&["completions", shell]);
        assert!(script.contains("consume"), "{shell}");
    }
    assert!(cli.ok(&["--version"]).starts_with("levada "));
}
