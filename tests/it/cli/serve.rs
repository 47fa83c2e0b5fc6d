//! `levada serve` as a service: its settings, its logs, its signals.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::support::Cli;
use crate::broker::wire::Wire;
use crate::http::get;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs; killed when dropped.
pub struct Served {
    child: Child,
    /// What it said when it was ready.
    pub ready: Value,
}

/// The command with nothing of the caller's environment that could set something.
pub fn serve(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_levada"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LEVADA_") {
            command.env_remove(name);
        }
    }
    command.args(["serve", "--json"]).args(args);
    command.stdin(Stdio::null());
    command
}

impl Served {
    pub fn start(command: &mut Command) -> Served {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("start levada");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        out.read_line(&mut line).expect("a line");
        match serde_json::from_str(&line) {
            Ok(ready) => Served { child, ready },
            Err(_) => {
                let ended = child.wait_with_output().expect("its end");
                panic!(
                    "not ready: {line:?} {}",
                    String::from_utf8_lossy(&ended.stderr)
                );
            }
        }
    }

    fn connect(&self) -> Wire {
        Wire::to(self.ready["bootstrap"].as_str().expect("an address"))
    }

    /// How many partitions a topic gets that a client asks for.
    fn partitions(&self) -> usize {
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some("made".into()),
                ..MetadataRequestTopic::default()
            }]),
            allow_auto_topic_creation: true,
            ..MetadataRequest::default()
        };
        let answer = self.connect().call(12, &request);
        answer.read::<MetadataResponse<'_>>().topics[0]
            .partitions
            .len()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it is there");
    }

    /// Status and standard error, once it has ended.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let limit = Instant::now() + PATIENCE;
        let mut stderr = self.child.stderr.take().expect("its errors");
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let status = loop {
            match self.child.try_wait().expect("its status") {
                Some(status) => break status,
                None if Instant::now() > limit => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        (status.code(), reader.join().expect("its errors"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Status and message of a command that must not start.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    let ended = command.output().expect("run levada");
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    let error: Value = serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{e}: {text}"));
    let message = error["error"]["message"].as_str().unwrap_or_default();
    (ended.status.code(), message.to_owned())
}

#[test]
fn flags_count_before_the_environment_and_that_before_the_file() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    let file = write(
        &root,
        "levada.toml",
        &format!("dir = {dir:?}\n[broker]\nlisteners = [\"127.0.0.1:0\"]\nnum.partitions = 2\n"),
    );
    let from_file = Served::start(&mut serve(&["--config", &file]));
    assert_eq!(from_file.partitions(), 2);
    assert_eq!(from_file.ready["admin"], Value::Null);
    assert!(Path::new(&dir).exists());
    drop(from_file);

    let mut command = serve(&["--dir", ":memory:"]);
    command
        .env("LEVADA_CONFIG", &file)
        .env("LEVADA_NUM_PARTITIONS", "3")
        .env("LEVADA_ADMIN_LISTENER", "127.0.0.1:0");
    let from_environment = Served::start(&mut command);
    assert_eq!(from_environment.partitions(), 3);
    let admin = from_environment.ready["admin"].as_str().unwrap();
    assert_eq!(get(admin, "/readyz").status, 200);

    command.args(["--set", "num.partitions=4"]);
    assert_eq!(Served::start(&mut command).partitions(), 4);
}

#[test]
fn kafkas_server_properties_are_taken() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("logs");
    let file = write(
        &root,
        "server.properties",
        &format!(
            "process.roles=broker,controller\nnode.id=1\nnum.partitions=5\n\
             controller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:9093\nlog.dirs={}\n",
            dir.display()
        ),
    );
    let served = Served::start(&mut serve(&["--config", &file, "--log-format", "json"]));
    assert_eq!(served.partitions(), 5);
    assert_eq!(served.ready["listeners"].as_array().unwrap().len(), 1);
    assert!(dir.exists());
    served.signal(Signal::TERM);
    let (status, log) = served.ended();
    assert_eq!(status, Some(0), "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let said = |part: &str| {
        let message = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
        lines.iter().any(|line| message(line).contains(part))
    };
    assert!(said("no meaning here: process.roles, node.id"), "{log}");
    assert!(said("stopped"), "{log}");
}

#[test]
fn what_cannot_be_meant_is_refused_and_says_where() {
    let root = tempfile::tempdir().unwrap();
    let unknown = write(&root, "a.toml", "[broker]\nnum.partition = 1\n");
    let secure = write(&root, "b.properties", "ssl.keystore.location=/key\n");
    let missing = root.path().join("c.toml").display().to_string();
    let cases = [
        (
            vec!["--config", &unknown],
            2,
            "did you mean num.partitions?",
        ),
        (vec!["--config", &unknown], 2, "a.toml"),
        (vec!["--config", &secure], 2, "ssl.keystore.location"),
        (vec!["--config", &missing], 3, "c.toml"),
        (vec!["--set", "num.partitions=x"], 2, "num.partitions"),
        (vec!["--log-level", "a=b=c"], 2, "log level"),
        (vec![], 2, "no data directory"),
    ];
    for (args, status, part) in cases {
        let (found, message) = refused(&mut serve(&args));
        assert_eq!(found, Some(status), "{args:?}: {message}");
        assert!(message.contains(part), "{args:?}: {message}");
    }
    let mut command = serve(&["--dir", ":memory:"]);
    let (status, message) = refused(command.env("LEVADA_MAX_CONNECTIONS", "many"));
    assert_eq!(status, Some(2));
    assert!(message.contains("LEVADA_MAX_CONNECTIONS"), "{message}");
}

#[test]
fn a_hangup_changes_nothing_and_an_interrupt_ends_cleanly() {
    let cli = Cli::new();
    let dir = cli.dir.to_str().unwrap();
    let args = ["--dir", dir, "--listen", "127.0.0.1:0"];
    let served = Served::start(&mut serve(&args));
    assert_eq!(served.partitions(), 1);
    served.signal(Signal::HUP);
    assert_eq!(served.partitions(), 1, "it still answers");
    served.signal(Signal::INT);
    let (status, log) = served.ended();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("SIGHUP changes nothing"), "{log}");
    // The directory is free, and was closed cleanly.
    let topics = cli.json(&["topic", "list"]);
    assert_eq!(topics[0]["name"], "made", "{topics}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let args = [
        "--dir",
        ":memory:",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ];
    let served = Served::start(&mut serve(&args));
    let admin = served.ready["admin"].as_str().unwrap().to_owned();
    let _unread = crate::broker::operations::with_an_unread_answer(
        Wire::to(served.ready["bootstrap"].as_str().unwrap()),
        &admin,
    );
    served.signal(Signal::TERM);
    let limit = Instant::now() + PATIENCE;
    while get(&admin, "/readyz").status != 503 {
        assert!(Instant::now() < limit, "it does not stop");
    }
    served.signal(Signal::TERM);
    let (status, log) = served.ended();
    assert_eq!(status, Some(143), "{log}");
    assert!(log.contains("stopped at once"), "{log}");
}

#[test]
fn logs_say_what_the_level_asks_for() {
    let start = |level: &str| {
        let mut command = serve(&["--dir", ":memory:", "--listen", "127.0.0.1:0"]);
        let served = Served::start(command.env("LEVADA_LOG", level));
        served.signal(Signal::TERM);
        served.ended().1
    };
    assert!(start("info").contains("listening"));
    assert_eq!(start("error"), "");
}
