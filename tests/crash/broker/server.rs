//! A broker process that is killed and started again, and where its clients find it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where the broker is now, and how far the test is.
#[derive(Debug, Default)]
pub struct Place {
    address: Mutex<Option<String>>,
    over: AtomicBool,
    /// Nobody writes any more.
    written: AtomicBool,
    failed: AtomicBool,
}

impl Place {
    /// Waits until there is a broker.
    pub fn address(&self) -> String {
        loop {
            self.check();
            if let Some(address) = self.address.lock().expect("not poisoned").clone() {
                return address;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn set(&self, address: Option<String>) {
        *self.address.lock().expect("not poisoned") = address;
    }

    pub fn is_over(&self) -> bool {
        self.check();
        self.over.load(Ordering::Relaxed)
    }

    /// Ends all others too: what they wait for does not come.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub fn check(&self) {
        let failed = self.failed.load(Ordering::Relaxed);
        assert!(!failed, "another thread has failed");
    }

    pub fn is_written(&self) -> bool {
        self.check();
        self.written.load(Ordering::Relaxed)
    }

    pub fn all_written(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub struct Process {
    child: Child,
    /// From the start of the process until it said that it serves.
    pub ready_after: Duration,
}

impl Process {
    pub fn start(dir: &Path, place: &Place) -> Process {
        let started = Instant::now();
        let dir: PathBuf = dir.into();
        let mut child = Command::new(env!("CARGO_BIN_EXE_levada"))
            .arg("--dir")
            .arg(&dir)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the broker starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines
            .next()
            .expect("the broker says that it is ready")
            .expect("text");
        let address = ["bootstrap.servers=", "\"bootstrap\":\""]
            .iter()
            .find_map(|mark| Some(ready.split_once(mark)?.1))
            .unwrap_or_else(|| panic!("{ready} names no address"));
        let end = address.find(['"', ' ']).unwrap_or(address.len());
        place.set(Some(address[..end].to_owned()));
        Process {
            child,
            ready_after: started.elapsed(),
        }
    }

    /// SIGKILL, at once.
    pub fn kill(mut self, place: &Place) {
        let ended = self.child.try_wait().expect("waited");
        assert!(
            ended.is_none(),
            "the broker ended by itself ({ended:?}); its words are above"
        );
        place.set(None);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }
}
