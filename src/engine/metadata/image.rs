//! What the metadata log says at one offset: topics, settings, producer ids, features. Made by applying
//! records in order and by nothing else, so a replay gives the same image.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::records::{
    ConfigRecord, MetadataRecord, PartitionChangeRecord, PartitionRecord, RegisterBrokerRecord,
};
use crate::config::Overrides;
use crate::error::{Error, Kind, Result};
use crate::types::{ProducerId, Timestamp, TopicId};

/// The feature under which Levada books what it adds to Kafka's metadata. An engine refuses a level
/// above the one it knows.
pub const LEVADA_FEATURE: &str = "levada.version";
pub const LEVADA_FEATURE_LEVEL: i16 = 1;
/// Kafka's own feature for the versions of metadata records, and the level whose records we write
/// (4.0-IV3).
pub const METADATA_FEATURE: &str = "metadata.version";
pub const METADATA_FEATURE_LEVEL: i16 = 25;

/// Kafka's numbers of what can be configured.
pub(super) const TOPIC_RESOURCE: i8 = 2;
pub(super) const BROKER_RESOURCE: i8 = 4;

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: Arc<str>,
    pub id: TopicId,
    /// By number, from 0 without a gap.
    pub partitions: BTreeMap<i32, PartitionRecord>,
    pub config: Overrides,
    pub created: Timestamp,
}

impl Topic {
    pub fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }
}

/// The state. Cheap to clone: topics are shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataImage {
    topics: BTreeMap<TopicId, Arc<Topic>>,
    by_name: BTreeMap<Arc<str>, TopicId>,
    /// Names with `.` or `_`, under the form in which both are the same: such names collide in metrics
    /// and file names of Kafka's, so that only one of them may exist.
    collisions: BTreeMap<String, Arc<str>>,
    /// Removed, but their directories may still lie there; see `directories::sweep_deleted`.
    deleting: BTreeMap<TopicId, Arc<Topic>>,
    /// By resource name: a broker's number, or empty for the default of all.
    broker_configs: BTreeMap<String, Overrides>,
    brokers: BTreeMap<i32, RegisterBrokerRecord>,
    next_producer_id: i64,
    features: BTreeMap<String, i16>,
}

