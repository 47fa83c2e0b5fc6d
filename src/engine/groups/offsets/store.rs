//! The committed offsets of one group.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Committed;

/// By topic and partition, each with its place in the order of commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupOffsets {
    topics: BTreeMap<Arc<str>, BTreeMap<i32, (Committed, u64)>>,
}

impl GroupOffsets {
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    pub fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        let (committed, _) = self.topics.get(topic)?.get(&partition)?;
        Some(committed)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, i32, &Committed)> {
        self.topics.iter().flat_map(|(topic, partitions)| {
            partitions
                .iter()
                .map(move |(partition, (committed, _))| (topic, *partition, committed))
        })
    }

    pub fn of_topic(&self, topic: &str) -> impl Iterator<Item = i32> {
        self.topics
            .get(topic)
            .into_iter()
            .flatten()
            .map(|(p, _)| *p)
    }

    /// Sets or removes an offset, unless a later commit stands there already.
    pub fn set(&mut self, topic: &Arc<str>, partition: i32, value: Option<Committed>, order: u64) {
        let partitions = self.topics.entry(topic.clone()).or_default();
        let stands = partitions.get(&partition).map(|(_, order)| *order);
        if stands.is_none_or(|stands| stands < order) {
            match value {
                Some(value) => drop(partitions.insert(partition, (value, order))),
                None => drop(partitions.remove(&partition)),
            }
        }
        if partitions.is_empty() {
            self.topics.remove(topic);
        }
    }
}
