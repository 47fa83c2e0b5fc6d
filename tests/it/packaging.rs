//! What is shipped beside the command, and the commands of the page on running it.

use std::process::Command;

use levada::config::{Scope, find};
use rustix::process::Signal;

use crate::cli::serve::{Served, serve};

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Free ports and no lasting place, instead of what a file or variable says.
const HERE: [&str; 6] = [
    "--dir",
    ":memory:",
    "--listen",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
];

#[test]
fn the_sample_configuration_starts_a_broker() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/levada.toml");
    let served = Served::start(serve(&["--config", path]).args(HERE));
    served.signal(Signal::TERM);
    let (status, log) = served.ended();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[test]
fn the_variables_of_the_image_are_settings() {
    let text = read("packaging/Dockerfile").replace("\\\n", " ");
    let line = text.lines().find_map(|line| line.strip_prefix("ENV "));
    let pairs: Vec<(&str, &str)> = line
        .expect("an ENV line")
        .split_whitespace()
        .map(|pair| pair.split_once('=').expect("name and value"))
        .collect();
    assert!(pairs.len() >= 4, "{pairs:?}");
    let mut command = serve(&HERE);
    let served = Served::start(command.envs(pairs));
    served.signal(Signal::TERM);
    let (status, log) = served.ended();
    assert_eq!(status, Some(0), "{log}");
    assert!(!log.contains("is no setting"), "{log}");
    let last = log.lines().last().expect("a log");
    assert!(last.starts_with('{'), "logs are JSON: {last}");
    // One instruction a line, of those that there are.
    const KNOWN: &[&str] = &[
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "USER",
        "VOLUME",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    ];
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    for line in lines {
        let word = line.split(' ').next().unwrap_or_default();
        assert!(KNOWN.contains(&word), "{line}");
    }
}

#[test]
fn the_unit_calls_the_command_as_it_is() {
    let unit = read("packaging/levada.service");
    let pairs = unit
        .lines()
        .filter(|l| !l.starts_with(['#', '[']) && !l.is_empty());
    let pairs: Vec<_> = pairs
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line}")))
        .collect();
    let of = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| *value)
    };
    let (_, args) = of("ExecStart").unwrap().split_once(' ').unwrap();
    assert_eq!(args, "serve --config /etc/levada/levada.toml");
    assert_eq!(of("Environment"), Some("LEVADA_DIR=/var/lib/levada"));
    assert_eq!(of("Type"), Some("notify"));
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_stops() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let limit = std::time::Duration::from_secs(30);
    socket.set_read_timeout(Some(limit)).unwrap();
    let heard = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).expect("a word");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut command = serve(&HERE);
    let served = Served::start(command.env("NOTIFY_SOCKET", &path));
    assert_eq!(heard(), "READY=1");
    served.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(served.ended().0, Some(0));
}

/// The blocks of `page` whose fence says `info`.
fn blocks(page: &str, info: &str) -> Vec<String> {
    let fence = format!("```{info}\n");
    let after = page.split(&fence).skip(1);
    after
        .map(|text| text.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_commands_on_the_page_run() {
    let scripts = blocks(&read("docs/operations.md"), "sh run");
    assert!(!scripts.is_empty());
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_levada"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let root = tempfile::tempdir().unwrap();
    let script = scripts.join("\n");
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(root.path())
        .env("PATH", path)
        .env_remove("LEVADA_DIR")
        .output()
        .expect("bash");
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    assert!(root.path().join("backup").exists());
}

#[test]
fn the_listeners_on_the_page_can_be() {
    let root = tempfile::tempdir().unwrap();
    let samples = blocks(&read("docs/operations.md"), "toml");
    assert!(!samples.is_empty());
    for sample in samples {
        let path = root.path().join("levada.toml");
        std::fs::write(
            &path,
            sample.replace(":9092\"", ":0\"").replace(":9094\"", ":0\""),
        )
        .unwrap();
        let args = ["--dir", ":memory:", "--config", path.to_str().unwrap()];
        let served = Served::start(&mut serve(&args));
        let told = served.ready["listeners"].as_array().unwrap();
        assert_eq!(told[1]["host"], "broker.example.org");
    }
}

#[test]
fn the_settings_on_the_page_exist() {
    let page = read("docs/operations.md");
    let (_, after) = page.split_once("| task | settings |").unwrap();
    let rows = after
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        for name in row.split('`').skip(1).step_by(2) {
            let known = [Scope::Broker, Scope::Topic].map(|scope| find(scope, name));
            assert!(known.iter().any(Option::is_some), "{name} in {row}");
            count += 1;
        }
    }
    assert!(count > 20, "{count} names read");
}
