//! Making, changing and removing topics.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::engine::{Engine, PRODUCER_ID_BLOCK, Shared, unknown_topic};
use super::metadata::directories::{mark_deleted, remove_deleted};
use super::metadata::{ConfigOp, ConfigResource, NewTopic, Topic};
use super::partition::{PartitionHandle, Remembered};
use super::settings::Alteration;
use super::table::TopicHandle;
use crate::config::{
    BrokerConfig, CONSUMER_OFFSETS, TRANSACTION_STATE, TopicConfig, is_internal_topic,
};
use crate::error::{Code, Error, Kind, Result};
use crate::types::TopicPartition;

/// How a topic of the engine's own is made. It is compacted.
struct OwnTopic {
    partitions: u32,
    segment_bytes: u32,
    settings: &'static [(&'static str, &'static str)],
}

impl Engine {
    /// Makes a topic. It is lasting when this returns.
    ///
    /// Errors: Exists; Invalid (name, partition count, settings).
    pub fn create_topic(&self, new: &NewTopic) -> Result<Arc<TopicHandle>> {
        self.check_open()?;
        let _one = self.shared.publishing.lock();
        let is_stale = self.shared.stale.lock().contains(new.name.as_str());
        if is_stale {
            self.checkpoint()?;
        }
        self.shared
            .metadata
            .commit(|image| image.create_topic(new, &self.shared.node))?;
        self.publish_named(&new.name)
    }

