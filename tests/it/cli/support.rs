//! The command on a data directory, or on a cluster.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub struct Cli {
    _root: tempfile::TempDir,
    pub dir: PathBuf,
    /// A cluster instead of the directory.
    bootstrap: Option<String>,
}

/// What a run came to.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub raw: Vec<u8>,
    pub err: String,
}

impl Cli {
    pub fn new() -> Cli {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("data");
        Cli {
            _root: root,
            dir,
            bootstrap: None,
        }
    }

    /// The command on a cluster; the directory is for other files.
    pub fn on_cluster(bootstrap: String) -> Cli {
        Cli {
            bootstrap: Some(bootstrap),
            ..Cli::new()
        }
    }

    pub fn with_topic(name: &str, partitions: u32) -> Cli {
        let cli = Cli::new();
        let partitions = partitions.to_string();
        cli.ok(&["topic", "create", name, "--partitions", &partitions]);
        cli
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_levada"));
        command
            .env_remove("LEVADA_DIR")
            .env_remove("LEVADA_BOOTSTRAP");
        match &self.bootstrap {
            Some(bootstrap) => command.arg("--bootstrap").arg(bootstrap),
            None => command.arg("--dir").arg(&self.dir),
        };
        command.args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    pub fn feed(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its input closes it.
        let _ = child.stdin.take().unwrap().write_all(input);
        ran(child.wait_with_output().unwrap())
    }

    /// Standard output of a run that must succeed.
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.status, 0, "{args:?}: {}", ran.err);
        ran.out
    }

    pub fn produce(&self, args: &[&str], input: &[u8]) -> String {
        let all = [&["produce"], args].concat();
        let ran = self.feed(&all, input);
        assert_eq!(ran.status, 0, "{all:?}: {}", ran.err);
        ran.out
    }

    /// The one JSON document of a run that must succeed.
    pub fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}"))
    }

    /// The JSON lines of a run that must succeed.
    pub fn json_lines(&self, args: &[&str]) -> Vec<Value> {
        let out = self.ok(&[args, &["--json"]].concat());
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A run that must fail: exit status, and the error object.
    pub fn fails(&self, args: &[&str]) -> (i32, Value) {
        let ran = self.run(&[args, &["--json"]].concat());
        let error: Value = serde_json::from_str(&ran.err)
            .unwrap_or_else(|e| panic!("{args:?}: {e}: {}{}", ran.out, ran.err));
        (ran.status, error["error"].clone())
    }
}

fn ran(output: Output) -> Ran {
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        raw: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
