//! The seam between commands and what they work on.

use std::sync::Arc;
use std::time::Duration;

use super::facts::{DescribedGroup, DescribedTopic, ListedGroup, ListedTopic};
use crate::cli::stop;
use crate::client::At;
use crate::clock::Clock;
use crate::codec::compression::Compression;
use crate::embedded::{Message, Start};
use crate::engine::{ConfigOp, NewTopic};
use crate::error::Result;
use crate::record::RecordView;
use crate::types::{IsolationLevel, Offset, TopicPartition};

/// Topics as a whole.
pub trait Topics {
    /// Errors: Exists.
    fn create_topic(&mut self, new: &NewTopic) -> Result<ListedTopic>;

    /// Errors: NotFound.
    fn topic(&mut self, name: &str) -> Result<ListedTopic>;

    /// By name.
    fn topics(&mut self) -> Result<Vec<ListedTopic>>;

    /// With `all` also the settings that have their default.
    fn describe_topic(&mut self, name: &str, all: bool) -> Result<DescribedTopic>;

    fn alter_topic(&mut self, name: &str, changes: &[(String, ConfigOp)]) -> Result<()>;

    fn add_partitions(&mut self, name: &str, count: i32) -> Result<()>;

    fn delete_topic(&mut self, name: &str) -> Result<()>;
}

/// Consumer groups.
pub trait Groups {
    fn groups(&mut self) -> Result<Vec<ListedGroup>>;

    /// Errors: NotFound.
    fn describe_group(&mut self, group: &str) -> Result<DescribedGroup>;

    /// What it has committed, by place; nothing for a group that is not there.
    fn committed(&mut self, group: &str) -> Result<Vec<(TopicPartition, Offset)>>;

    /// Errors: Conflict when it has members.
    fn reset_group(&mut self, group: &str, offsets: &[(TopicPartition, Offset)]) -> Result<()>;

    /// Errors: NotFound; Conflict when it has members.
    fn delete_group(&mut self, group: &str) -> Result<()>;
}

/// The logs of partitions.
pub trait Logs {
    /// Every partition of a topic. Errors: NotFound.
    fn places(&mut self, topic: &str) -> Result<Vec<TopicPartition>>;

    /// The offset at `at` of each, in their order; `None` where no record is that late.
    fn offsets(&mut self, places: &[TopicPartition], at: At) -> Result<Vec<Option<Offset>>>;
}

/// How records are sent.
#[derive(Clone, Debug, Default)]
pub struct SinkOptions {
    pub compression: Compression,
    /// `None`: the default.
    pub linger: Option<Duration>,
    /// Lets a record be of any size that the topic takes.
    pub any_size: bool,
}

/// Sends records to one topic.
pub trait Sink {
    /// Errors: of this record, or of an earlier one.
    fn send(&mut self, message: Message<'_>) -> Result<()>;

    /// Waits until all are stored as durably as the topic promises.
    fn flush(&mut self) -> Result<()>;

    /// The same, and ends.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Which records are read.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    pub group: Option<String>,
    /// Where a group begins that has committed nothing.
    pub start: Start,
    pub isolation: IsolationLevel,
}

/// What is done with each record.
pub type Each<'e> = dyn FnMut(&TopicPartition, &RecordView<'_>) -> stop::Result + 'e;

/// Reads records of partitions, its own or those that its group gives it.
pub trait Source {
    fn assign(&mut self, places: &[(TopicPartition, Offset)]) -> Result<()>;

    /// As a member of the group.
    fn subscribe(&mut self, topics: &[&str]) -> Result<()>;

    fn assignment(&mut self) -> Result<Vec<TopicPartition>>;

    /// The offset of the next record.
    fn position(&mut self, place: &TopicPartition) -> Result<Offset>;

    fn pause(&mut self, place: &TopicPartition) -> Result<()>;

    /// Up to `most` records, waiting up to `wait` for the first; how many there were.
    fn poll(&mut self, most: usize, wait: Duration, each: &mut Each<'_>) -> stop::Result<usize>;

    /// Reads batches without looking at their records; how many records they have.
    fn skim(&mut self, wait: Duration) -> Result<u64>;

    /// For the group.
    fn commit(&mut self, offsets: &[(TopicPartition, Offset)]) -> Result<()>;

    /// What the group has committed, other members included; nothing where there are none but in this
    /// process.
    fn committed_by_all(&mut self) -> Result<Vec<(TopicPartition, Offset)>> {
        Ok(Vec::new())
    }

    /// Leaves the group.
    fn close(self: Box<Self>) -> Result<()>;
}

/// A data directory, or a cluster.
pub trait Backend: Topics + Groups + Logs {
    fn clock(&self) -> Arc<dyn Clock>;

    /// Errors: NotFound when there is no such topic.
    fn sink(&mut self, topic: &str, options: &SinkOptions) -> Result<Box<dyn Sink + '_>>;

    fn source(&mut self, options: SourceOptions) -> Result<Box<dyn Source + '_>>;
}
