//! What users ask of the metadata, decided on an image without I/O: each command is refused, or gives
//! the records whose commit carries it out. Error codes are Kafka's.

use super::check;
use super::image::{
    LEVADA_FEATURE, LEVADA_FEATURE_LEVEL, METADATA_FEATURE, METADATA_FEATURE_LEVEL, MetadataImage,
    TOPIC_RESOURCE,
};
use super::records::{
    ConfigRecord, FeatureLevelRecord, MetadataRecord, PartitionRecord, ProducerIdsRecord,
    RemoveTopicRecord, TopicRecord,
};
use crate::config::{CLUSTER_METADATA, Overrides, check_topic_name, is_internal_topic};
use crate::error::{Code, Error, Result};
use crate::types::{ProducerId, TopicId};

/// One command makes at most that many partitions: its records are one batch.
pub const PARTITIONS_PER_COMMAND_MAX: i32 = 10_000;

/// Where new partitions are placed: the one node there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalNode {
    pub id: i32,
    /// Of the data directory, from its `meta.properties`.
    pub directory_id: TopicId,
    /// Broker settings that the engine was opened with. Those in the metadata count before them.
    pub config: Overrides,
}

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    /// `None`: the node's default.
    pub partitions: Option<i32>,
    /// `None` and 1 are the same on one node.
    pub replication_factor: Option<i16>,
    pub config: Vec<(String, String)>,
    /// Chosen by the caller, so that deciding stays free of chance.
    pub id: TopicId,
    /// Made by the engine for itself (`__consumer_offsets`).
    pub internal: bool,
}

impl NewTopic {
    /// A topic with a new random id and no settings of its own.
    pub fn new(name: impl Into<String>, partitions: i32) -> Self {
        NewTopic {
            name: name.into(),
            partitions: Some(partitions),
            replication_factor: None,
            config: Vec::new(),
            id: TopicId::random(),
            internal: false,
        }
    }
}

impl MetadataImage {
    /// Invalid for an illegal or colliding name, a partition count below 1, a replication factor other
    /// than 1 and unknown or illegal settings; Exists for a name that is taken.
    pub fn create_topic(&self, new: &NewTopic, node: &LocalNode) -> Result<Vec<MetadataRecord>> {
        check_topic_name(&new.name)?;
        if new.name == CLUSTER_METADATA || (is_internal_topic(&new.name) && !new.internal) {
            return Err(Error::coded(
                Code::InvalidTopic,
                format!("topic {} is internal: the engine makes it itself", new.name),
            ));
        }
        if self.topic(&new.name).is_some() {
            return Err(Error::coded(
                Code::TopicAlreadyExists,
                format!("topic {} exists already", new.name),
            ));
        }
        if let Some(other) = self.colliding(&new.name) {
            return Err(Error::coded(
                Code::InvalidTopic,
                format!(
                    "topic name {} collides with topic {other}: names that differ only in '.' and \
                     '_' cannot both exist",
                    new.name
                ),
            ));
        }
        check_replication(&new.name, new.replication_factor)?;
        let broker = self.effective_broker_config(node);
        let partitions = match new.partitions {
            Some(count) => count,
            None => check::default_partitions(&broker)?,
        };
        check_partition_count(&new.name, partitions)?;
        let config = distinct(&new.config)?;
        check::topic_config(&config, &broker)?;

        let mut records = Vec::with_capacity(1 + config.len() + partitions as usize);
        let topic = TopicRecord {
            name: new.name.clone(),
            topic_id: new.id,
        };
        records.push(topic.into());
        for (name, value) in config {
            let setting = ConfigRecord {
                resource_type: TOPIC_RESOURCE,
                resource_name: new.name.clone(),
                name,
                value: Some(value),
            };
            records.push(setting.into());
        }
        records.extend((0..partitions).map(|p| partition(new.id, p, node)));
        Ok(records)
    }

    /// NotFound for a topic that is not there.
    pub fn delete_topic(&self, name: &str) -> Result<Vec<MetadataRecord>> {
        let topic_id = self.existing(name)?.id;
        Ok(vec![RemoveTopicRecord { topic_id }.into()])
    }

