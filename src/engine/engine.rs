//! The engine's face: looking things up. Changing topics is in `topics`, opening in `open`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::counters::Counters;
use super::group_host::Groups;
use super::metadata::{DataDir, LocalNode, MetadataStore};
use super::open::Recovery;
use super::partition::{PartitionHandle, unknown};
use super::parts::Parts;
use super::table::{Table, TopicHandle};
use super::txn_host::Transactions;
use super::upkeep::Upkeep;
use crate::clock::Clock;
use crate::config::{BrokerConfig, Overrides, is_internal_topic};
use crate::error::{Code, Error, Result};
use crate::sync::{Mutex, RwLock};
use crate::types::{ProducerId, TopicId};

/// Producer ids are taken from the metadata in blocks of this size, so that few of them cost a sync.
pub(super) const PRODUCER_ID_BLOCK: i32 = 1000;

/// An open data directory. Cheap to clone; the last clone that goes closes it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub parts: Arc<Parts>,
    pub node: LocalNode,
    /// Whose cluster this is; from the data directory.
    pub cluster_id: String,
    /// The broker settings in force, typed. Swapped by `refresh_settings`, under `publishing`.
    pub broker_config: RwLock<Arc<BrokerConfig>>,
    pub metadata: MetadataStore,
    /// Every change of topics holds this from committing to publishing, so that the table follows the
    /// metadata in order; also across the commit's sync. Taken before `table`.
    pub publishing: Mutex<()>,
    pub table: RwLock<Table>,
    /// Topics that are gone and that the checkpoints may still name: one made again under such a name
    /// must not find there what was said of the other. Held while checkpoints are written.
    pub stale: Mutex<HashSet<Arc<str>>>,
    /// Grows with each published change.
    pub version: AtomicU64,
    pub producer_ids: Mutex<ProducerIds>,
    pub groups: Groups,
    pub transactions: Transactions,
    pub upkeep: Upkeep,
    /// What opening had to mend.
    pub recovery: OnceLock<Recovery>,
    pub closed: AtomicBool,
    /// With the directory's lock; given back when the engine is closed, and not before.
    pub data_dir: Mutex<Option<DataDir>>,
}

/// Ids of the current block that are not given out.
#[derive(Debug, Default)]
pub(super) struct ProducerIds {
    pub next: i64,
    pub end: i64,
}

