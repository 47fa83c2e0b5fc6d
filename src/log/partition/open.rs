//! The partition itself and how it is opened.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use super::options::{PartitionOptions, Recovered};
use super::state::State;
use crate::config::TopicConfig;
use crate::error::Result;
use crate::log::producers::ProducerStates;
use crate::log::recover;
use crate::log::segment::{Growth, Place, Segment};
use crate::sync::{Mutex, RwLock};
use crate::types::{Offset, Timestamp, TopicPartition};

/// The log of one partition. Shared by reference between threads: appends queue on one lock, reads
/// take it for a few lines only (never across a read of the disk).
///
/// Lock order: `compacting`, `maintaining`, `syncing`, `writer`, `state`; the locks of segments and
/// indexes come last.
#[derive(Debug)]
pub struct Partition {
    pub(in crate::log) options: PartitionOptions,
    pub(in crate::log) place: Place,
    /// Settings may change while the partition is open.
    config: RwLock<Arc<TopicConfig>>,
    /// One compaction at a time; held for the whole run.
    pub(in crate::log) compacting: Mutex<()>,
    /// Below it everything was compacted.
    pub(in crate::log) cleaned: AtomicI64,
    /// For who takes files away or puts others in their place. Held across that I/O, so that the
    /// names of segments and what the list of segments says change as one.
    pub(in crate::log) maintaining: Mutex<()>,
    /// One sync at a time; held while the disk works, never by appends or reads.
    pub(in crate::log) syncing: Mutex<()>,
    /// The append lock: one writer at a time.
    pub(in crate::log) writer: Mutex<Writer>,
    /// What readers see. Held for a few lines, never for I/O.
    pub(in crate::log) state: RwLock<State>,
    /// The recovery point as the checkpoint on the disk says it: where recovery begins after a crash.
    pub(in crate::log) reported: AtomicI64,
}

/// What only the holder of the append lock touches.
#[derive(Debug)]
pub(in crate::log) struct Writer {
    pub active: Arc<Segment>,
    pub growth: Growth,
    pub producers: ProducerStates,
    /// Of the active segment's first batch: Kafka's clock for `segment.ms`.
    pub first_timestamp: Option<Timestamp>,
    /// When the active segment got its first batch, or was opened.
    pub since: Duration,
    /// The offset of the latest producer snapshot that was written.
    pub snapshot_at: Option<Offset>,
    /// The index files of the active segment lack something.
    pub indexes_changed: bool,
}

/// A partition and what opening it did.
#[derive(Debug)]
pub struct Opened {
    pub partition: Partition,
    pub recovered: Recovered,
}

impl Partition {
    /// Opens or creates. After a clean close nothing is scanned but the end of the last segment.
    /// What was recovered is synced, so it is durable and visible at once.
    pub fn open(options: PartitionOptions) -> Result<Opened> {
        let place = Place {
            disk: options.disk.clone(),
            dir: Arc::from(options.dir.as_path()),
            index_bytes_max: options.config.segment_index_bytes,
        };
        let name = options.name.clone();
        let loaded = recover::load(&options, &place).map_err(|e| e.at(&name))?;
        let recover::Loaded {
            writer,
            state,
            recovered,
        } = loaded;
        let partition = Partition {
            place,
            config: RwLock::new(options.config.clone()),
            compacting: Mutex::new(()),
            cleaned: AtomicI64::new(0),
            maintaining: Mutex::new(()),
            syncing: Mutex::new(()),
            reported: AtomicI64::new(options.recovery_point.get()),
            writer: Mutex::new(writer),
            state: RwLock::new(state),
            options,
        };
        Ok(Opened {
            partition,
            recovered,
        })
    }

    pub fn name(&self) -> &TopicPartition {
        &self.options.name
    }

    pub fn dir(&self) -> &Path {
        &self.options.dir
    }

    pub fn config(&self) -> Arc<TopicConfig> {
        self.config.read().clone()
    }

    pub fn set_config(&self, config: Arc<TopicConfig>) {
        *self.config.write() = config;
    }
}
