//! The topics as the coordinator sees them, and small conversions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::engine::Shared;
use crate::engine::groups::{TopicInfo, TopicsView};
use crate::engine::table::Table;
use crate::types::TopicId;

/// One moment of the table; the caller holds its lock.
pub(super) struct View<'a> {
    pub table: &'a Table,
    pub version: u64,
}

impl View<'_> {
    /// Shows `look` the topics as they are now; none changes meanwhile.
    pub fn with<T>(engine: &Shared, look: impl FnOnce(&View<'_>) -> T) -> T {
        let table = engine.table.read();
        let version = engine.version.load(Ordering::Acquire);
        look(&View {
            table: &table,
            version,
        })
    }
}

impl TopicsView for View<'_> {
    fn version(&self) -> u64 {
        self.version
    }

    fn topic(&self, name: &str) -> Option<TopicInfo> {
        let topic = self.table.get(name)?;
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        Some(TopicInfo {
            id: topic.id(),
            partitions,
        })
    }

    fn name_of(&self, id: TopicId) -> Option<Arc<str>> {
        self.table.by_id(id).map(|topic| topic.name().clone())
    }

    fn each_name(&self, see: &mut dyn FnMut(&Arc<str>)) {
        self.table.names().for_each(see);
    }
}
