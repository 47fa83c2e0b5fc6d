//! The jobs themselves. Each goes over all partitions; a failure of one does not stop the others.

use std::sync::Arc;

use crate::config::is_internal_topic;
use crate::engine::engine::Engine;
use crate::engine::partition::PartitionHandle;
use crate::error::{Error, Result};

/// What is done in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Seals segments that are old enough; lets go of files and maps that nobody used lately.
    Roll,
    /// Removes what retention no longer keeps, from the log and from the archive.
    Retain,
    /// Keeps the last value of each key, where `cleanup.policy` has `compact`.
    Compact,
    /// Turns sealed segments into archive files.
    Archive,
    /// Writes checkpoints and snapshots, so that recovery has less to do.
    Checkpoint,
    /// Forgets committed offsets that nobody uses.
    ExpireOffsets,
    /// Forgets producers that were silent for long.
    ExpireProducers,
    /// Removes directories of deleted topics.
    Remove,
}

impl Job {
    pub const ALL: [Job; 8] = [
        Job::Remove,
        Job::Roll,
        Job::Retain,
        Job::Compact,
        Job::Archive,
        Job::Checkpoint,
        Job::ExpireOffsets,
        Job::ExpireProducers,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Job::Roll => "roll",
            Job::Retain => "retain",
            Job::Compact => "compact",
            Job::Archive => "archive",
            Job::Checkpoint => "checkpoint",
            Job::ExpireOffsets => "expire offsets",
            Job::ExpireProducers => "expire producers",
            Job::Remove => "remove",
        }
    }

    /// As calls name it: `expire_offsets`.
    pub fn key(self) -> String {
        self.name().replace(' ', "_")
    }

    /// The job of this key. Errors: Invalid, with the keys that there are.
    pub fn parse(key: &str) -> Result<Job> {
        let wanted = key.replace('_', " ");
        let found = Job::ALL.into_iter().find(|job| job.name() == wanted);
        found.ok_or_else(|| {
            let known = Job::ALL.map(Job::key).join(", ");
            Error::invalid(format!("no job {key:?}: there are {known}"))
        })
    }
}

/// Which segments go to the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveOut {
    /// Those that the topic's settings name.
    Due,
    /// All that are sealed.
    Sealed,
    /// All: the active one is sealed first.
    Everything,
}

/// How the runs of a job went, since the engine was opened.
#[derive(Clone, Debug, Default)]
pub struct JobReport {
    pub runs: u64,
    pub failures: u64,
    /// Bytes that the job removed or moved.
    pub bytes: u64,
    pub last_error: Option<Error>,
}

/// Runs `job` once over everything; gives the bytes it dealt with. The first error is given after the
/// others had their turn.
pub(super) fn run(engine: &Engine, job: Job) -> Result<u64> {
    match job {
        Job::Roll => each_partition(engine, true, |handle| handle.tend().map(u64::from)),
        Job::Retain => each_partition(engine, false, |handle| engine.retain_partition(handle)),
        Job::Compact => {
            let map_bytes_max = usize::try_from(engine.broker_config().compaction_map_bytes_max)
                .unwrap_or(usize::MAX);
            each_partition(engine, false, |handle| {
                if !handle.config().cleanup.compact || !engine.broker_config().compaction {
                    return Ok(0);
                }
                let done = handle.exclusively(|log| {
                    log.compact_until(map_bytes_max, engine.upkeep().stop_flag())
                })?;
                Ok(done.map_or(0, |c| c.bytes_before.saturating_sub(c.bytes_after)))
            })
        }
        Job::Archive => each_partition(engine, false, |handle| {
            let config = handle.config();
            let wanted = config.archive_after_ms.is_some() || config.archive_after_bytes.is_some();
            if wanted && !is_internal_topic(&handle.name().topic) {
                engine.archive_partition(handle, MoveOut::Due)
            } else {
                Ok(0)
            }
        }),
        Job::Checkpoint => engine.checkpoint().map(|()| 0),
        Job::ExpireOffsets => engine.groups().expire_offsets().map(|()| 0),
        // What a closed partition knows of producers is in its snapshot and costs nothing.
        Job::ExpireProducers => each_partition(engine, true, |handle| {
            if let Some(log) = handle.log_if_open() {
                log.expire_producers();
            }
            Ok(0)
        }),
        Job::Remove => {
            engine.upkeep().remove_due(engine);
            Ok(0)
        }
    }
}

/// Visits partitions that exist on the disk; with `open_only` those alone that are open.
fn each_partition(
    engine: &Engine,
    open_only: bool,
    mut visit: impl FnMut(&Arc<PartitionHandle>) -> Result<u64>,
) -> Result<u64> {
    let (mut bytes, mut first) = (0, None);
    for topic in engine.topics()? {
        for handle in topic.partitions() {
            if engine.upkeep().is_stopping() {
                return Ok(bytes);
            }
            if handle.log_if_open().is_none()
                && (open_only || !engine.parts().disk.exists(&handle.dir()))
            {
                continue;
            }
            match visit(handle) {
                Ok(done) => bytes += done,
                Err(error)
                    if engine
                        .partition(&handle.name().topic, handle.name().partition)
                        .is_err() =>
                {
                    tracing::debug!(partition = %handle.name(), %error, "deleted meanwhile");
                }
                Err(error) => {
                    tracing::warn!(partition = %handle.name(), %error, "upkeep failed");
                    first.get_or_insert(error.at(handle.name()));
                }
            }
        }
    }
    first.map_or(Ok(bytes), Err)
}

impl Engine {
    /// Retention of one partition, log and archive; gives the bytes that went.
    pub fn retain_partition(&self, handle: &Arc<PartitionHandle>) -> Result<u64> {
        if !handle.config().cleanup.delete {
            return Ok(0);
        }
        handle.exclusively(|log| {
            let archived = self
                .parts()
                .cold
                .retain(handle.name(), handle.topic_id(), log)?;
            Ok(archived + log.retain()?)
        })
    }

    /// Moves segments of one partition to the archive; gives the local bytes that went.
    pub fn archive_partition(&self, handle: &Arc<PartitionHandle>, which: MoveOut) -> Result<u64> {
        handle.exclusively(|log| {
            if which == MoveOut::Everything {
                log.roll(true)?;
            }
            // Only what is synced goes.
            log.settle()?;
            handle.show(log);
            let force = which != MoveOut::Due;
            let (name, id, stop) = (handle.name(), handle.topic_id(), self.upkeep().stop_flag());
            self.parts().cold.move_out(name, id, log, force, stop)
        })
    }

    /// Runs a job now, on this thread.
    pub fn run_job(&self, job: Job) -> Result<u64> {
        self.check_open()?;
        let outcome = run(self, job);
        self.upkeep().note(job, &outcome);
        outcome
    }
}
