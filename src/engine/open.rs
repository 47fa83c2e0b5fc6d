//! Opening and closing a data directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::engine::{Engine, ProducerIds, Shared, closed};
use super::group_host::Groups;
use super::groups::{AssignorKind, ClassicSettings, GroupSettings, MigrationPolicy};
use super::metadata::directories::{remove_deleted, sweep_deleted};
use super::metadata::{DataDir, LocalNode, MetadataStore, StoreOpened, StoreOptions};
use super::partition::Remembered;
use super::parts::{ColdStores, Parts};
use super::quorum::LocalQuorum;
use super::table::Table;
use super::txn_host::Transactions;
use super::upkeep::Upkeep;
use crate::clock::{Clock, SystemClock};
use crate::config::{Assignor, BrokerConfig, Overrides};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::log::{Flusher, Recovered, checkpoint};
use crate::sync::{Mutex, RwLock};
use crate::thread;
use crate::types::{Offset, TopicPartition};

/// How many partitions may be synced at the same time.
const SYNC_THREADS: usize = 4;

/// What an engine is made of. Settings are data, components objects; see `builder` methods.
#[derive(Debug)]
pub struct EngineBuilder {
    dir: PathBuf,
    settings: Overrides,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    cold: Option<Arc<dyn ColdStores>>,
    archive_dir: Option<PathBuf>,
    background: bool,
}

/// What opening had to mend.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The last close was clean: nothing was looked at.
    pub clean: bool,
    /// What was done to each partition that needed something.
    pub partitions: Vec<(TopicPartition, Recovered)>,
    /// What was done to the metadata's own log.
    pub metadata: Recovered,
    /// Metadata snapshots that were damaged; an older one and the log gave the same state.
    pub damaged_snapshots: Vec<PathBuf>,
    /// Directories that no topic owns; left where they are.
    pub strays: Vec<PathBuf>,
}

impl EngineBuilder {
    pub fn new(dir: impl Into<PathBuf>) -> EngineBuilder {
        EngineBuilder {
            dir: dir.into(),
            settings: Overrides::new(),
            disk: Arc::new(RealDisk::default()),
            clock: Arc::new(SystemClock::default()),
            cold: None,
            archive_dir: None,
            background: true,
        }
    }

    /// A broker setting under Kafka's name.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where the archive lies; `archive` in the data directory without it.
    #[must_use]
    pub fn archive_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.archive_dir = Some(dir.into());
        self
    }

    /// Another place for sealed segments than the archive in a local directory.
    #[must_use]
    pub fn cold(mut self, cold: Arc<dyn ColdStores>) -> Self {
        self.cold = Some(cold);
        self
    }

    /// Whether retention, compaction and the like run by themselves. Tests that turn the clock by hand
    /// run them by hand too.
    #[must_use]
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Opens the directory, or makes it.
    ///
    /// Errors: Invalid (not a data directory of ours, a bad setting), Conflict (open elsewhere),
    /// Denied, Corrupt.
    pub fn open(self) -> Result<Engine> {
        let config = BrokerConfig::from_overrides(&self.settings)?;
        let data_dir = DataDir::open(self.disk.clone(), &self.dir)?;
        let clean = data_dir.was_clean();
        let options = StoreOptions {
            clean,
            snapshot_after_bytes: config.metadata_snapshot_bytes.unsigned_abs(),
            ..StoreOptions::new(self.disk.clone(), self.clock.clone(), self.dir.clone())
        };
        let (metadata, store) = MetadataStore::open(&options)?;
        let archive_dir = self.archive_dir.unwrap_or_else(|| self.dir.join("archive"));
        let cold = match self.cold {
            Some(cold) => cold,
            None => archive(&self.disk, &self.clock, archive_dir),
        };
        let parts = Arc::new(Parts {
            disk: self.disk,
            clock: self.clock,
            quorum: Arc::new(LocalQuorum),
            flusher: Flusher::start(SYNC_THREADS),
            cold,
            counters: super::Counters::default(),
            data_dir: self.dir,
        });
        let node = LocalNode {
            id: data_dir.identity().node_id,
            directory_id: data_dir.identity().directory_id,
            config: self.settings,
        };
        let config = in_force(config, &metadata.image().effective_broker_config(&node));
        let shared = Shared {
            cluster_id: data_dir.identity().cluster_id.clone(),
            broker_config: RwLock::new(Arc::new(config.clone())),
            groups: Groups::new(group_settings(&config)),
            transactions: Transactions::new(&config),
            upkeep: Upkeep::new(&config),
            parts,
            node,
            metadata,
            publishing: Mutex::new(()),
            table: RwLock::new(Table::default()),
            stale: Mutex::default(),
            version: AtomicU64::new(1),
            producer_ids: Mutex::new(ProducerIds::default()),
            recovery: std::sync::OnceLock::new(),
            closed: AtomicBool::new(false),
            data_dir: Mutex::new(Some(data_dir)),
        };
        let engine = Engine {
            shared: Arc::new(shared),
        };
        engine.shared.groups.attach(&engine.shared);
        engine.shared.transactions.attach(&engine.shared);
        let outcome = engine.start(
            clean,
            self.background,
            config.recovery_threads as usize,
            store,
        );
        if let Err(error) = outcome {
            engine.abandon();
            return Err(error);
        }
        Ok(engine)
    }
}

