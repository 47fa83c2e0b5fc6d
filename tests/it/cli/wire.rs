//! `--bootstrap`: every command that works on a cluster gives there what it gives on a directory. The
//! same against Apache Kafka, where `LEVADA_KAFKA_LIBS` names a directory with its jars.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use levada::embedded::{Database, Message, OpenOptions, ProducerOptions};
use serde_json::{Value, json};

use super::support::Cli;
use crate::broker::wire::Broker;

/// What differs between any two runs, or is not told over the wire.
const OWN: &[&str] = &[
    "id",
    "created_at",
    "committed",
    "epoch",
    "local_bytes",
    "seconds",
    "records_per_second",
];

fn without_own(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !OWN.contains(&name.as_str()));
            // The time of a topic's making; whether `create` made one is a truth value.
            if let Some(created) = map.get_mut("created")
                && !created.is_boolean()
            {
                *created = Value::Null;
            }
            map.values_mut().for_each(without_own);
        }
        Value::Array(all) => {
            // What a broker has set for all topics is its own.
            all.retain(|value| value["source"] != "broker");
            all.iter_mut().for_each(without_own);
        }
        _ => {}
    }
}

/// Many commands and what they answer.
struct Transcript<'a> {
    cli: &'a Cli,
    said: Vec<(String, Value)>,
}

impl Transcript<'_> {
    fn note(&mut self, args: &[&str], mut value: Value) {
        without_own(&mut value);
        self.said.push((args.join(" "), value));
    }

    fn json(&mut self, args: &[&str]) {
        let value = self.cli.json(args);
        self.note(args, value);
    }

    fn lines(&mut self, args: &[&str]) {
        let mut lines = self.cli.json_lines(args);
        // The order across partitions is nobody's promise.
        lines.sort_by_key(|l| (l["partition"].as_i64(), l["offset"].as_i64()));
        self.note(args, Value::Array(lines));
    }

    fn produce(&mut self, args: &[&str], input: &[u8]) {
        let all = [args, &["--json"]].concat();
        let value = serde_json::from_str(&self.cli.produce(&all, input)).expect("a summary");
        self.note(args, value);
    }

    fn fails(&mut self, args: &[&str]) {
        let (status, error) = self.cli.fails(args);
        self.note(args, json!([status, error["kind"]]));
    }
}