impl Engine {
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.parts.clock
    }

    pub fn data_dir(&self) -> &Path {
        &self.shared.parts.data_dir
    }

    pub fn parts(&self) -> &Arc<Parts> {
        &self.shared.parts
    }

    /// The broker settings in force now. Those that take a restart are as they were at opening.
    pub fn broker_config(&self) -> Arc<BrokerConfig> {
        self.shared.broker_config.read().clone()
    }

    /// This broker's number, from the data directory.
    pub fn node_id(&self) -> i32 {
        self.shared.node.id
    }

    /// The id of the cluster, of which this is the one node.
    pub fn cluster_id(&self) -> &str {
        &self.shared.cluster_id
    }

    /// Broker settings by name, those of the metadata before those it was opened with: where a topic
    /// that sets nothing has its values from.
    pub fn broker_settings(&self) -> Overrides {
        let shared = &self.shared;
        shared
            .metadata
            .image()
            .effective_broker_config(&shared.node)
    }

    /// What opening had to mend after an unclean stop.
    pub fn recovery(&self) -> &Recovery {
        self.shared.recovery.get_or_init(Recovery::default)
    }

    pub fn groups(&self) -> &Groups {
        &self.shared.groups
    }

    pub fn transactions(&self) -> &Transactions {
        &self.shared.transactions
    }

    pub fn upkeep(&self) -> &Upkeep {
        &self.shared.upkeep
    }

    /// What was appended and synced since it was opened.
    pub fn counters(&self) -> &Counters {
        &self.shared.parts.counters
    }

    /// Partitions that wait for a sync.
    pub fn syncs_waiting(&self) -> usize {
        self.shared.parts.flusher.waiting()
    }

    /// Grows with every change of topics or settings: who holds something looked up compares it.
    pub fn metadata_version(&self) -> u64 {
        self.shared.version.load(Ordering::Acquire)
    }

    /// A topic by name; NotFound when there is none.
    pub fn topic(&self, name: &str) -> Result<Arc<TopicHandle>> {
        self.check_open()?;
        let found = self.shared.table.read().get(name).cloned();
        found.ok_or_else(|| unknown_topic(name))
    }

    pub fn topic_by_id(&self, id: TopicId) -> Result<Arc<TopicHandle>> {
        self.check_open()?;
        let found = self.shared.table.read().by_id(id).cloned();
        found.ok_or_else(|| Error::coded(Code::UnknownTopicId, format!("no topic has the id {id}")))
    }

    /// All topics by name, internal ones too.
    pub fn topics(&self) -> Result<Vec<Arc<TopicHandle>>> {
        self.check_open()?;
        Ok(self.shared.table.read().sorted())
    }

    pub fn partition(&self, topic: &str, partition: i32) -> Result<Arc<PartitionHandle>> {
        let handle = self.topic(topic)?;
        let found = usize::try_from(partition)
            .ok()
            .and_then(|at| handle.partitions.get(at));
        found.cloned().ok_or_else(|| unknown(topic, partition))
    }

    pub fn partition_by_id(&self, topic: TopicId, partition: i32) -> Result<Arc<PartitionHandle>> {
        let handle = self.topic_by_id(topic)?;
        let found = usize::try_from(partition)
            .ok()
            .and_then(|at| handle.partitions.get(at));
        found
            .cloned()
            .ok_or_else(|| unknown(&handle.name, partition))
    }

    /// Topics whose whole name matches `pattern`, by name.
    pub fn topics_matching(&self, pattern: &str, internal: bool) -> Result<Vec<Arc<str>>> {
        let pattern = topic_pattern(pattern)?;
        let table = self.shared.table.read();
        let wanted =
            |name: &&Arc<str>| pattern.is_match(name) && (internal || !is_internal_topic(name));
        let mut names: Vec<Arc<str>> = table.names().filter(wanted).cloned().collect();
        names.sort();
        Ok(names)
    }

    /// A producer id that nobody has had before.
    pub fn allocate_producer_id(&self) -> Result<ProducerId> {
        self.check_open()?;
        let mut ids = self.shared.producer_ids.lock();
        if ids.next == ids.end {
            let (first, count) = self.allocate_producer_block()?;
            *ids = ProducerIds {
                next: first,
                end: first + i64::from(count),
            };
        }
        ids.next += 1;
        Ok(ProducerId(ids.next - 1))
    }

    /// The same, when it can be had without the disk.
    pub(super) fn producer_id_at_hand(&self) -> Option<ProducerId> {
        let mut ids = self.shared.producer_ids.try_lock()?;
        let next = ids.next;
        (next < ids.end).then(|| {
            ids.next += 1;
            ProducerId(next)
        })
    }

    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Closed once the engine is.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.is_closed() {
            Err(closed(&self.shared.parts.data_dir))
        } else {
            Ok(())
        }
    }
}

/// The error of every call after close.
pub(super) fn closed(dir: &Path) -> Error {
    Error::closed(format!("{} is closed: open it again", dir.display()))
}

pub(super) fn unknown_topic(name: &str) -> Error {
    Error::coded(
        Code::UnknownTopicOrPartition,
        format!("topic {name} does not exist: create it first"),
    )
}

/// A pattern over whole topic names; Invalid when it is no regular expression.
pub fn topic_pattern(pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
        Error::coded(
            Code::InvalidRegularExpression,
            format!("pattern {pattern} is no regular expression"),
        )
        .with_source(error)
    })
}