impl MetadataImage {
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(self.by_name.get(name)?)
    }

    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(&id)
    }

    /// All topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values().filter_map(|id| self.topics.get(id))
    }

    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// Topics whose removal is committed and whose directories may still be there.
    pub fn deleting(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.deleting.values()
    }

    /// The topic whose name differs from `name` only in `.` and `_`.
    pub fn colliding(&self, name: &str) -> Option<&Arc<str>> {
        let found = self.collisions.get(&collision_key(name)?)?;
        (found.as_ref() != name).then_some(found)
    }

    /// What was set on one broker, or with `None` on all of them.
    pub fn broker_config(&self, broker: Option<i32>) -> Option<&Overrides> {
        self.broker_configs.get(&broker_resource_name(broker))
    }

    pub fn next_producer_id(&self) -> ProducerId {
        ProducerId(self.next_producer_id)
    }

    /// The level of a feature; 0 when it was never set.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    pub fn broker(&self, id: i32) -> Option<&RegisterBrokerRecord> {
        self.brokers.get(&id)
    }

    /// Forgets a removed topic: its directories are gone.
    pub fn deletion_done(&mut self, id: TopicId) {
        self.deleting.remove(&id);
    }

    /// Takes one event in. `at` is the time of its record. Corrupt when the event does not follow from
    /// those before it; the image is then not to be used.
    pub fn apply(&mut self, record: MetadataRecord, at: Timestamp) -> Result<()> {
        match record {
            MetadataRecord::Topic(r) => self.add_topic(r.name, r.topic_id, at),
            MetadataRecord::Partition(r) => {
                let topic = self.topic_mut(r.topic_id)?;
                topic.partitions.insert(r.partition_id, r);
                Ok(())
            }
            MetadataRecord::PartitionChange(r) => self.change_partition(r),
            MetadataRecord::Config(r) => self.set_config(r),
            MetadataRecord::RemoveTopic(r) => self.remove_topic(r.topic_id),
            MetadataRecord::ProducerIds(r) => {
                if r.next_producer_id < self.next_producer_id {
                    return Err(Error::corrupt("producer ids go back"));
                }
                self.next_producer_id = r.next_producer_id;
                Ok(())
            }
            MetadataRecord::FeatureLevel(r) => self.set_feature(r.name, r.feature_level),
            MetadataRecord::RegisterBroker(r) => {
                self.brokers.insert(r.broker_id, r);
                Ok(())
            }
            MetadataRecord::NoOp(_) => Ok(()),
        }
    }

    fn add_topic(&mut self, name: String, id: TopicId, created: Timestamp) -> Result<()> {
        let name: Arc<str> = name.into();
        if self.by_name.contains_key(&name) || self.topics.contains_key(&id) {
            return Err(Error::corrupt(format!(
                "topic {name} with id {id} is created twice"
            )));
        }
        if let Some(key) = collision_key(&name) {
            self.collisions.insert(key, name.clone());
        }
        self.by_name.insert(name.clone(), id);
        let topic = Topic {
            name,
            id,
            partitions: BTreeMap::new(),
            config: Overrides::new(),
            created,
        };
        self.topics.insert(id, Arc::new(topic));
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<()> {
        let topic = self.topics.remove(&id).ok_or_else(|| unknown(id))?;
        self.by_name.remove(&topic.name);
        if let Some(key) = collision_key(&topic.name) {
            self.collisions.remove(&key);
        }
        self.deleting.insert(id, topic);
        Ok(())
    }

    fn change_partition(&mut self, change: PartitionChangeRecord) -> Result<()> {
        let topic = self.topic_mut(change.topic_id)?;
        let name = topic.name.clone();
        let number = change.partition_id;
        let Some(partition) = topic.partitions.get_mut(&number) else {
            return Err(Error::corrupt(format!(
                "{name}-{number} is changed before it was created"
            )));
        };
        merge(partition, change);
        Ok(())
    }

    fn set_config(&mut self, r: ConfigRecord) -> Result<()> {
        let config = match r.resource_type {
            TOPIC_RESOURCE => {
                let id = self.by_name.get(r.resource_name.as_str()).copied();
                let id = id.ok_or_else(|| {
                    Error::corrupt(format!(
                        "a setting of the unknown topic {}",
                        r.resource_name
                    ))
                })?;
                &mut self.topic_mut(id)?.config
            }
            BROKER_RESOURCE => self.broker_configs.entry(r.resource_name).or_default(),
            other => {
                return Err(Error::new(
                    Kind::Invalid,
                    format!(
                        "a setting of a resource of type {other} is of a newer format than this \
                         version of Levada reads: open it with a newer one"
                    ),
                ));
            }
        };
        match r.value {
            Some(value) => config.insert(r.name, value),
            None => config.remove(&r.name),
        };
        self.broker_configs.retain(|_, c| !c.is_empty());
        Ok(())
    }

    fn set_feature(&mut self, name: String, level: i16) -> Result<()> {
        if name == LEVADA_FEATURE && level > LEVADA_FEATURE_LEVEL {
            return Err(Error::new(
                Kind::Invalid,
                format!(
                    "the metadata log has {LEVADA_FEATURE} {level}, newer than {LEVADA_FEATURE_LEVEL}, \
                     the newest this version of Levada reads: open it with a newer one"
                ),
            ));
        }
        match level {
            0 => self.features.remove(&name),
            _ => self.features.insert(name, level),
        };
        Ok(())
    }

    fn topic_mut(&mut self, id: TopicId) -> Result<&mut Topic> {
        let topic = self.topics.get_mut(&id).ok_or_else(|| unknown(id))?;
        Ok(Arc::make_mut(topic))
    }

    /// The records that make this image, in an order that can be applied, each with the time it
    /// carries: what a snapshot holds.
    pub fn to_records(&self, now: Timestamp) -> Vec<(MetadataRecord, Timestamp)> {
        use super::records::{
            FeatureLevelRecord, ProducerIdsRecord, RemoveTopicRecord, TopicRecord,
        };
        let mut out = Vec::new();
        for (name, level) in &self.features {
            let record = FeatureLevelRecord {
                name: name.clone(),
                feature_level: *level,
            };
            out.push((record.into(), now));
        }
        out.extend(self.brokers.values().map(|b| (b.clone().into(), now)));
        for (resource, config) in &self.broker_configs {
            push_config(&mut out, BROKER_RESOURCE, resource, config, now);
        }
        // The removed ones first: a live topic may have the name of one.
        for topic in self.deleting.values().chain(self.topics()) {
            let record = TopicRecord {
                name: topic.name.to_string(),
                topic_id: topic.id,
            };
            out.push((record.into(), topic.created));
            push_config(
                &mut out,
                TOPIC_RESOURCE,
                &topic.name,
                &topic.config,
                topic.created,
            );
            let partitions = topic.partitions.values();
            out.extend(partitions.map(|p| (p.clone().into(), topic.created)));
            if self.deleting.contains_key(&topic.id) {
                let topic_id = topic.id;
                out.push((RemoveTopicRecord { topic_id }.into(), now));
            }
        }
        if self.next_producer_id > 0 {
            let record = ProducerIdsRecord {
                broker_id: -1,
                broker_epoch: -1,
                next_producer_id: self.next_producer_id,
            };
            out.push((record.into(), now));
        }
        out
    }
}

/// A broker's number, or empty for the default of all, as Kafka writes it.
pub(super) fn broker_resource_name(broker: Option<i32>) -> String {
    broker.map_or_else(String::new, |id| id.to_string())
}

/// `None` for a name that cannot collide with another.
fn collision_key(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

fn unknown(id: TopicId) -> Error {
    Error::corrupt(format!("an event of the unknown topic id {id}"))
}

fn push_config(
    out: &mut Vec<(MetadataRecord, Timestamp)>,
    resource_type: i8,
    resource: &str,
    config: &Overrides,
    at: Timestamp,
) {
    for (name, value) in config {
        let record = ConfigRecord {
            resource_type,
            resource_name: resource.to_owned(),
            name: name.clone(),
            value: Some(value.clone()),
        };
        out.push((record.into(), at));
    }
}

/// What the change says is taken over; a new leader is a new leader epoch, any change a new partition
/// epoch.
fn merge(into: &mut PartitionRecord, change: PartitionChangeRecord) {
    macro_rules! take {
        ($($field:ident),+) => { $(if let Some(v) = change.$field { into.$field = v; })+ };
    }
    take!(
        isr,
        replicas,
        removing_replicas,
        adding_replicas,
        directories
    );
    if change.leader != -2 {
        into.leader = change.leader;
        into.leader_epoch += 1;
    }
    if change.leader_recovery_state != -1 {
        into.leader_recovery_state = change.leader_recovery_state;
    }
    let none_when_empty = |v: Vec<i32>| (!v.is_empty()).then_some(v);
    if let Some(v) = change.eligible_leader_replicas {
        into.eligible_leader_replicas = none_when_empty(v);
    }
    if let Some(v) = change.last_known_elr {
        into.last_known_elr = none_when_empty(v);
    }
    into.partition_epoch += 1;
}
