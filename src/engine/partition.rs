//! A partition as the engine holds it: its log, opened when first used, its waiters, and the way from
//! an append to a visible record.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::parts::Parts;
use super::wait::{WaiterId, Waiters, Wake};
use crate::config::TopicConfig;
use crate::error::{Code, Error, Result};
use crate::log::{
    Append, Appended, Chunk, Commit, Ends, Opened, Partition, PartitionOptions, Read, Recovered,
};
use crate::record::{Rules, blamed};
use crate::sync::{Mutex, RwLock};
use crate::types::{LeaderEpoch, Offset, TopicId, TopicPartition};

/// What the checkpoints say of a partition that is not open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    pub recovery_point: Offset,
    pub log_start: Option<Offset>,
    /// Compaction has been over everything below.
    pub cleaned: Offset,
    /// Its last close was clean: opening scans nothing.
    pub clean: bool,
}

/// See [`PartitionHandle::known_ends`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEnds {
    pub start: Offset,
    /// The visible one.
    pub end: Offset,
}

#[derive(Debug)]
enum Slot {
    /// Not open; costs no file and no thread.
    Idle(Remembered),
    Open(Arc<Partition>),
    /// Closed or deleted for good: every call gets this error.
    Gone(Error),
}

/// One partition of a topic that exists. Held by the engine's table and by whoever uses it.
#[derive(Debug)]
pub struct PartitionHandle {
    name: TopicPartition,
    topic_id: TopicId,
    parts: Arc<Parts>,
    /// The topic's settings now; also given to the log when it opens. Changed by `set_config`.
    config: RwLock<Arc<TopicConfig>>,
    /// Readers of this lock do no I/O under it; the opener does, under `opening`.
    slot: RwLock<Slot>,
    /// Held while the log opens, so that it opens once. Taken before `slot`, never after.
    opening: Mutex<()>,
    /// Held by retention, compaction, archiving and removal: one of them at a time.
    upkeep: Mutex<()>,
    pub(super) waiters: Waiters,
    /// Why nothing will become visible any more: a sync failed. Set before the waiters are told, so that
    /// one who comes later finds it.
    failure: OnceLock<Error>,
    /// For the flusher, which wants to own what it syncs.
    this: Weak<PartitionHandle>,
}

impl PartitionHandle {
    pub(super) fn new(
        name: TopicPartition,
        topic_id: TopicId,
        parts: Arc<Parts>,
        config: Arc<TopicConfig>,
        remembered: Remembered,
    ) -> Arc<PartitionHandle> {
        Arc::new_cyclic(|this| PartitionHandle {
            name,
            topic_id,
            parts,
            config: RwLock::new(config),
            slot: RwLock::new(Slot::Idle(remembered)),
            opening: Mutex::new(()),
            upkeep: Mutex::new(()),
            waiters: Waiters::default(),
            failure: OnceLock::new(),
            this: this.clone(),
        })
    }

    pub fn name(&self) -> &TopicPartition {
        &self.name
    }

    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    pub fn config(&self) -> Arc<TopicConfig> {
        self.config.read().clone()
    }

    pub fn dir(&self) -> PathBuf {
        self.parts.data_dir.join(self.name.to_string())
    }

    /// The open log; opens (and recovers) it when this is the first use.
    pub fn log(&self) -> Result<Arc<Partition>> {
        if let Slot::Open(log) = &*self.slot.read() {
            return Ok(log.clone());
        }
        self.open().map(|(log, _)| log)
    }

    /// Whether using the log need not open it first, which waits for the disk.
    pub fn is_open(&self) -> bool {
        !matches!(&*self.slot.read(), Slot::Idle(_))
    }

    /// The log if it is open already.
    pub fn log_if_open(&self) -> Option<Arc<Partition>> {
        match &*self.slot.read() {
            Slot::Open(log) => Some(log.clone()),
            _ => None,
        }
    }