/// What was set while the engine ran counts before what it is opened with, unless this version does not
/// take it any more: then it must still open, so that it can be set anew.
fn in_force(opened_with: BrokerConfig, effective: &Overrides) -> BrokerConfig {
    BrokerConfig::from_overrides(effective).unwrap_or_else(|error| {
        tracing::warn!(%error, "stored broker settings do not count");
        opened_with
    })
}

#[cfg(feature = "archive")]
fn archive(disk: &Arc<dyn Disk>, clock: &Arc<dyn Clock>, dir: PathBuf) -> Arc<dyn ColdStores> {
    Arc::new(super::archives::Archives::new(
        disk.clone(),
        clock.clone(),
        dir,
    ))
}

#[cfg(not(feature = "archive"))]
fn archive(_: &Arc<dyn Disk>, _: &Arc<dyn Clock>, _: PathBuf) -> Arc<dyn ColdStores> {
    Arc::new(super::parts::NoColdStores)
}

fn classic_settings(config: &BrokerConfig) -> ClassicSettings {
    let ms = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    ClassicSettings {
        session_timeout_min: ms(config.classic_session_timeout_min_ms),
        session_timeout_max: ms(config.classic_session_timeout_max_ms),
        initial_rebalance_delay: ms(config.group_initial_rebalance_delay_ms),
        group_size_max: config.classic_group_size_max as usize,
        ..ClassicSettings::default()
    }
}

fn group_settings(config: &BrokerConfig) -> GroupSettings {
    let kind = |assignor: &Assignor| match assignor {
        Assignor::Uniform => AssignorKind::Uniform,
        Assignor::Range => AssignorKind::Range,
    };
    GroupSettings {
        session_timeout: Duration::from_millis(u64::from(config.group_session_timeout_ms)),
        heartbeat_interval: Duration::from_millis(u64::from(config.group_heartbeat_interval_ms)),
        group_size_max: config.group_size_max as usize,
        assignors: config.group_assignors.iter().map(kind).collect(),
        offset_metadata_bytes_max: config.offset_metadata_bytes_max as usize,
        offsets_retention: Duration::from_millis(config.offsets_retention_ms.unsigned_abs()),
        classic: classic_settings(config),
        migration: MigrationPolicy::parse(&config.group_migration_policy).unwrap_or_default(),
    }
}

impl Engine {
    pub fn builder(dir: impl Into<PathBuf>) -> EngineBuilder {
        EngineBuilder::new(dir)
    }

    fn start(
        &self,
        clean: bool,
        background: bool,
        threads: usize,
        store: StoreOpened,
    ) -> Result<()> {
        let shared = &self.shared;
        let (disk, dir) = (&*shared.parts.disk, &shared.parts.data_dir);
        let image = shared.metadata.image();
        let swept = sweep_deleted(disk, dir, &image)?;
        for path in &swept.to_remove {
            remove_deleted(disk, path)?;
        }
        for topic in image.deleting() {
            shared.metadata.deletion_done(topic.id);
        }
        let remembered = read_checkpoints(disk, dir, clean)?;
        let gone = remembered
            .keys()
            .filter(|n| image.topic(&n.topic).is_none());
        *shared.stale.lock() = gone.map(|n| n.topic.clone()).collect();
        for topic in image.topics() {
            self.publish(topic, &remembered)?;
        }
        let partitions = if clean {
            Vec::new()
        } else {
            self.recover_all(threads.max(2))?
        };
        let recovery = Recovery {
            clean,
            partitions,
            strays: swept.strays,
            metadata: store.recovered,
            damaged_snapshots: store.damaged_snapshots,
        };
        // Set once, here.
        let _ = shared.recovery.set(recovery);
        if background {
            super::upkeep::start(self)?;
            shared.transactions.resume()?;
        }
        Ok(())
    }