fn records(count: i64) -> Vec<u8> {
    let line = |n: i64| {
        let record = json!({
            "key": format!("k{}", n % 7), "value": format!("value {n}"), "timestamp": n * 1000,
            "headers": {"n": n.to_string()},
        });
        format!("{record}\n")
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

fn transcript(cli: &Cli) -> Vec<(String, Value)> {
    let mut t = Transcript {
        cli,
        said: Vec::new(),
    };
    topics(&mut t);
    produced_and_consumed(&mut t);
    groups(&mut t);
    t.json(&["topic", "delete", "orders"]);
    t.json(&["topic", "delete", "orders", "--if-exists"]);
    t.fails(&["topic", "describe", "orders"]);
    t.json(&["topic", "list"]);
    t.said
}

fn topics(t: &mut Transcript<'_>) {
    let create = ["topic", "create", "orders", "--partitions", "2"];
    t.json(&[&create[..], &["--config", "retention.ms=-1"]].concat());
    t.fails(&create);
    t.json(&[&create[..], &["--if-not-exists"]].concat());
    t.fails(&["topic", "create", "no/slash"]);
    t.fails(&["topic", "create", "a", "--config", "retention.mss=1"]);
    t.fails(&["topic", "create", "a", "--partitions", "0"]);
    t.json(&["topic", "list"]);
    t.json(&["topic", "describe", "orders"]);
    t.json(&["topic", "alter", "orders", "--partitions", "3"]);
    let settings = ["--config", "max.message.bytes=5000", "--config"];
    let alter = [&["topic", "alter", "orders"], &settings[..]].concat();
    t.json(&[&alter[..], &["retention.bytes=-1"]].concat());
    t.json(&[
        "topic",
        "alter",
        "orders",
        "--delete-config",
        "retention.bytes",
    ]);
    t.json(&["topic", "describe", "orders"]);
    t.fails(&["topic", "alter", "orders", "--partitions", "1"]);
    t.fails(&["topic", "alter", "nothing", "--partitions", "9"]);
    t.fails(&["topic", "describe", "nothing"]);
    t.fails(&["topic", "delete", "nothing"]);
}

fn produced_and_consumed(t: &mut Transcript<'_>) {
    // More than a batch of this topic may have: it is sent in parts.
    t.produce(&["orders", "--format", "json"], &records(300));
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        let args = ["orders", "--format", "json", "--compression", codec];
        t.produce(&args, &records(60));
    }
    t.produce(&["orders", "--partition", "1"], b"");
    let null = [
        "orders",
        "--partition",
        "2",
        "--key-separator",
        ":",
        "--null",
        "-",
    ];
    let stamped = br#"{"value_base64":"/w==","key":null,"partition":2,"timestamp":7}"#;
    t.produce(&["orders", "--format", "json"], stamped);
    let _ = t.cli.produce(&null, b"gone:-\n");
    t.json(&["topic", "describe", "orders"]);
    t.lines(&["consume", "orders", "--until", "1970-01-01T01:00:00Z"]);
    t.lines(&[
        "consume",
        "orders",
        "--from",
        "earliest",
        "--partition",
        "0",
    ]);
    t.lines(&["consume", "orders", "--from", "-3", "--partition", "0"]);
    t.lines(&[
        "consume",
        "orders",
        "--from",
        "0:5,1:7",
        "--until",
        "1970-01-01T00:00:50Z",
    ]);
    let at = [
        "consume",
        "orders",
        "--from",
        "1970-01-01T00:02:00Z",
        "--partition",
        "1",
    ];
    t.lines(&at);
    t.lines(&[
        "consume",
        "orders",
        "--from",
        "4",
        "--max",
        "5",
        "--partition",
        "1",
    ]);
    t.lines(&["consume", "orders", "--from", "latest"]);
    let nulls = t
        .cli
        .json_lines(&["consume", "orders", "--from", "-1", "--partition", "2"]);
    assert_eq!(
        (&nulls[0]["key"], &nulls[0]["value"]),
        (&json!("gone"), &Value::Null)
    );
    t.fails(&["consume", "orders", "--from", "9999"]);
    t.fails(&["consume", "nothing"]);
    t.fails(&["consume", "orders", "--partition", "9"]);
}

fn groups(t: &mut Transcript<'_>) {
    t.json(&["group", "list"]);
    let read = ["consume", "orders", "--group", "g", "--max", "100"];
    assert_eq!(t.cli.json_lines(&read).len(), 100);
    t.json(&["group", "list"]);
    let rest = ["consume", "orders", "--group", "g"];
    assert_eq!(t.cli.json_lines(&rest).len(), 442);
    assert_eq!(t.cli.json_lines(&rest).len(), 0);
    t.json(&["group", "describe", "g"]);
    t.json(&["group", "reset", "g", "--to", "earliest", "--dry-run"]);
    t.json(&["group", "reset", "g", "--to", "-5", "--partition", "0"]);
    t.json(&[
        "group",
        "reset",
        "g",
        "--to",
        "1970-01-01T00:01:00Z",
        "--topic",
        "orders",
    ]);
    t.json(&["group", "describe", "g"]);
    t.fails(&["group", "reset", "g", "--to", "9999"]);
    t.fails(&["group", "reset", "fresh", "--to", "earliest"]);
    t.fails(&["group", "describe", "nobody"]);
    t.fails(&["group", "delete", "nobody"]);
    t.json(&["group", "delete", "g"]);
    t.json(&["group", "list"]);
}

fn compare(of: &str, cluster: &Cli) {
    let expected = transcript(&Cli::new());
    let found = transcript(cluster);
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected, "{of}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn commands_answer_on_a_cluster_as_on_a_directory() {
    let broker = Broker::start();
    compare("levada", &Cli::on_cluster(broker.server.bootstrap()));
}

#[test]
fn files_are_imported_and_benches_run_over_the_wire() {
    let broker = Broker::start();
    let cli = Cli::on_cluster(broker.server.bootstrap());
    let file = cli.dir.with_extension("csv");
    std::fs::write(&file, "name,age\nann,3\nbob,4\n").unwrap();
    let path = file.display().to_string();
    let done = cli.json(&["import", &path, "--topic", "people", "--partitions", "1"]);
    assert_eq!(done["records"], 2);
    let read = cli.json_lines(&["consume", "people"]);
    let row: Value = serde_json::from_str(read[1]["value"].as_str().unwrap()).unwrap();
    assert_eq!(row, json!({"name": "bob", "age": 4}));
    let bench = cli.json(&["bench", "--records", "5000", "--partitions", "2"]);
    for figure in bench["figures"].as_array().unwrap() {
        assert_eq!(figure["records"], 5000);
    }
    assert_eq!(cli.json(&["topic", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn records_of_aborted_transactions_are_left_out_over_the_wire() {
    let broker = Broker::start();
    let cli = Cli::on_cluster(broker.server.bootstrap());
    cli.ok(&["topic", "create", "t", "--partitions", "1"]);
    let options = ProducerOptions {
        transactional_id: Some("tx".to_owned()),
        ..ProducerOptions::default()
    };
    let producer = broker.database.producer(options).unwrap();
    let wait = Duration::from_secs(30);
    for (value, commit) in [("a", true), ("b", false), ("c", true), ("d", false)] {
        producer.begin().unwrap();
        let message = Message {
            value: Some(value.as_bytes()),
            ..Message::default()
        };
        producer.send("t", message).unwrap();
        producer.flush(wait).unwrap();
        match commit {
            true => producer.commit(wait).unwrap(),
            false => producer.abort(wait).unwrap(),
        }
    }
    producer.until_visible(wait);
    let raw = ["consume", "t", "--format", "raw"];
    assert_eq!(cli.ok(&raw), "a\nb\nc\nd\n");
    let committed = [&raw[..], &["--isolation", "read_committed"]].concat();
    assert_eq!(cli.ok(&committed), "a\nc\n");
    assert_eq!(cli.ok(&[&committed[..], &["--from", "3"]].concat()), "c\n");
}

/// Several members, each a process, read each record once; one that is to end at the end ends, although
/// another holds partitions.
#[test]
fn members_of_a_group_share_the_partitions() {
    let mut options = OpenOptions::default();
    let interval = "group.consumer.heartbeat.interval.ms".to_owned();
    options.settings.insert(interval, "1000".to_owned());
    let database = Database::open_with(":memory:", options).unwrap();
    let broker = Broker::on(database, &[]);
    let cli = Cli::on_cluster(broker.server.bootstrap());
    cli.ok(&["topic", "create", "t", "--partitions", "2"]);
    let read = ["consume", "t", "--group", "g", "--format", "raw"];
    let follow = [&read[..], &["--follow"]].concat();
    let file = cli.dir.with_extension("out");
    let mut first = cli
        .command(&follow)
        .stdout(std::fs::File::create(&file).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(Instant::now() < limit, "{what}");
            std::thread::yield_now();
        }
    };
    let holds = |count: usize| {
        let ran = cli.run(&["group", "describe", "g", "--json"]);
        let described: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        let members = described["members"].as_array().cloned().unwrap_or_default();
        let of = |m: &Value| m["assigned"]["t"].as_array().map_or(0, Vec::len);
        members.iter().map(of).collect::<Vec<_>>() == vec![2 / count; count]
    };
    until("the first member holds both partitions", &|| holds(1));
    let mut second = cli.command(&follow);
    let second = second.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut second = second.unwrap();
    until("two members hold one each", &|| holds(2));
    let lines = |from: u32| {
        (from..from + 50)
            .map(|n| format!("{n}\n"))
            .collect::<String>()
    };
    cli.produce(&["t", "--partition", "0"], lines(0).as_bytes());
    cli.produce(&["t", "--partition", "1"], lines(50).as_bytes());
    let lag = || {
        let described = cli.json(&["group", "describe", "g"]);
        let offsets = described["offsets"].as_array().unwrap().clone();
        offsets.len() == 2 && offsets.iter().all(|o| o["lag"] == 0)
    };
    until("both commit all", &lag);
    // It gets one partition, or none, and has nothing to read; the other members hold the rest.
    assert_eq!(cli.ok(&read), "");
    second.kill().unwrap();
    let second = second.wait_with_output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    let mut all = std::fs::read_to_string(&file).unwrap();
    all.push_str(&String::from_utf8_lossy(&second.stdout));
    let mut numbers: Vec<u32> = all.lines().map(|l| l.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

/// Apache Kafka, one node; killed when dropped.
struct Kafka {
    child: Child,
    bootstrap: String,
    _root: tempfile::TempDir,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn java(libs: &str, root: &Path) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xmx384m", "-cp", &format!("{libs}/*")]);
    let log = std::fs::File::create(root.join("log")).unwrap();
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

impl Kafka {
    fn start(libs: &str) -> Kafka {
        let root = tempfile::tempdir().unwrap();
        let (port, control) = (free_port(), free_port());
        let logs = root.path().join("logs");
        let settings = format!(
            "process.roles=broker,controller\nnode.id=1\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{control}\ncontroller.listener.names=CTL\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CTL://127.0.0.1:{control}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CTL:PLAINTEXT\n\
             log.dirs={}\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=1\n\
             group.initial.rebalance.delay.ms=0\n",
            logs.display()
        );
        let file = root.path().join("server.properties");
        std::fs::write(&file, settings).unwrap();
        let format = ["kafka.tools.StorageTool", "format", "--standalone", "-t"];
        let formatted = java(libs, root.path())
            .args(format)
            .args(["bGV2YWRhLXJlZmVyZW5jZQ", "-c"])
            .arg(&file)
            .status();
        assert!(formatted.expect("java runs").success(), "format failed");
        let mut kafka = java(libs, root.path());
        let child = kafka.arg("kafka.Kafka").arg(&file).spawn().unwrap();
        let mut kafka = Kafka {
            child,
            bootstrap: format!("127.0.0.1:{port}"),
            _root: root,
        };
        let limit = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(&kafka.bootstrap).is_err() {
            assert!(kafka.child.try_wait().unwrap().is_none(), "Kafka ended");
            assert!(Instant::now() < limit, "Kafka does not come up");
            std::thread::yield_now();
        }
        kafka
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn commands_answer_on_apache_kafka_as_on_a_directory() {
    let libs = std::env::var("LEVADA_KAFKA_LIBS").unwrap_or_default();
    let broker_is_there = std::fs::read_dir(&libs).is_ok_and(|mut files| {
        files.any(|f| f.is_ok_and(|f| f.file_name().to_string_lossy().starts_with("kafka_2.13-")))
    });
    if !broker_is_there {
        eprintln!(
            "LEVADA_KAFKA_LIBS has no jars of a broker: the command line is not run on Kafka"
        );
        return;
    }
    let kafka = Kafka::start(&libs);
    compare("kafka", &Cli::on_cluster(kafka.bootstrap.clone()));
}