    /// Opens the log if need be; gives what recovery did when it did something.
    pub(super) fn open(&self) -> Result<(Arc<Partition>, Option<Recovered>)> {
        let _opening = self.opening.lock();
        let remembered = match &*self.slot.read() {
            Slot::Open(log) => return Ok((log.clone(), None)),
            Slot::Gone(error) => return Err(error.clone()),
            Slot::Idle(remembered) => *remembered,
        };
        let Opened {
            partition,
            recovered,
        } = Partition::open(PartitionOptions {
            disk: self.parts.disk.clone(),
            clock: self.parts.clock.clone(),
            cold: self.parts.cold.of(&self.name, self.topic_id)?,
            dir: self.dir(),
            name: self.name.clone(),
            topic_id: self.topic_id,
            config: self.config(),
            clean: remembered.clean,
            recovery_point: remembered.recovery_point,
            log_start: remembered.log_start,
        })?;
        let log = Arc::new(partition);
        log.set_cleaned(remembered.cleaned);
        // All that survived is shown: nobody else has a copy that could say otherwise.
        log.set_visible(log.ends().appended);
        *self.slot.write() = Slot::Open(log.clone());
        Ok((log, Some(recovered)))
    }

    /// Appends whole batches. On return they are in the page cache; they become visible at once with
    /// `levada.durability=cache`, and after the next sync round with `disk`.
    pub fn append(&self, append: Append<'_>) -> Result<Appended> {
        self.append_with(append.batches.len(), |log| log.append(append))
    }

    /// As [`append`](Self::append), for batches of a transaction that holds this partition, as the
    /// coordinator said when the log ended at `verified_at`. Errors: InvalidTxnState, when the
    /// transaction was ended meanwhile.
    pub fn append_in_transaction(
        &self,
        append: Append<'_>,
        verified_at: Offset,
    ) -> Result<Appended> {
        self.append_with(append.batches.len(), |log| {
            log.append_in_transaction(append, verified_at)
        })
    }

    fn append_with(
        &self,
        bytes: usize,
        append: impl FnOnce(&Partition) -> Result<Appended>,
    ) -> Result<Appended> {
        let log = self.log()?;
        let parts = &self.parts;
        let before = parts.clock.monotonic();
        let appended = append(&log)?;
        let took = parts.clock.monotonic().saturating_sub(before);
        parts.counters.appended(took, &appended, bytes);
        self.sync_or_show(&log, appended.flush_due);
        Ok(appended)
    }

    /// What an append is followed by.
    fn sync_or_show(&self, log: &Partition, flush_due: bool) {
        let durability = log.config().durability;
        if self.parts.quorum.needs_sync(durability) {
            self.flush_soon();
        } else {
            self.show(log);
            if flush_due {
                self.flush_soon();
            }
        }
    }

    /// Has the flusher sync what is appended.
    fn flush_soon(&self) {
        if let Some(this) = self.this.upgrade() {
            self.parts.flusher.request(this);
        }
    }

    /// Seals the active segment when it is old enough, has sealed segments synced, and lets go of
    /// files and maps that were not used lately. Gives whether it sealed.
    pub(super) fn tend(&self) -> Result<bool> {
        let rolled = self.exclusively(|log| log.roll(false))?;
        if let Some(log) = self.log_if_open() {
            if log.is_flush_due() {
                self.flush_soon();
            }
            log.rest_unused();
        }
        Ok(rolled)
    }

    /// Reads visible (or stable) records.
    pub fn read(&self, read: Read) -> Result<Chunk> {
        self.log()?.read(read)
    }

    /// The archive below the local log, for readers that want rows instead of batches. What was closed
    /// or deleted has none: another topic may have the name by now.
    #[cfg(feature = "archive")]
    pub fn archive(&self) -> Result<Option<Arc<crate::archive::PartitionArchive>>> {
        if let Slot::Gone(error) = &*self.slot.read() {
            return Err(error.clone());
        }
        self.parts.cold.archive(&self.name, self.topic_id)
    }

    /// All ends at one moment; opens the log when need be.
    pub fn ends(&self) -> Result<Ends> {
        Ok(self.log()?.ends())
    }

    /// Whether it was ever written: one that was not has no directory.
    pub(super) fn has_files(&self) -> bool {
        self.log_if_open().is_some() || self.parts.disk.exists(&self.dir())
    }

