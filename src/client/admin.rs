//! Making, growing and deleting topics; how large they are.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::{Again, Cluster, To};
use super::errors;
use super::metadata::Topic;
use crate::error::{Code, Kind, Result};
use crate::protocol::ApiKey;
use crate::protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
};
use crate::protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};
use crate::protocol::messages::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::protocol::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse,
};
use crate::types::TopicId;

/// How long a broker may take to carry out a change.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(20);

/// A topic to be made; `None` takes the cluster's default.
#[derive(Clone, Debug, Default)]
pub struct NewTopic {
    pub name: String,
    pub partitions: Option<i32>,
    pub replication_factor: Option<i16>,
    pub config: Vec<(String, String)>,
}

/// A topic that was made, with its leaders.
pub type Created = Topic;

impl Cluster {
    /// Makes a topic and waits until its partitions have leaders.
    ///
    /// Errors: Exists; Invalid with what the cluster refuses.
    pub fn create_topic(&mut self, new: &NewTopic) -> Result<Created> {
        let build = |_| CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: new.name.as_str().into(),
                num_partitions: new.partitions.unwrap_or(-1),
                replication_factor: new.replication_factor.unwrap_or(-1),
                assignments: Vec::new(),
                configs: new.config.iter().map(setting).collect(),
            }],
            timeout_ms: CHANGE_TIMEOUT.as_millis() as i32,
            validate_only: false,
        };
        self.call(To::Controller, Again::Unsent, build, |answer| {
            let response: CreateTopicsResponse<'_> = answer.read()?;
            response.topics.iter().try_for_each(|t| {
                let place = format_args!("topic {}", t.name);
                errors::check(t.error_code, t.error_message.as_deref(), place)
            })
        })?;
        self.settled(&new.name, |topic| match topic {
            Some(topic) => {
                !topic.partitions.is_empty() && topic.partitions.iter().all(|p| p.leader.is_some())
            }
            None => false,
        })?;
        self.topic(&new.name)
    }

    /// Grows a topic to `count` partitions.
    pub fn add_partitions(&mut self, name: &str, count: i32) -> Result<()> {
        let build = |_| CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: name.into(),
                count,
                assignments: None,
            }],
            timeout_ms: CHANGE_TIMEOUT.as_millis() as i32,
            validate_only: false,
        };
        self.call(To::Controller, Again::Unsent, build, |answer| {
            let response: CreatePartitionsResponse<'_> = answer.read()?;
            response.results.iter().try_for_each(|r| {
                let place = format_args!("topic {name}");
                errors::check(r.error_code, r.error_message.as_deref(), place)
            })
        })?;
        let count = usize::try_from(count).unwrap_or(0);
        self.settled(name, |topic| {
            topic.is_some_and(|t| t.partitions.len() >= count)
        })
    }

    /// Errors: NotFound.
    pub fn delete_topic(&mut self, name: &str) -> Result<()> {
        let build = |version| DeleteTopicsRequest {
            topics: match version {
                6.. => vec![DeleteTopicState {
                    name: Some(name.into()),
                    topic_id: TopicId::NONE,
                }],
                _ => Vec::new(),
            },
            topic_names: vec![name.into()],
            timeout_ms: CHANGE_TIMEOUT.as_millis() as i32,
        };
        self.call(To::Controller, Again::Unsent, build, |answer| {
            let response: DeleteTopicsResponse<'_> = answer.read()?;
            response.responses.iter().try_for_each(|r| {
                let place = format_args!("topic {name}");
                errors::check(r.error_code, r.error_message.as_deref(), place)
            })
        })?;
        self.settled(name, |topic| topic.is_none())
    }

    /// Bytes of each partition's log on its leader's disk; `None` when the brokers do not tell.
    pub fn log_sizes(&mut self, topic: &Topic) -> Result<Option<BTreeMap<i32, u64>>> {
        let mut sizes = BTreeMap::new();
        let mut leaders: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for part in &topic.partitions {
            if let Some(node) = part.leader {
                leaders.entry(node).or_default().push(part.partition);
            }
        }
        for (node, partitions) in leaders {
            if !self.knows(To::Node(node), ApiKey::DescribeLogDirs)? {
                return Ok(None);
            }
            let build = |_| DescribeLogDirsRequest {
                topics: Some(vec![DescribableLogDirTopic {
                    topic: topic.name.as_str().into(),
                    partitions: partitions.clone(),
                }]),
            };
            let found = self.call(To::Node(node), Again::Always, build, |answer| {
                let response: DescribeLogDirsResponse<'_> = answer.read()?;
                errors::check(response.error_code, None, answer.peer())?;
                let topics = response.results.iter().flat_map(|dir| &dir.topics);
                let parts = topics.flat_map(|t| &t.partitions);
                let current = parts.filter(|p| !p.is_future_key);
                let sizes = current.map(|p| (p.partition_index, p.partition_size.max(0) as u64));
                Ok(sizes.collect::<Vec<_>>())
            });
            match found {
                Ok(found) => sizes.extend(found),
                Err(error) if error.kind() == Kind::Denied => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(sizes))
    }

    /// Waits until the metadata shows what was changed: brokers learn of it one after the other.
    fn settled(&mut self, name: &str, is_so: impl Fn(Option<&Topic>) -> bool) -> Result<()> {
        let mut retry = self.retry();
        loop {
            let found = match self.topic(name) {
                Ok(topic) => Some(topic),
                Err(error) if error.kind() == Kind::NotFound => None,
                Err(error) if error.code() == Code::LeaderNotAvailable => None,
                Err(error) => return Err(error),
            };
            if is_so(found.as_ref()) || retry.is_over(&*self.clock) {
                return Ok(());
            }
            retry.wait(&*self.clock);
        }
    }
}

fn setting<'a>((name, value): &'a (String, String)) -> CreatableTopicConfig<'a> {
    CreatableTopicConfig {
        name: name.as_str().into(),
        value: Some(value.as_str().into()),
    }
}
