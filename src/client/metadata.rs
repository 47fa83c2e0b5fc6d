//! Topics, their partitions and who leads them.

use std::collections::BTreeMap;

use super::cluster::{Again, Cluster, To, address};
use super::connection::Answer;
use super::errors;
use super::options::Address;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};
use crate::types::{TopicId, TopicPartition};

/// A topic as the cluster describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    /// [`TopicId::NONE`] from a broker before 2.8.
    pub id: TopicId,
    pub internal: bool,
    /// Ascending.
    pub partitions: Vec<TopicPart>,
}

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPart {
    pub partition: i32,
    /// `None` while there is no leader.
    pub leader: Option<i32>,
    pub replicas: Vec<i32>,
}

/// What one answer says.
struct Learned {
    brokers: BTreeMap<i32, Address>,
    controller: Option<i32>,
    topics: Vec<Result<Topic>>,
}

impl Cluster {
    /// Every topic of the cluster, in the order of the names.
    pub fn topics(&mut self) -> Result<Vec<Topic>> {
        let mut topics = Vec::new();
        for topic in self.learn(None)? {
            topics.push(topic?);
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// The topic as it is now.
    ///
    /// Errors: NotFound.
    pub fn topic(&mut self, name: &str) -> Result<Topic> {
        let found = self.learn(Some(&[name]))?.pop();
        found.unwrap_or_else(|| Err(missing(name)))
    }

    /// Asks again about these topics; those that are gone are forgotten.
    pub(super) fn refresh(&mut self, names: &[&str]) -> Result<()> {
        self.learn(Some(names)).map(drop)
    }

    /// The node that leads a partition, asking when it is not known.
    ///
    /// Errors: NotFound; Unavailable while it has no leader.
    pub(super) fn leader(&mut self, place: &TopicPartition) -> Result<i32> {
        let name: &str = &place.topic;
        if !self.topics.contains_key(name) {
            self.topic(name)?;
        }
        let topic = self.topics.get(name).ok_or_else(|| missing(name))?;
        let part = topic.part(place.partition)?;
        part.leader.ok_or_else(|| {
            let what = format!("{place} has no leader at the moment: is its broker down?");
            Error::coded(Code::LeaderNotAvailable, what)
        })
    }

    pub(super) fn topic_id(&self, name: &str) -> TopicId {
        self.topics.get(name).map_or(TopicId::NONE, |t| t.id)
    }

    fn learn(&mut self, names: Option<&[&str]>) -> Result<Vec<Result<Topic>>> {
        let build = |version| MetadataRequest {
            // Version 0 has no null: there an empty list is all.
            topics: match names {
                None if version == 0 => Some(Vec::new()),
                None => None,
                Some(names) => Some(names.iter().map(|name| named(name)).collect()),
            },
            // Older ones make what is asked for; none of those is served by a Kafka of this decade.
            allow_auto_topic_creation: version < 4,
            ..MetadataRequest::default()
        };
        let learned = self.call(To::Any, Again::Always, build, read)?;
        if !learned.brokers.is_empty() {
            self.brokers = learned.brokers;
        }
        self.controller = learned.controller;
        for name in names.unwrap_or_default() {
            self.topics.remove(*name);
        }
        for topic in learned.topics.iter().flatten() {
            self.topics.insert(topic.name.clone(), topic.clone());
        }
        Ok(learned.topics)
    }
}

impl Topic {
    /// Errors: NotFound, with how many there are.
    pub fn part(&self, partition: i32) -> Result<&TopicPart> {
        let found = self.partitions.iter().find(|p| p.partition == partition);
        found.ok_or_else(|| {
            let count = self.partitions.len();
            Error::not_found(format!(
                "topic {} has no partition {partition}: it has {count}, counted from 0",
                self.name
            ))
        })
    }

    pub fn places(&self) -> Vec<TopicPartition> {
        let name: std::sync::Arc<str> = self.name.as_str().into();
        let parts = self.partitions.iter();
        parts
            .map(|p| TopicPartition::new(name.clone(), p.partition))
            .collect()
    }
}

fn missing(name: &str) -> Error {
    errors::refused(
        Code::UnknownTopicOrPartition.number(),
        None,
        format_args!("topic {name}"),
    )
}

fn named<'a>(name: &'a str) -> MetadataRequestTopic<'a> {
    MetadataRequestTopic {
        name: Some(name.into()),
        ..MetadataRequestTopic::default()
    }
}

fn read(answer: &Answer) -> Result<Learned> {
    let response: MetadataResponse<'_> = answer.read()?;
    errors::check(response.error_code, None, answer.peer())?;
    let mut brokers = BTreeMap::new();
    for broker in &response.brokers {
        brokers.insert(broker.node_id, address(&broker.host, broker.port)?);
    }
    Ok(Learned {
        brokers,
        controller: Some(response.controller_id).filter(|node| *node >= 0),
        topics: response.topics.iter().map(topic).collect(),
    })
}

fn topic(found: &MetadataResponseTopic<'_>) -> Result<Topic> {
    let name = found.name.as_deref().unwrap_or_default();
    errors::check(found.error_code, None, format_args!("topic {name}"))?;
    let parts = found.partitions.iter().map(|p| TopicPart {
        partition: p.partition_index,
        leader: Some(p.leader_id).filter(|node| *node >= 0),
        replicas: p.replica_nodes.clone(),
    });
    let mut partitions: Vec<TopicPart> = parts.collect();
    partitions.sort_by_key(|p| p.partition);
    Ok(Topic {
        name: name.to_owned(),
        id: found.topic_id,
        internal: found.is_internal,
        partitions,
    })
}