    /// After an unclean stop: every partition that has a directory is opened, recovered and closed.
    #[allow(clippy::disallowed_methods)] // scoped threads: they end before this returns
    fn recover_all(&self, threads: usize) -> Result<Vec<(TopicPartition, Recovered)>> {
        let parts = &self.shared.parts;
        let topics = self.shared.table.read().sorted();
        let exists = |p: &&Arc<super::PartitionHandle>| parts.disk.exists(&p.dir());
        let work: Vec<_> = topics
            .iter()
            .flat_map(|t| t.partitions())
            .filter(exists)
            .cloned()
            .collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        std::thread::scope(|scope| {
            for number in 0..threads.min(work.len()) {
                let recover = || {
                    while let Some(handle) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match handle.recover() {
                            Ok(recovered) if recovered == Recovered::default() => {}
                            Ok(recovered) => done.lock().push((handle.name().clone(), recovered)),
                            // One damaged partition does not keep the others from being served: its own
                            // calls get the error.
                            Err(error)
                                if matches!(
                                    error.kind(),
                                    crate::Kind::Corrupt | crate::Kind::Internal
                                ) =>
                            {
                                tracing::error!(partition = %handle.name(), %error, "recovery failed");
                            }
                            Err(error) => *failed.lock() = Some(error.at(handle.name())),
                        }
                    }
                };
                let name = format!("levada-recover-{number}");
                if let Err(error) = thread::start_scoped(scope, name, recover) {
                    *failed.lock() = Some(Error::io("start a thread for recovery", error));
                }
            }
        });
        match failed.into_inner() {
            Some(error) => Err(error),
            None => {
                let mut done = done.into_inner();
                done.sort_by(|a, b| a.0.cmp(&b.0));
                Ok(done)
            }
        }
    }

    /// Stops the background, makes everything durable, writes checkpoints and the clean marker. A
    /// second close does nothing. Other handles of this engine get Closed from here on.
    pub fn close(&self) -> Result<()> {
        let shared = &self.shared;
        if shared.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Whoever knows a topic looks it up anew, and hears of this.
        shared.version.fetch_add(1, Ordering::AcqRel);
        shared.upkeep.stop();
        shared.groups.stop();
        shared.transactions.stop();
        let (remembered, mut outcome) = self.close_all();
        shared.parts.flusher.stop();
        outcome = outcome.and(shared.metadata.close());
        let (disk, dir) = (&*shared.parts.disk, &shared.parts.data_dir);
        let _writing = shared.stale.lock();
        outcome = outcome.and(write_checkpoints(disk, dir, &remembered));
        let data_dir = shared.data_dir.lock().take();
        match (data_dir, &outcome) {
            (Some(data_dir), Ok(())) => data_dir.mark_clean(),
            _ => outcome,
        }
    }

    /// Closes all partitions, several at a time: closing waits for the disk.
    #[allow(clippy::disallowed_methods)] // scoped threads: they end before this returns
    fn close_all(&self) -> (Vec<(TopicPartition, Remembered)>, Result<()>) {
        let topics = self.shared.table.read().sorted();
        let partitions: Vec<_> = topics.iter().flat_map(|t| t.partitions()).collect();
        let open = partitions.iter().filter(|p| p.log_if_open().is_some());
        let helpers = open.take(SYNC_THREADS).count().saturating_sub(1);
        let why = closed(&self.shared.parts.data_dir);
        let next = std::sync::atomic::AtomicUsize::new(0);
        let done = Mutex::new((Vec::with_capacity(partitions.len()), Ok(())));
        let work = || {
            while let Some(handle) = partitions.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (memory, closed) = handle.close(why.clone());
                let (remembered, outcome) = &mut *done.lock();
                remembered.push((handle.name().clone(), memory));
                if outcome.is_ok() {
                    *outcome = closed;
                }
            }
        };
        std::thread::scope(|scope| {
            for number in 0..helpers {
                let name = format!("levada-close-{number}");
                if let Err(error) = thread::start_scoped(scope, name, work) {
                    tracing::warn!(%error, "closing goes on with fewer threads");
                }
            }
            work();
        });
        let (mut remembered, outcome) = done.into_inner();
        remembered.sort_by(|a, b| a.0.cmp(&b.0));
        (remembered, outcome)
    }

    /// Writes the checkpoints of a running engine.
    pub(super) fn checkpoint(&self) -> Result<()> {
        let mut stale = self.shared.stale.lock();
        let topics = self.shared.table.read().sorted();
        let (mut remembered, mut outcome) = (Vec::new(), Ok(()));
        for partition in topics.iter().flat_map(|t| t.partitions()) {
            let saved = partition.log_if_open().map(|log| log.save_epochs());
            // Without it, this one's recovery point stays; those of the others move on.
            outcome = outcome.and(saved.unwrap_or(Ok(())));
            remembered.push((partition.name().clone(), partition.remembered()));
        }
        let (disk, dir) = (&*self.shared.parts.disk, &self.shared.parts.data_dir);
        write_checkpoints(disk, dir, &remembered)?;
        stale.clear();
        let all = topics.iter().flat_map(|t| t.partitions());
        for (partition, (_, memory)) in all.zip(&remembered) {
            partition.checkpointed(memory);
        }
        outcome
    }

    /// Lets go of everything without claiming that it was closed cleanly.
    fn abandon(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.upkeep.stop();
        self.shared.groups.stop();
        self.shared.transactions.stop();
        self.shared.parts.flusher.stop();
        drop(self.shared.data_dir.lock().take());
    }
}

