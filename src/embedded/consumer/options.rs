//! A consumer's settings, under Kafka's names.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{ConsumerConfig, OffsetReset, Overrides};
use crate::error::Result;
use crate::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

/// Where to begin in a partition without a committed offset, and after an offset that is gone
/// (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    Earliest,
    #[default]
    Latest,
    /// Fail with OutOfRange instead.
    Fail,
    /// The first record at or after this moment; the end when there is none. After an offset that is
    /// gone: the earliest.
    Time(Timestamp),
}

/// The settings of a consumer. Defaults are Kafka's.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// `group.id`. Without one nothing is committed and partitions are assigned by hand (or all of a
    /// subscription's).
    pub group: Option<String>,
    /// `group.instance.id`: a static member keeps its partitions over a restart.
    pub instance_id: Option<String>,
    /// `auto.offset.reset`.
    pub start: Start,
    /// Where to begin in these partitions instead, unless the group has committed something. Reading
    /// fails with OutOfRange where that is outside of the log. A topic that is made again under the
    /// same name begins as `start` says.
    pub start_offsets: BTreeMap<TopicPartition, Offset>,
    /// `enable.auto.commit`: a poll commits what earlier polls gave.
    pub auto_commit: bool,
    /// `auto.commit.interval.ms`.
    pub auto_commit_interval: Duration,
    /// `max.poll.interval.ms`: a member that does not poll for this long loses its partitions.
    pub poll_interval_max: Duration,
    /// `max.poll.records`, where a poll names no number of its own.
    pub poll_records_max: usize,
    /// `fetch.max.bytes`: of one poll.
    pub fetch_bytes_max: usize,
    /// `max.partition.fetch.bytes`: of one read of a partition.
    pub partition_fetch_bytes_max: usize,
    /// `fetch.min.bytes`: a poll gives records once there are so many bytes of them.
    pub fetch_bytes_min: usize,
    /// `fetch.max.wait.ms`: but waits for that no longer.
    pub fetch_wait_max: Duration,
    /// `default.api.timeout.ms`: how long a commit may take.
    pub default_timeout: Duration,
    /// `isolation.level`.
    pub isolation: IsolationLevel,
    /// `group.remote.assignor`: `uniform` or `range`; `None` is the coordinator's first.
    pub assignor: Option<String>,
    /// `client.rack` is not used in one process; the name is shown by describe.
    pub client_id: String,
    /// `exclude.internal.topics` for a pattern subscription.
    pub exclude_internal: bool,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        ConsumerOptions {
            group: None,
            instance_id: None,
            start: Start::Latest,
            start_offsets: BTreeMap::new(),
            auto_commit: true,
            auto_commit_interval: Duration::from_secs(5),
            poll_interval_max: Duration::from_secs(300),
            poll_records_max: 500,
            fetch_bytes_max: 50 << 20,
            partition_fetch_bytes_max: 1 << 20,
            fetch_bytes_min: 1,
            fetch_wait_max: Duration::from_millis(500),
            default_timeout: Duration::from_secs(60),
            isolation: IsolationLevel::ReadUncommitted,
            assignor: None,
            client_id: "levada".into(),
            exclude_internal: true,
        }
    }
}

impl ConsumerOptions {
    /// From settings under Kafka's names; `now` is what `by_duration` counts back from.
    ///
    /// Errors: Invalid, code InvalidConfig.
    pub fn from_settings(own: &Overrides, now: Timestamp) -> Result<ConsumerOptions> {
        let config = ConsumerConfig::from_overrides(own)?;
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        Ok(ConsumerOptions {
            group: config.group_id,
            instance_id: config.group_instance_id,
            start: match config.offset_reset {
                OffsetReset::Earliest => Start::Earliest,
                OffsetReset::Latest => Start::Latest,
                OffsetReset::None => Start::Fail,
                OffsetReset::ByDuration(back) => {
                    Start::Time(Timestamp(now.get().saturating_sub(back).max(0)))
                }
            },
            start_offsets: BTreeMap::new(),
            auto_commit: config.auto_commit,
            auto_commit_interval: ms(config.auto_commit_interval_ms),
            poll_interval_max: ms(config.poll_interval_ms_max),
            poll_records_max: config.poll_records_max as usize,
            fetch_bytes_max: config.fetch_bytes_max as usize,
            partition_fetch_bytes_max: config.partition_fetch_bytes_max as usize,
            fetch_bytes_min: config.fetch_bytes_min as usize,
            fetch_wait_max: ms(config.fetch_wait_ms_max),
            default_timeout: ms(config.default_timeout_ms),
            isolation: config.isolation,
            assignor: config.assignor.map(|a| a.name().to_owned()),
            client_id: if config.client_id.is_empty() {
                "levada".into()
            } else {
                config.client_id
            },
            exclude_internal: true,
        })
    }
}