    /// The appended end; offset 0 while the log is not open.
    pub(super) fn appended(&self) -> Offset {
        match &*self.slot.read() {
            Slot::Open(log) => log.ends().appended,
            _ => Offset::ZERO,
        }
    }

    /// Bytes of the local segments. Of a log that is not open those of its files: it stays closed.
    pub fn local_bytes(&self) -> u64 {
        if let Some(log) = self.log_if_open() {
            return log.size_bytes();
        }
        // One that was never written has no directory.
        let files = self.parts.disk.list(&self.dir()).unwrap_or_default();
        let segments = files.iter().filter(|f| f.name.ends_with(".log"));
        segments.map(|f| f.size_bytes).sum()
    }

    /// The visible end; offset 0 while the log is not open.
    pub fn visible(&self) -> Offset {
        match &*self.slot.read() {
            Slot::Open(log) => log.ends().visible,
            _ => Offset::ZERO,
        }
    }

    /// The visible end, or why there will be none any more.
    pub fn state(&self) -> Result<Offset> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.clone());
        }
        match &*self.slot.read() {
            Slot::Open(log) => Ok(log.ends().visible),
            Slot::Idle(_) => Ok(Offset::ZERO),
            Slot::Gone(error) => Err(error.clone()),
        }
    }

    /// The ends, as far as they are known without opening the log: of an open one, and of one that was
    /// closed cleanly.
    pub fn known_ends(&self) -> Option<KnownEnds> {
        match &*self.slot.read() {
            Slot::Open(log) => {
                let ends = log.ends();
                Some(KnownEnds {
                    start: ends.log_start,
                    end: ends.visible,
                })
            }
            Slot::Idle(remembered) if remembered.clean => Some(KnownEnds {
                start: remembered.log_start.unwrap_or(Offset::ZERO),
                end: remembered.recovery_point,
            }),
            _ => None,
        }
    }

    /// Leaves `wake` until the visible end is above `beyond`; look at the end again afterwards.
    pub fn wait_beyond(&self, id: WaiterId, beyond: Offset, wake: Arc<dyn Wake>) {
        self.waiters.add(id, beyond, wake);
    }

    /// Gives up waiting.
    pub fn stop_waiting(&self, id: WaiterId) {
        self.waiters.remove(id);
    }

    /// Which records of a batch that this partition refused are to blame, and for what; see
    /// [`crate::record::blamed`].
    pub fn blamed(&self, batches: &[u8]) -> Vec<(i32, Error)> {
        let rules = Rules {
            config: &self.config(),
            now: self.parts.clock.now(),
            internal: false,
            trusted: false,
        };
        blamed(batches, &rules)
    }

    /// The epoch that this process, the leader, writes into batches.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch::FIRST
    }

    /// DeleteRecords: nothing below `before` is given any more. Lasting when this returns as far as
    /// whole segments go; within one, with the next checkpoint. Gives the new log start.
    ///
    /// Errors: OutOfRange beyond the visible end; Invalid where the topic is only compacted.
    pub fn delete_records(&self, before: Offset) -> Result<Offset> {
        let cleanup = self.config().cleanup;
        if cleanup.compact && !cleanup.delete {
            let message = format!(
                "{}: records of a compacted topic are not deleted by offset",
                self.name
            );
            return Err(Error::coded(Code::PolicyViolation, message));
        }
        self.exclusively(|log| {
            let start = log.delete_records(before)?;
            self.parts.cold.retain(&self.name, self.topic_id, log)?;
            Ok(start)
        })
    }

    pub(super) fn set_config(&self, config: Arc<TopicConfig>) {
        *self.config.write() = config.clone();
        if let Some(log) = self.log_if_open() {
            log.set_config(config);
        }
    }

    /// What the checkpoints should say of this partition.
    pub(super) fn remembered(&self) -> Remembered {
        match &*self.slot.read() {
            Slot::Idle(remembered) => *remembered,
            Slot::Open(log) => remember(log, false),
            Slot::Gone(_) => Remembered::default(),
        }
    }

    /// The checkpoints on the disk say this of the partition from now on.
    pub(super) fn checkpointed(&self, remembered: &Remembered) {
        if let Some(log) = self.log_if_open() {
            log.set_reported(remembered.recovery_point);
        }
    }

    /// Runs `job` while no other job of upkeep touches this partition.
    pub(super) fn exclusively<T>(&self, job: impl FnOnce(&Partition) -> Result<T>) -> Result<T> {
        let _one = self.upkeep.lock();
        let log = self.log()?;
        job(&log)
    }

    /// Closes the log cleanly and keeps what must be remembered. Later calls get `why`.
    pub(super) fn close(&self, why: Error) -> (Remembered, Result<()>) {
        let _one = self.upkeep.lock();
        let _opening = self.opening.lock();
        let old = std::mem::replace(&mut *self.slot.write(), Slot::Gone(why.clone()));
        let outcome = match old {
            Slot::Idle(remembered) => (remembered, Ok(())),
            Slot::Gone(_) => (Remembered::default(), Ok(())),
            Slot::Open(log) => {
                let closed = log.close();
                let remembered = remember(&log, closed.is_ok());
                (remembered, closed)
            }
        };
        self.waiters.fail(&why);
        outcome
    }

    /// Opens, recovers and closes again: after an unclean stop every partition is made whole before
    /// the engine serves, without keeping them all open.
    pub(super) fn recover(&self) -> Result<Recovered> {
        let (log, recovered) = self.open()?;
        let _opening = self.opening.lock();
        log.close()?;
        let remembered = remember(&log, true);
        *self.slot.write() = Slot::Idle(remembered);
        Ok(recovered.unwrap_or_default())
    }

    /// Moves the visible end to where the quorum allows, and wakes whoever waits for it.
    pub(super) fn show(&self, log: &Partition) {
        let ends = log.ends();
        let visible = self.parts.quorum.visible(&ends, log.config().durability);
        log.set_visible(visible);
        self.waiters.advanced(visible);
    }
}