    /// Removes a topic with its records, offsets and archive. Readers that hold bytes keep them; the
    /// directories go in the background.
    ///
    /// Errors: NotFound; Invalid for the engine's own topics: what they hold is in memory too, and
    /// would come and go with the next open.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        self.check_open()?;
        let _one = self.shared.publishing.lock();
        let image = self.shared.metadata.image();
        let topic = image
            .topic(name)
            .cloned()
            .ok_or_else(|| unknown_topic(name))?;
        if is_internal_topic(name) {
            return Err(Error::invalid(format!(
                "topic {name} is the engine's own and cannot be deleted: delete groups or their offsets instead"
            )));
        }
        self.shared
            .metadata
            .commit(|image| image.delete_topic(name))?;
        let gone = self.shared.table.write().remove(name);
        self.shared.stale.lock().insert(topic.name.clone());
        self.shared.version.fetch_add(1, Ordering::AcqRel);
        let why = Error::coded(
            Code::UnknownTopicOrPartition,
            format!("topic {name} was deleted"),
        );
        for handle in gone.iter().flat_map(|t| t.partitions()) {
            if let (_, Err(error)) = handle.close(why.clone()) {
                tracing::debug!(partition = %handle.name(), %error, "closing for removal");
            }
        }
        self.shared.parts.cold.forget(&topic.name, topic.id);
        let parts = &self.shared.parts;
        let renamed = mark_deleted(
            &*parts.disk,
            &parts.data_dir,
            &topic,
            &self.shared.metadata.image(),
        )?;
        self.shared.metadata.deletion_done(topic.id);
        self.shared.groups.topic_deleted(&topic.name)?;
        self.shared.upkeep.remove_later(renamed);
        Ok(())
    }

    /// Raises the number of partitions to `count`. Keys may go to other partitions from here on.
    pub fn add_partitions(&self, name: &str, count: i32) -> Result<Arc<TopicHandle>> {
        self.check_open()?;
        let _one = self.shared.publishing.lock();
        self.shared
            .metadata
            .commit(|image| image.add_partitions(name, count, &self.shared.node))?;
        let topic = self.publish_named(name)?;
        self.shared.groups.tell_all();
        Ok(topic)
    }

    /// Changes settings of a topic: all or none.
    pub fn alter_topic(
        &self,
        name: &str,
        changes: &[(String, ConfigOp)],
    ) -> Result<Arc<TopicHandle>> {
        let how = Alteration::Each(changes.to_vec());
        self.alter_config(&ConfigResource::Topic(name.into()), &how, false)?;
        self.topic(name)
    }

    /// `__consumer_offsets`, made when it is not there.
    pub(super) fn offsets_topic(&self) -> Result<Arc<TopicHandle>> {
        self.own_topic(CONSUMER_OFFSETS, |config| OwnTopic {
            partitions: config.offsets_topic_partitions,
            segment_bytes: config.offsets_topic_segment_bytes,
            settings: &[("compression.type", "producer")],
        })
    }

    /// `__transaction_state`, made when it is not there. Always durable before it counts, whatever the
    /// default for other topics is: a decision that is lost would leave records without an end.
    pub(super) fn transaction_topic(&self) -> Result<Arc<TopicHandle>> {
        self.own_topic(TRANSACTION_STATE, |config| OwnTopic {
            partitions: config.transaction_topic_partitions,
            segment_bytes: config.transaction_topic_segment_bytes,
            settings: &[
                ("compression.type", "uncompressed"),
                ("levada.durability", "disk"),
            ],
        })
    }

    /// One of the engine's own topics, made as `wanted` says when it is not there.
    fn own_topic(
        &self,
        name: &str,
        wanted: impl FnOnce(&BrokerConfig) -> OwnTopic,
    ) -> Result<Arc<TopicHandle>> {
        if let Ok(topic) = self.topic(name) {
            return Ok(topic);
        }
        let wanted = wanted(&self.broker_config());
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut config: Vec<_> = wanted.settings.iter().map(text).collect();
        config.push(("cleanup.policy".into(), "compact".into()));
        config.push(("segment.bytes".into(), wanted.segment_bytes.to_string()));
        let partitions = i32::try_from(wanted.partitions).unwrap_or(50);
        let new = NewTopic {
            internal: true,
            config,
            ..NewTopic::new(name, partitions)
        };
        match self.create_topic(&new) {
            Err(error) if error.kind() == Kind::Exists => self.topic(name),
            other => other,
        }
    }

    pub(super) fn allocate_producer_block(&self) -> Result<(i64, i32)> {
        self.shared.metadata.commit_with(|image| {
            let (first, records) =
                image.allocate_producer_ids(PRODUCER_ID_BLOCK, &self.shared.node)?;
            Ok(((first.get(), PRODUCER_ID_BLOCK), records))
        })
    }

    /// An engine from its inside, for those that the engine owns.
    pub(super) fn internal(shared: &Arc<Shared>) -> Engine {
        Engine {
            shared: shared.clone(),
        }
    }

    /// Brings the table in line with the metadata, for one topic. `publishing` is held.
    pub(super) fn publish_named(&self, name: &str) -> Result<Arc<TopicHandle>> {
        let image = self.shared.metadata.image();
        let topic = image.topic(name).ok_or_else(|| unknown_topic(name))?;
        let handle = self.publish(topic, &HashMap::new())?;
        self.shared.version.fetch_add(1, Ordering::AcqRel);
        Ok(handle)
    }

    pub(super) fn publish(
        &self,
        topic: &Topic,
        remembered: &HashMap<TopicPartition, Remembered>,
    ) -> Result<Arc<TopicHandle>> {
        let shared = &self.shared;
        let broker = shared
            .metadata
            .image()
            .effective_broker_config(&shared.node);
        let config = Arc::new(TopicConfig::from_overrides(&topic.config, &broker)?);
        let before = shared.table.read().by_id(topic.id).cloned();
        let mut partitions = before.map_or_else(Vec::new, |b| b.partitions.clone());
        for handle in &partitions {
            handle.set_config(config.clone());
        }
        for number in partitions.len() as i32..topic.partition_count() {
            let name = TopicPartition {
                topic: topic.name.clone(),
                partition: number,
            };
            let memory = remembered.get(&name).copied().unwrap_or_default();
            partitions.push(PartitionHandle::new(
                name,
                topic.id,
                shared.parts.clone(),
                config.clone(),
                memory,
            ));
        }
        let handle = Arc::new(TopicHandle {
            name: topic.name.clone(),
            id: topic.id,
            partitions,
            config,
            overrides: topic.config.clone(),
            created: topic.created,
        });
        shared.table.write().put(handle.clone());
        Ok(handle)
    }
}

/// Removes directories that belong to nobody any more.
pub(super) fn remove_directories(shared: &Shared, paths: &[std::path::PathBuf]) {
    for path in paths {
        if let Err(error) = remove_deleted(&*shared.parts.disk, path) {
            tracing::warn!(%error, path = %path.display(), "a deleted directory stays until the next open");
        }
    }
}
