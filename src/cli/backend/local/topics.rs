//! Topics and logs of a data directory.

use std::sync::Arc;

use crate::cli::backend::facts::{DescribedTopic, ListedTopic, PartitionShown, SettingShown};
use crate::cli::backend::seam::{Backend, Logs, Sink, SinkOptions, Source, SourceOptions, Topics};
use crate::cli::time;
use crate::client::At;
use crate::clock::Clock;
use crate::config::{Scope, effective, is_internal_topic};
use crate::embedded::Database;
use crate::engine::{ConfigOp, NewTopic, TopicHandle};
use crate::error::Result;
use crate::types::{IsolationLevel, Offset, TopicPartition};

/// The directory that is open.
#[derive(Debug)]
pub struct Local<'a> {
    pub(super) db: &'a Database,
}

impl<'a> Local<'a> {
    pub fn new(db: &'a Database) -> Local<'a> {
        Local { db }
    }
}

fn listed(topic: &TopicHandle) -> ListedTopic {
    ListedTopic {
        name: topic.name().to_string(),
        id: topic.id().to_string(),
        partitions: topic.partitions().len(),
        internal: is_internal_topic(topic.name()),
        config: topic.overrides().clone(),
    }
}

impl Topics for Local<'_> {
    fn create_topic(&mut self, new: &NewTopic) -> Result<ListedTopic> {
        Ok(listed(&*self.db.engine().create_topic(new)?))
    }

    fn topic(&mut self, name: &str) -> Result<ListedTopic> {
        Ok(listed(&*self.db.engine().topic(name)?))
    }

    fn topics(&mut self) -> Result<Vec<ListedTopic>> {
        let topics = self.db.engine().topics()?;
        Ok(topics.iter().map(|topic| listed(topic)).collect())
    }

    fn describe_topic(&mut self, name: &str, all: bool) -> Result<DescribedTopic> {
        let engine = self.db.engine();
        let topic = engine.topic(name)?;
        let mut partitions = Vec::with_capacity(topic.partitions().len());
        for handle in topic.partitions() {
            let log = handle.log()?;
            let ends = log.ends();
            partitions.push(PartitionShown {
                partition: handle.name().partition,
                log_start: ends.log_start.get(),
                local_start: ends.local_start.get(),
                end: ends.visible.get(),
                last_stable: ends.last_stable.get(),
                local_bytes: Some(log.size_bytes()),
            });
        }
        let broker = engine.broker_settings();
        let settings = effective(Scope::Topic, topic.overrides(), &broker);
        let shown = settings
            .into_iter()
            .filter(|e| all || e.source != crate::config::Source::Default);
        let config = shown.map(|entry| SettingShown {
            name: entry.key.name.to_owned(),
            value: entry.value,
            source: entry.source.name(),
        });
        Ok(DescribedTopic {
            name: topic.name().to_string(),
            id: topic.id().to_string(),
            created: Some(time::format(topic.created())),
            internal: is_internal_topic(topic.name()),
            partitions,
            config: config.collect(),
        })
    }

    fn alter_topic(&mut self, name: &str, changes: &[(String, ConfigOp)]) -> Result<()> {
        self.db.engine().alter_topic(name, changes).map(drop)
    }

    fn add_partitions(&mut self, name: &str, count: i32) -> Result<()> {
        self.db.engine().add_partitions(name, count).map(drop)
    }

    fn delete_topic(&mut self, name: &str) -> Result<()> {
        self.db.engine().delete_topic(name)
    }
}

impl Logs for Local<'_> {
    fn places(&mut self, topic: &str) -> Result<Vec<TopicPartition>> {
        let topic = self.db.engine().topic(topic)?;
        Ok(topic
            .partitions()
            .iter()
            .map(|p| p.name().clone())
            .collect())
    }

    fn offsets(&mut self, places: &[TopicPartition], at: At) -> Result<Vec<Option<Offset>>> {
        let of = |place: &TopicPartition| {
            let handle = self.db.engine().partition(&place.topic, place.partition)?;
            let log = handle.log()?;
            let ends = log.ends();
            Ok(match at {
                At::Earliest => Some(ends.log_start),
                At::LocalStart => Some(ends.local_start),
                At::Latest(IsolationLevel::ReadUncommitted) => Some(ends.visible),
                At::Latest(IsolationLevel::ReadCommitted) => Some(ends.last_stable),
                At::Time(moment) => log.offset_for_time(moment)?.map(|(offset, _)| offset),
            })
        };
        places.iter().map(of).collect()
    }
}

impl Backend for Local<'_> {
    fn clock(&self) -> Arc<dyn Clock> {
        self.db.engine().clock().clone()
    }

    fn sink(&mut self, topic: &str, options: &SinkOptions) -> Result<Box<dyn Sink + '_>> {
        Ok(Box::new(self.producer(topic, options)?))
    }

    fn source(&mut self, options: SourceOptions) -> Result<Box<dyn Source + '_>> {
        Ok(Box::new(self.consumer(options)?))
    }
}
