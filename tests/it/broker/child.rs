//! The broker as a process of its own, so that its memory can be looked at and it can be killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::wire::Wire;

pub struct Process {
    child: Child,
    pub bootstrap: String,
}

impl Process {
    /// On a directory in memory.
    pub fn start(settings: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_levada"));
        command.args(["--dir", ":memory:", "--json", "serve"]);
        command.args(["--listen", "127.0.0.1:0"]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start levada");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("the line when ready");
        let bootstrap = ready["bootstrap"].as_str().expect("an address").to_owned();
        Process { child, bootstrap }
    }

    pub fn connect(&self) -> Wire {
        Wire::to(&self.bootstrap)
    }

    /// Memory in use, in MiB.
    pub fn resident_mib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|n| n.parse::<u64>().ok()).expect("a number") / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has seen then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
