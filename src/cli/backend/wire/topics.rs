//! Topics and logs of a cluster.

use std::sync::Arc;

use crate::cli::backend::facts::{DescribedTopic, ListedTopic, PartitionShown, SettingShown};
use crate::cli::backend::seam::{Backend, Logs, Sink, SinkOptions, Source, SourceOptions, Topics};
use crate::client::{self, At, Change, Cluster, Setting, SettingSource, Topic};
use crate::clock::Clock;
use crate::config::{Overrides, Source as From, is_internal_topic};
use crate::engine::{ConfigOp, NewTopic};
use crate::error::{Error, Result};
use crate::types::{IsolationLevel, Offset, TopicPartition};

/// The cluster that is connected.
#[derive(Debug)]
pub struct Wire {
    pub(super) cluster: Cluster,
}

impl Wire {
    pub fn new(cluster: Cluster) -> Wire {
        Wire { cluster }
    }

    fn with_settings(&mut self, topics: Vec<Topic>) -> Result<Vec<ListedTopic>> {
        let names: Vec<&str> = topics.iter().map(|t| t.name.as_str()).collect();
        let settings = self.cluster.topic_configs(&names)?;
        let both = topics.iter().zip(settings);
        Ok(both.map(|(topic, own)| listed(topic, own)).collect())
    }
}

fn listed(topic: &Topic, settings: Vec<Setting>) -> ListedTopic {
    let own = settings
        .into_iter()
        .filter(|s| s.source == SettingSource::Own);
    let config: Overrides = own.map(|s| (s.name, s.value.unwrap_or_default())).collect();
    ListedTopic {
        name: topic.name.clone(),
        id: topic.id.to_string(),
        partitions: topic.partitions.len(),
        internal: is_internal(topic),
        config,
    }
}

fn is_internal(topic: &Topic) -> bool {
    topic.internal || is_internal_topic(&topic.name)
}

impl Topics for Wire {
    fn create_topic(&mut self, new: &NewTopic) -> Result<ListedTopic> {
        let topic = self.cluster.create_topic(&client::NewTopic {
            name: new.name.clone(),
            partitions: new.partitions,
            replication_factor: new.replication_factor,
            config: new.config.clone(),
        })?;
        Ok(listed(&topic, Vec::new()))
    }

    fn topic(&mut self, name: &str) -> Result<ListedTopic> {
        let topic = self.cluster.topic(name)?;
        let found = self.with_settings(vec![topic])?.pop();
        found.ok_or_else(|| Error::internal("a topic that was found is gone"))
    }

    fn topics(&mut self) -> Result<Vec<ListedTopic>> {
        let topics = self.cluster.topics()?;
        self.with_settings(topics)
    }

    fn describe_topic(&mut self, name: &str, all: bool) -> Result<DescribedTopic> {
        let topic = self.cluster.topic(name)?;
        let places = topic.places();
        let sizes = self.cluster.log_sizes(&topic)?;
        let [start, local, end, stable] = [
            At::Earliest,
            At::LocalStart,
            At::Latest(IsolationLevel::ReadUncommitted),
            At::Latest(IsolationLevel::ReadCommitted),
        ]
        .map(|at| self.cluster.offsets(&places, at));
        let (start, local, end, stable) = (start?, local?, end?, stable?);
        let number = |all: &[Option<Offset>], at: usize| {
            all.get(at).copied().flatten().map_or(0, Offset::get)
        };
        let shown = places.iter().enumerate().map(|(at, place)| {
            let log_start = number(&start, at);
            PartitionShown {
                partition: place.partition,
                log_start,
                local_start: number(&local, at).max(log_start),
                end: number(&end, at),
                last_stable: number(&stable, at),
                local_bytes: sizes
                    .as_ref()
                    .and_then(|sizes| sizes.get(&place.partition).copied()),
            }
        });
        let partitions = shown.collect();
        let settings = self.cluster.topic_configs(&[name])?.pop();
        let settings = settings.unwrap_or_default().into_iter();
        let shown = settings.filter(|s| all || s.source != SettingSource::Default);
        let mut config: Vec<SettingShown> = shown
            .map(|s| SettingShown {
                name: s.name,
                value: s.value,
                source: source(s.source).name(),
            })
            .collect();
        config.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(DescribedTopic {
            name: topic.name.clone(),
            id: topic.id.to_string(),
            created: None,
            internal: is_internal(&topic),
            partitions,
            config,
        })
    }

    fn alter_topic(&mut self, name: &str, changes: &[(String, ConfigOp)]) -> Result<()> {
        let mut asked = Vec::with_capacity(changes.len());
        for (key, change) in changes {
            let change = match change {
                ConfigOp::Set(value) => Change::Set(value.clone()),
                ConfigOp::Delete => Change::Delete,
                _ => return Err(Error::internal("lists are not altered in parts here")),
            };
            asked.push((key.clone(), change));
        }
        self.cluster.alter_topic(name, &asked)
    }

    fn add_partitions(&mut self, name: &str, count: i32) -> Result<()> {
        self.cluster.add_partitions(name, count)
    }

    fn delete_topic(&mut self, name: &str) -> Result<()> {
        self.cluster.delete_topic(name)
    }
}

fn source(of: SettingSource) -> From {
    match of {
        SettingSource::Own => From::Own,
        SettingSource::Broker => From::Broker,
        SettingSource::Default => From::Default,
    }
}

impl Logs for Wire {
    fn places(&mut self, topic: &str) -> Result<Vec<TopicPartition>> {
        Ok(self.cluster.topic(topic)?.places())
    }

    fn offsets(&mut self, places: &[TopicPartition], at: At) -> Result<Vec<Option<Offset>>> {
        self.cluster.offsets(places, at)
    }
}

impl Backend for Wire {
    fn clock(&self) -> Arc<dyn Clock> {
        self.cluster.clock().clone()
    }

    fn sink(&mut self, topic: &str, options: &SinkOptions) -> Result<Box<dyn Sink + '_>> {
        Ok(Box::new(self.producer(topic, options)?))
    }

    fn source(&mut self, options: SourceOptions) -> Result<Box<dyn Source + '_>> {
        Ok(Box::new(self.consumer(options)))
    }
}
