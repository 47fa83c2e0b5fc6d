//! The signals of a service.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::output;
use crate::error::{Error, Result};

/// SIGINT, SIGTERM and SIGHUP, caught from the moment this is made.
pub(super) struct Signals {
    runtime: tokio::runtime::Runtime,
    caught: Caught,
}

struct Caught {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// 128 and the signal's number: the exit status of a process that the signal ended.
type Status = i32;

impl Caught {
    /// Ends when the process is told to.
    async fn end(&mut self) -> Status {
        loop {
            tokio::select! {
                biased;
                _ = self.hangup.recv() => {
                    // A terminal that closes takes what runs in it along; a service has none.
                    if io::stdin().is_terminal() {
                        return 129;
                    }
                    tracing::info!("SIGHUP changes nothing: settings are read at the start");
                }
                _ = self.interrupt.recv() => return 130,
                _ = self.terminate.recv() => return 143,
            }
        }
    }
}

impl Signals {
    pub fn new() -> Result<Signals> {
        let wrong = |e| Error::io("catch signals", e);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(wrong)?;
        let entered = runtime.enter();
        let caught = Caught {
            interrupt: signal(SignalKind::interrupt()).map_err(wrong)?,
            terminate: signal(SignalKind::terminate()).map_err(wrong)?,
            hangup: signal(SignalKind::hangup()).map_err(wrong)?,
        };
        drop(entered);
        Ok(Signals { runtime, caught })
    }

    /// Returns when the process is told to end. From then on a second signal ends it at once, as if
    /// it were killed.
    pub fn wait(mut self) -> Result<()> {
        self.runtime.block_on(self.caught.end());
        let body = move || {
            let status = self.runtime.block_on(self.caught.end());
            output::note("stopped at once: the next start looks through what was written last");
            std::process::exit(status);
        };
        let thread = std::thread::Builder::new().name("levada-signals".to_owned());
        // It lives as long as the process.
        let started = thread.spawn(body);
        started
            .map(drop)
            .map_err(|e| Error::io("start a thread", e))
    }
}
