//! `--bootstrap` where things go wrong: addresses, brokers that go and come back, what is no broker.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use levada::broker::Server;
use levada::config::Overrides;
use levada::types::TopicPartition;

use super::support::Cli;
use crate::broker::wire::Broker;

const PATIENCE: Duration = Duration::from_secs(60);

fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_wrong_address_is_refused_with_what_to_do() {
    for (bootstrap, status, part) in [
        ("localhost".to_owned(), 2, "HOST:PORT"),
        (",".to_owned(), 2, "no broker"),
        (nowhere(), 6, "cannot be reached"),
    ] {
        let cli = Cli::on_cluster(bootstrap.clone());
        let (found, error) = cli.fails(&["topic", "list"]);
        assert_eq!(found, status, "{bootstrap}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part), "{bootstrap}: {message}");
    }
}

#[test]
fn commands_about_files_say_that_a_cluster_has_none() {
    let cli = Cli::on_cluster(nowhere());
    for args in [
        &["check"][..],
        &["dump", "x.log"],
        &["archive", "list"],
        &["scan", "t"],
        &["serve"],
        &["completions", "bash"],
    ] {
        let (status, error) = cli.fails(args);
        let message = error["message"].as_str().unwrap();
        assert_eq!(
            (status, &error["kind"]),
            (2, &"Invalid".into()),
            "{args:?}: {message}"
        );
        let start = format!("{} does not work on a cluster", args[0]);
        assert!(message.starts_with(&start), "{message}");
    }
}

#[test]
fn a_directory_and_a_cluster_exclude_each_other() {
    let broker = Broker::start();
    let cli = Cli::with_topic("here", 1);
    let both = ["topic", "list", "--bootstrap", "localhost:9092"];
    assert_eq!(cli.run(&both).status, 2);
    let bootstrap = broker.server.bootstrap();
    let run = |dir: bool, flag: bool| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_levada"));
        command
            .env("LEVADA_BOOTSTRAP", &bootstrap)
            .env_remove("LEVADA_DIR");
        if dir {
            command.env("LEVADA_DIR", &cli.dir);
        }
        if flag {
            command.arg("--dir").arg(&cli.dir);
        }
        let output = command.args(["topic", "list"]).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap(), out)
    };
    assert_eq!(run(false, false), (0, "no topics\n".to_owned()));
    assert_eq!(run(true, false).0, 2, "the environment names both");
    let (status, out) = run(true, true);
    assert!(status == 0 && out.contains("here"), "{out}");
}

#[test]
fn what_is_no_broker_ends_with_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        // A web server, and then frames whose lengths are lies.
        let answers: [&[u8]; 3] = [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x7f\xff\xff\xff1234",
            b"\x00\x00\x00\x02ab",
        ];
        for answer in answers.iter().cycle() {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(answer);
        }
    });
    let mut cli = Cli::on_cluster(address).command(&["--json", "topic", "list"]);
    let mut child = cli
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let limit = Instant::now() + 2 * PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > limit {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::yield_now();
    };
    assert_eq!(status.code(), Some(6));
}

#[test]
fn records_arrive_once_and_in_order_over_a_restart_of_the_broker() {
    let mut broker = Broker::start();
    let address = broker.server.bootstrap();
    let cli = Cli::on_cluster(address.clone());
    cli.ok(&["topic", "create", "t", "--partitions", "1"]);
    let mut child = cli
        .command(&["produce", "t"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = |from: u32, to: u32| (from..to).map(|n| format!("{n}\n")).collect::<String>();
    input.write_all(lines(0, 20_000).as_bytes()).unwrap();
    let place = TopicPartition::new("t", 0);
    let end = || {
        let handle = broker.database.engine().partition(&place.topic, 0).unwrap();
        handle.ends().unwrap().visible.get()
    };
    let limit = Instant::now() + PATIENCE;
    while end() == 0 {
        assert!(Instant::now() < limit, "nothing arrives");
        std::thread::yield_now();
    }
    broker.server.stop(Duration::from_secs(10));
    input.write_all(lines(20_000, 40_000).as_bytes()).unwrap();
    let mut settings = Overrides::new();
    settings.insert("listeners".to_owned(), address);
    broker.server = Server::start(&broker.database, &settings).expect("start it again");
    input.write_all(lines(40_000, 50_000).as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(
        cli.ok(&["consume", "t", "--format", "raw"]),
        lines(0, 50_000)
    );
}

#[test]
fn a_record_that_is_too_large_is_refused_and_the_others_are_stored() {
    let broker = Broker::start();
    let cli = Cli::on_cluster(broker.server.bootstrap());
    let create = ["topic", "create", "t", "--partitions", "1", "--config"];
    cli.ok(&[&create[..], &["max.message.bytes=1000"]].concat());
    let input = "small\n".repeat(500);
    cli.produce(&["t"], input.as_bytes());
    let large = "x".repeat(5000);
    let ran = cli.feed(&["produce", "t", "--json"], large.as_bytes());
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("max.message.bytes"), "{}", ran.err);
    assert_eq!(cli.ok(&["consume", "t", "--format", "raw"]), input);
}