fn read_checkpoints(
    disk: &dyn Disk,
    dir: &Path,
    clean: bool,
) -> Result<HashMap<TopicPartition, Remembered>> {
    let mut all: HashMap<TopicPartition, Remembered> = HashMap::new();
    let mut read = |file: &str, set: &dyn Fn(&mut Remembered, Offset)| -> Result<()> {
        let entries = match checkpoint::read(disk, &dir.join(file)) {
            // What it said can be had from the logs; recovery looks at all of them then.
            Err(error) if !clean && error.kind() == crate::Kind::Corrupt => {
                tracing::warn!(%error, "checkpoint is not used");
                return Ok(());
            }
            other => other?,
        };
        for (name, offset) in entries {
            set(all.entry(name).or_default(), offset);
        }
        Ok(())
    };
    read(checkpoint::CLEANER, &|r, offset| r.cleaned = offset)?;
    read(checkpoint::RECOVERY_POINT, &|r, offset| {
        r.recovery_point = offset
    })?;
    read(checkpoint::LOG_START, &|r, offset| {
        r.log_start = Some(offset)
    })?;
    all.values_mut().for_each(|r| r.clean = clean);
    Ok(all)
}

fn write_checkpoints(
    disk: &dyn Disk,
    dir: &Path,
    all: &[(TopicPartition, Remembered)],
) -> Result<()> {
    let points = || {
        all.iter()
            .filter(|(_, r)| r.recovery_point > Offset::ZERO)
            .map(|(n, r)| (n, r.recovery_point))
    };
    let starts = all
        .iter()
        .filter_map(|(n, r)| Some((n, r.log_start.filter(|s| *s > Offset::ZERO)?)));
    checkpoint::write(disk, &dir.join(checkpoint::RECOVERY_POINT), points())?;
    checkpoint::write(disk, &dir.join(checkpoint::LOG_START), starts)?;
    let cleaned = all
        .iter()
        .filter(|(_, r)| r.cleaned > Offset::ZERO)
        .map(|(n, r)| (n, r.cleaned));
    checkpoint::write(disk, &dir.join(checkpoint::CLEANER), cleaned)?;
    // All that is durable is visible: one copy.
    checkpoint::write(disk, &dir.join(checkpoint::HIGH_WATERMARK), points())
}
