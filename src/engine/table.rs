//! The topics that exist, with their partitions: what every call looks up first.

use std::collections::HashMap;
use std::sync::Arc;

use super::partition::PartitionHandle;
use crate::config::{Overrides, TopicConfig};
use crate::types::{Timestamp, TopicId};

/// A topic at one version of the metadata. Its partitions are shared with the next version.
#[derive(Debug)]
pub struct TopicHandle {
    pub(super) name: Arc<str>,
    pub(super) id: TopicId,
    pub(super) partitions: Vec<Arc<PartitionHandle>>,
    pub(super) config: Arc<TopicConfig>,
    /// As they were set, by name.
    pub(super) overrides: Overrides,
    pub(super) created: Timestamp,
}

impl TopicHandle {
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub fn id(&self) -> TopicId {
        self.id
    }

    /// By number, without a gap.
    pub fn partitions(&self) -> &[Arc<PartitionHandle>] {
        &self.partitions
    }

    pub fn config(&self) -> &Arc<TopicConfig> {
        &self.config
    }

    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    pub fn created(&self) -> Timestamp {
        self.created
    }
}

/// Topics by name and by id.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_name: HashMap<Arc<str>, Arc<TopicHandle>>,
    by_id: HashMap<TopicId, Arc<TopicHandle>>,
}

impl Table {
    pub(super) fn put(&mut self, topic: Arc<TopicHandle>) {
        self.by_id.insert(topic.id, topic.clone());
        self.by_name.insert(topic.name.clone(), topic);
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<TopicHandle>> {
        let topic = self.by_name.remove(name)?;
        self.by_id.remove(&topic.id);
        Some(topic)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<TopicHandle>> {
        self.by_name.get(name)
    }

    pub(super) fn by_id(&self, id: TopicId) -> Option<&Arc<TopicHandle>> {
        self.by_id.get(&id)
    }

    /// By name.
    pub(super) fn sorted(&self) -> Vec<Arc<TopicHandle>> {
        let mut all: Vec<_> = self.by_name.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }
}