impl Commit for PartitionHandle {
    fn commit(&self) {
        let Some(log) = self.log_if_open() else {
            return;
        };
        let parts = &self.parts;
        let before = parts.clock.monotonic();
        let outcome = sync_patiently(&log);
        let took = parts.clock.monotonic().saturating_sub(before);
        parts.counters.synced(took, &outcome);
        match outcome {
            Ok(()) => self.show(&log),
            Err(error) => {
                tracing::error!(partition = %self.name, %error, "sync failed, the partition takes no more records");
                let failure = self.failure.get_or_init(|| error);
                self.waiters.fail(failure);
            }
        }
    }
}

/// How often a sync is tried again that could not even begin, and how long it rests in between.
const SYNC_TRIES_MAX: u32 = 100;
const SYNC_PAUSE: Duration = Duration::from_millis(20);

/// A sync that found no free file handle asked nothing of the disk: what was appended waits for it. One
/// that failed, or that never gets to begin, closes the log to writes.
fn sync_patiently(log: &Partition) -> Result<()> {
    let mut tries = 0;
    loop {
        match log.sync() {
            Ok(_) => return Ok(()),
            Err(error) if !log.takes_writes() => return Err(error),
            Err(error) if tries == SYNC_TRIES_MAX => {
                let error = error.in_doubt();
                log.poison(&error);
                return Err(error);
            }
            Err(error) => tracing::warn!(partition = %log.name(), %error, "sync waits"),
        }
        tries += 1;
        pause(SYNC_PAUSE);
    }
}

#[allow(clippy::disallowed_methods)] // a flusher's thread, which waits for the disk anyway
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn remember(log: &Partition, clean: bool) -> Remembered {
    let ends = log.ends();
    Remembered {
        recovery_point: log.recovery_point(),
        // Records may be deleted before they are synced: the log must not be said to start where it may
        // not reach after a power cut.
        log_start: Some(ends.log_start.min(ends.durable)),
        cleaned: log.cleaned(),
        clean,
    }
}

/// The error for a partition that is not there.
pub(super) fn unknown(topic: &str, partition: i32) -> Error {
    Error::coded(
        Code::UnknownTopicOrPartition,
        format!(
            "topic {topic} has no partition {partition}, or does not exist: create it, or name another"
        ),
    )
}
