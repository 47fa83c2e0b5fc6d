//! The components that an engine is made of, shared by its partitions.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use super::counters::Counters;
use super::quorum::Quorum;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::{ColdStore, Flusher, NoColdStore, Partition, Stop};
use crate::types::{TopicId, TopicPartition};

/// Gives each partition its cold store: the archive, or none.
pub trait ColdStores: Send + Sync + Debug {
    fn of(&self, name: &TopicPartition, topic_id: TopicId) -> Result<Arc<dyn ColdStore>>;
    /// The same as an archive, for readers that want rows instead of batches; `None` without one.
    #[cfg(feature = "archive")]
    fn archive(
        &self,
        _name: &TopicPartition,
        _topic_id: TopicId,
    ) -> Result<Option<Arc<crate::archive::PartitionArchive>>> {
        Ok(None)
    }
    /// The topic was deleted: its files may go.
    fn forget(&self, topic: &str, topic_id: TopicId);
    /// Moves sealed segments of `log` out: those that its settings name, or with `force` all of them.
    /// They are removed locally once they can be read from here. Gives the local bytes that went. Ends
    /// soon after `stop` was set, with what was moved by then.
    fn move_out(
        &self,
        name: &TopicPartition,
        topic_id: TopicId,
        log: &Partition,
        force: bool,
        stop: &Stop,
    ) -> Result<u64>;
    /// Retention of what was moved out; gives the bytes that went. Moves the log start of `log` along.
    fn retain(&self, name: &TopicPartition, topic_id: TopicId, log: &Partition) -> Result<u64>;
}

/// An engine without an archive.
#[derive(Debug)]
pub struct NoColdStores;

impl ColdStores for NoColdStores {
    fn of(&self, _name: &TopicPartition, _topic_id: TopicId) -> Result<Arc<dyn ColdStore>> {
        Ok(Arc::new(NoColdStore))
    }

    fn forget(&self, _topic: &str, _topic_id: TopicId) {}

    fn move_out(
        &self,
        name: &TopicPartition,
        _: TopicId,
        _: &Partition,
        force: bool,
        _: &Stop,
    ) -> Result<u64> {
        if force {
            return Err(Error::invalid(format!(
                "{name}: this engine was opened without an archive"
            )));
        }
        Ok(0)
    }

    fn retain(&self, _: &TopicPartition, _: TopicId, _: &Partition) -> Result<u64> {
        Ok(0)
    }
}

/// Components, not settings. Made once by the builder, never changed.
#[derive(Debug)]
pub struct Parts {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub quorum: Arc<dyn Quorum>,
    pub flusher: Arc<Flusher>,
    pub cold: Arc<dyn ColdStores>,
    pub counters: Counters,
    /// Where the partitions' directories lie.
    pub data_dir: PathBuf,
}