    /// Brings the topic to `total` partitions; fewer than it has, or as many, is Invalid.
    pub fn add_partitions(
        &self,
        name: &str,
        total: i32,
        node: &LocalNode,
    ) -> Result<Vec<MetadataRecord>> {
        let topic = self.existing(name)?;
        if is_internal_topic(name) {
            return Err(Error::coded(
                Code::InvalidTopic,
                format!("topic {name} is internal: its partition count is part of what it stores"),
            ));
        }
        let has = topic.partition_count();
        if total <= has {
            return Err(Error::coded(
                Code::InvalidPartitions,
                format!(
                    "topic {name} has {has} partitions, which cannot become {total}: only more are \
                     possible"
                ),
            ));
        }
        check_partition_count(name, total - has)?;
        Ok((has..total).map(|p| partition(topic.id, p, node)).collect())
    }

    /// Takes `count` producer ids out of the supply; gives the first of them.
    pub fn allocate_producer_ids(
        &self,
        count: i32,
        node: &LocalNode,
    ) -> Result<(ProducerId, Vec<MetadataRecord>)> {
        let first = self.next_producer_id();
        let next = first.get().checked_add(i64::from(count));
        let next = next.filter(|_| count > 0).ok_or_else(|| {
            Error::internal(format!("no {count} producer ids are left after {first}"))
        })?;
        let record = ProducerIdsRecord {
            broker_id: node.id,
            broker_epoch: -1,
            next_producer_id: next,
        };
        Ok((first, vec![record.into()]))
    }

    /// The first records of a new log.
    pub fn bootstrap() -> Vec<MetadataRecord> {
        [
            (METADATA_FEATURE, METADATA_FEATURE_LEVEL),
            (LEVADA_FEATURE, LEVADA_FEATURE_LEVEL),
        ]
        .map(|(name, feature_level)| {
            let name = name.to_owned();
            FeatureLevelRecord {
                name,
                feature_level,
            }
            .into()
        })
        .into()
    }

    pub(super) fn existing(&self, name: &str) -> Result<&super::image::Topic> {
        let found = self.topic(name).map(AsRef::as_ref);
        found.ok_or_else(|| {
            Error::coded(
                Code::UnknownTopicOrPartition,
                format!("topic {name} does not exist"),
            )
        })
    }
}

fn check_replication(name: &str, factor: Option<i16>) -> Result<()> {
    match factor {
        None | Some(1) => Ok(()),
        Some(factor) => Err(Error::coded(
            Code::InvalidReplicationFactor,
            format!("topic {name} asks for replication factor {factor}: one node can give 1 only"),
        )),
    }
}

fn check_partition_count(name: &str, count: i32) -> Result<()> {
    if count < 1 {
        return Err(Error::coded(
            Code::InvalidPartitions,
            format!("topic {name} asks for {count} partitions: at least 1 is needed"),
        ));
    }
    if count > PARTITIONS_PER_COMMAND_MAX {
        return Err(Error::coded(
            Code::PolicyViolation,
            format!(
                "topic {name} asks for {count} partitions: one call makes at most \
                 {PARTITIONS_PER_COMMAND_MAX}, add the others later"
            ),
        ));
    }
    Ok(())
}

fn distinct(config: &[(String, String)]) -> Result<Overrides> {
    let mut made = Overrides::new();
    for (name, value) in config {
        if made.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::coded(
                Code::InvalidConfig,
                format!("setting {name} is given twice"),
            ));
        }
    }
    Ok(made)
}

fn partition(topic_id: TopicId, partition_id: i32, node: &LocalNode) -> MetadataRecord {
    PartitionRecord {
        partition_id,
        topic_id,
        replicas: vec![node.id],
        isr: vec![node.id],
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader: node.id,
        leader_epoch: 0,
        partition_epoch: 0,
        directories: vec![node.directory_id],
        leader_recovery_state: 0,
        eligible_leader_replicas: None,
        last_known_elr: None,
    }
    .into()
}
