//! When each job is due, and the thread that runs them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::jobs::{Job, JobReport};
use crate::config::BrokerConfig;
use crate::engine::engine::Engine;
use crate::error::{Error, Result};
use crate::log::Stop;
use crate::sync::{Condvar, Mutex};
use crate::thread;

/// How often segments are looked at for their age.
const ROLL_INTERVAL: Duration = Duration::from_secs(10);

/// How often sealed segments are looked at for the archive.
const ARCHIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Jobs, their turns and their reports.
#[derive(Debug)]
pub struct Upkeep {
    state: Mutex<State>,
    wake: Condvar,
    /// Also looked at by archiving and compaction, which take long.
    stopping: Stop,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    /// How long each regular job rests.
    intervals: BTreeMap<Job, Duration>,
    /// Monotonic time at which each job is due.
    due: BTreeMap<Job, Duration>,
    reports: BTreeMap<Job, JobReport>,
    /// Directories of deleted topics.
    to_remove: Vec<PathBuf>,
}

impl Upkeep {
    pub(in crate::engine) fn new(config: &BrokerConfig) -> Upkeep {
        let ms = |ms: i64| Duration::from_millis(ms.max(1).unsigned_abs());
        let intervals = BTreeMap::from([
            (Job::Roll, ROLL_INTERVAL),
            (Job::Retain, ms(config.retention_check_interval_ms)),
            (Job::Compact, ms(config.compaction_backoff_ms)),
            (Job::Archive, ARCHIVE_INTERVAL),
            (Job::Checkpoint, ms(config.recovery_point_interval_ms)),
            (
                Job::ExpireOffsets,
                ms(config.offsets_retention_check_interval_ms),
            ),
            (
                Job::ExpireProducers,
                ms(config.producer_id_expiration_check_interval_ms),
            ),
        ]);
        Upkeep {
            state: Mutex::new(State {
                intervals,
                ..State::default()
            }),
            wake: Condvar::new(),
            stopping: Stop::new(),
            thread: Mutex::new(None),
        }
    }

    /// Takes over what of `config` may change while the engine runs.
    pub(in crate::engine) fn follow(&self, config: &BrokerConfig, now: Duration) {
        let interval = Duration::from_millis(config.compaction_backoff_ms.max(1).unsigned_abs());
        let mut state = self.state.lock();
        state.intervals.insert(Job::Compact, interval);
        if let Some(due) = state.due.get_mut(&Job::Compact) {
            *due = (*due).min(now + interval);
            self.wake.notify_one();
        }
    }

    /// How each job's runs went.
    pub fn reports(&self) -> BTreeMap<Job, JobReport> {
        self.state.lock().reports.clone()
    }

    /// Has `job` run soon.
    pub fn ask(&self, job: Job) {
        self.state.lock().due.insert(job, Duration::ZERO);
        self.wake.notify_one();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_set()
    }

    pub(super) fn stop_flag(&self) -> &Stop {
        &self.stopping
    }

    pub(super) fn note(&self, job: Job, outcome: &Result<u64>) {
        let mut state = self.state.lock();
        let report = state.reports.entry(job).or_default();
        report.runs += 1;
        match outcome {
            Ok(bytes) => report.bytes += bytes,
            Err(error) => {
                report.failures += 1;
                report.last_error = Some(error.clone());
            }
        }
    }

    pub(in crate::engine) fn remove_later(&self, mut paths: Vec<PathBuf>) {
        self.state.lock().to_remove.append(&mut paths);
        self.ask(Job::Remove);
    }

    pub(super) fn remove_due(&self, engine: &Engine) {
        let paths = std::mem::take(&mut self.state.lock().to_remove);
        crate::engine::topics::remove_directories(&engine.shared, &paths);
    }

    /// Ends the thread soon: after the row group, or batch, it is at.
    pub(in crate::engine) fn stop(&self) {
        self.stopping.set();
        self.wake.notify_all();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            // A panic there was reported by the panic hook; nothing is left to undo here.
            let _ = thread.join();
        }
    }

    /// The next job that is due, waiting for it; `None` to end.
    fn next(&self, engine: &Engine) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if self.is_stopping() {
                return None;
            }
            let now = engine.clock().monotonic();
            let (job, due) = state
                .due
                .iter()
                .map(|(job, due)| (*job, *due))
                .min_by_key(|(_, due)| *due)?;
            if due <= now {
                match state.intervals.get(&job).copied() {
                    Some(interval) => state.due.insert(job, now + interval),
                    None => state.due.remove(&job),
                };
                return Some(job);
            }
            self.wake.wait_for(&mut state, due - now);
        }
    }
}

/// Starts the thread.
pub(in crate::engine) fn start(engine: &Engine) -> Result<()> {
    let upkeep = engine.upkeep();
    let now = engine.clock().monotonic();
    {
        let state = &mut *upkeep.state.lock();
        let regular = state.intervals.iter();
        state
            .due
            .extend(regular.map(|(job, interval)| (*job, now + *interval)));
    }
    let shared = Arc::clone(&engine.shared);
    let body = move || {
        let engine = Engine { shared };
        while let Some(job) = engine.upkeep().next(&engine) {
            // What went wrong is in the report and in the log.
            let _ = engine.run_job(job);
        }
    };
    let thread = thread::start("levada-upkeep", body);
    *upkeep.thread.lock() = Some(thread.map_err(|e| Error::io("start the upkeep thread", e))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;

    #[test]
    fn a_shorter_rest_of_compaction_brings_its_next_run_forward() {
        let mut config = BrokerConfig::from_overrides(&Overrides::new()).unwrap();
        let upkeep = Upkeep::new(&config);
        let second = Duration::from_secs(1);
        upkeep.state.lock().due.insert(Job::Compact, 100 * second);
        config.compaction_backoff_ms = 2000;
        upkeep.follow(&config, 10 * second);
        let state = upkeep.state.lock();
        assert_eq!(state.due[&Job::Compact], 12 * second);
        assert_eq!(state.intervals[&Job::Compact], 2 * second);
    }
}
