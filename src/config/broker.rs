//! The settings of an engine itself, typed and checked. Those that are only defaults of topics
//! (`log.*`) are read by [`TopicConfig`](super::TopicConfig).

use super::keys::Scope;
use super::resolve::{Overrides, Settings};
use super::{TopicConfig, keys};
use crate::error::{Code, Error, Result};

/// How partitions are shared in a group, `group.consumer.assignors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    Uniform,
    Range,
}

impl Assignor {
    pub const fn name(self) -> &'static str {
        match self {
            Assignor::Uniform => "uniform",
            Assignor::Range => "range",
        }
    }

    pub fn from_name(name: &str) -> Option<Assignor> {
        let all = [Assignor::Uniform, Assignor::Range];
        all.into_iter().find(|assignor| assignor.name() == name)
    }
}

/// The typed settings of one engine.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerConfig {
    pub auto_create_topics: bool,
    pub delete_topics: bool,
    pub num_partitions: u32,
    pub fetch_bytes_max: u32,
    /// The first one is the default; never empty.
    pub group_assignors: Vec<Assignor>,
    pub group_heartbeat_interval_ms: u32,
    pub group_session_timeout_ms: u32,
    pub group_size_max: u32,
    /// `group.consumer.migration.policy`, one of its names.
    pub group_migration_policy: String,
    /// Of classic groups.
    pub group_initial_rebalance_delay_ms: i32,
    pub classic_session_timeout_min_ms: i32,
    pub classic_session_timeout_max_ms: i32,
    pub classic_group_size_max: u32,
    pub compaction: bool,
    pub compaction_backoff_ms: i64,
    /// Memory for the keys of one compaction run.
    pub compaction_map_bytes_max: i64,
    pub retention_check_interval_ms: i64,
    pub recovery_point_interval_ms: i64,
    pub log_start_interval_ms: i64,
    pub recovery_threads: u32,
    pub metadata_snapshot_bytes: i64,
    /// 0: not by time.
    pub metadata_snapshot_ms: i64,
    /// `None`: no limit.
    pub metadata_retention_bytes: Option<i64>,
    pub metadata_retention_ms: Option<i64>,
    pub offset_metadata_bytes_max: u32,
    pub offsets_retention_ms: i64,
    pub offsets_retention_check_interval_ms: i64,
    /// Of `__consumer_offsets`, counted when it is made.
    pub offsets_topic_partitions: u32,
    pub offsets_topic_segment_bytes: u32,
    pub producer_id_expiration_ms: i64,
    pub producer_id_expiration_check_interval_ms: i64,
    pub transaction_timeout_ms_max: u32,
    pub transaction_timeout_check_interval_ms: i64,
    pub transactional_id_expiration_ms: i64,
    pub transactional_id_expiration_check_interval_ms: i64,
    /// Of `__transaction_state`, counted when it is made.
    pub transaction_topic_partitions: u32,
    pub transaction_topic_segment_bytes: u32,
}

impl BrokerConfig {
    /// The settings of an engine on which `own` is set.
    ///
    /// Errors: Invalid, code InvalidConfig; also when a default for topics is one that no topic may
    /// have, so that it shows at start and not at the first topic.
    pub fn from_overrides(own: &Overrides) -> Result<BrokerConfig> {
        let none = Overrides::new();
        let set = Settings::checked(Scope::Broker, own, &none)?;
        TopicConfig::from_overrides(&none, own)?;
        let config = BrokerConfig {
            auto_create_topics: set.boolean("auto.create.topics.enable")?,
            delete_topics: set.boolean("delete.topic.enable")?,
            num_partitions: set.count("num.partitions")?,
            fetch_bytes_max: set.count("fetch.max.bytes")?,
            group_assignors: assignors(&set)?,
            group_heartbeat_interval_ms: set.count("group.consumer.heartbeat.interval.ms")?,
            group_session_timeout_ms: set.count("group.consumer.session.timeout.ms")?,
            group_size_max: set.count("group.consumer.max.size")?,
            group_migration_policy: set.text("group.consumer.migration.policy")?,
            group_initial_rebalance_delay_ms: set.int("group.initial.rebalance.delay.ms")?,
            classic_session_timeout_min_ms: set.int("group.min.session.timeout.ms")?,
            classic_session_timeout_max_ms: set.int("group.max.session.timeout.ms")?,
            classic_group_size_max: set.count("group.max.size")?,
            compaction: set.boolean("log.cleaner.enable")?,
            compaction_backoff_ms: set.long("log.cleaner.backoff.ms")?,
            compaction_map_bytes_max: set.long("log.cleaner.dedupe.buffer.size")?,
            retention_check_interval_ms: set.long("log.retention.check.interval.ms")?,
            recovery_point_interval_ms: set.long("log.flush.offset.checkpoint.interval.ms")?,
            log_start_interval_ms: set.long("log.flush.start.offset.checkpoint.interval.ms")?,
            recovery_threads: set.count("num.recovery.threads.per.data.dir")?,
            metadata_snapshot_bytes: set.long("metadata.log.max.record.bytes.between.snapshots")?,
            metadata_snapshot_ms: set.long("metadata.log.max.snapshot.interval.ms")?,
            metadata_retention_bytes: set.limit("metadata.max.retention.bytes")?,
            metadata_retention_ms: set.limit("metadata.max.retention.ms")?,
            offset_metadata_bytes_max: set.count("offset.metadata.max.bytes")?,
            offsets_retention_ms: set.long("offsets.retention.minutes")? * 60_000,
            offsets_retention_check_interval_ms: set.long("offsets.retention.check.interval.ms")?,
            offsets_topic_partitions: set.count("offsets.topic.num.partitions")?,
            offsets_topic_segment_bytes: set.count("offsets.topic.segment.bytes")?,
            producer_id_expiration_ms: set.long("producer.id.expiration.ms")?,
            producer_id_expiration_check_interval_ms: set
                .long("producer.id.expiration.check.interval.ms")?,
            transaction_timeout_ms_max: set.count("transaction.max.timeout.ms")?,
            transaction_timeout_check_interval_ms: set
                .long("transaction.abort.timed.out.transaction.cleanup.interval.ms")?,
            transactional_id_expiration_ms: set.long("transactional.id.expiration.ms")?,
            transactional_id_expiration_check_interval_ms: set
                .long("transaction.remove.expired.transaction.cleanup.interval.ms")?,
            transaction_topic_partitions: set.count("transaction.state.log.num.partitions")?,
            transaction_topic_segment_bytes: set.count("transaction.state.log.segment.bytes")?,
        };
        config.check_together()?;
        Ok(config)
    }

    fn check_together(&self) -> Result<()> {
        let (beat, session) = (
            self.group_heartbeat_interval_ms,
            self.group_session_timeout_ms,
        );
        if beat < session {
            return Ok(());
        }
        Err(Error::coded(
            Code::InvalidConfig,
            format!(
                "group.consumer.heartbeat.interval.ms ({beat}) must be below \
                 group.consumer.session.timeout.ms ({session})"
            ),
        ))
    }
}

fn assignors(set: &Settings<'_>) -> Result<Vec<Assignor>> {
    const NAME: &str = "group.consumer.assignors";
    let names = set.list(NAME)?;
    let assignors: Vec<_> = names
        .iter()
        .filter_map(|n| Assignor::from_name(n))
        .collect();
    match (assignors.is_empty(), keys::find(Scope::Broker, NAME)) {
        (true, Some(key)) => Err(super::value::invalid(key, "", "name at least one")),
        _ => Ok(assignors),
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        BrokerConfig {
            auto_create_topics: true,
            delete_topics: true,
            num_partitions: 1,
            fetch_bytes_max: 57_671_680,
            group_assignors: vec![Assignor::Uniform, Assignor::Range],
            group_heartbeat_interval_ms: 5_000,
            group_session_timeout_ms: 45_000,
            group_size_max: i32::MAX.unsigned_abs(),
            group_migration_policy: "bidirectional".to_owned(),
            group_initial_rebalance_delay_ms: 3_000,
            classic_session_timeout_min_ms: 6_000,
            classic_session_timeout_max_ms: 1_800_000,
            classic_group_size_max: i32::MAX.unsigned_abs(),
            compaction: true,
            compaction_backoff_ms: 15_000,
            compaction_map_bytes_max: 128 << 20,
            retention_check_interval_ms: 300_000,
            recovery_point_interval_ms: 60_000,
            log_start_interval_ms: 60_000,
            recovery_threads: 2,
            metadata_snapshot_bytes: 20 << 20,
            metadata_snapshot_ms: 3_600_000,
            metadata_retention_bytes: Some(100 << 20),
            metadata_retention_ms: Some(604_800_000),
            offset_metadata_bytes_max: 4096,
            offsets_retention_ms: 604_800_000,
            offsets_retention_check_interval_ms: 600_000,
            offsets_topic_partitions: 50,
            offsets_topic_segment_bytes: 100 << 20,
            producer_id_expiration_ms: 86_400_000,
            producer_id_expiration_check_interval_ms: 600_000,
            transaction_timeout_ms_max: 900_000,
            transaction_timeout_check_interval_ms: 10_000,
            transactional_id_expiration_ms: 604_800_000,
            transactional_id_expiration_check_interval_ms: 3_600_000,
            transaction_topic_partitions: 50,
            transaction_topic_segment_bytes: 100 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(own: &[(&str, &str)]) -> Result<BrokerConfig> {
        let owned = own.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        BrokerConfig::from_overrides(&owned.collect())
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        assert_eq!(broker(&[]).ok(), Some(BrokerConfig::default()));
    }

    #[test]
    fn what_cannot_work_is_refused_when_the_engine_opens() {
        let bad = [
            ("group.consumer.assignors", "", "at least one"),
            ("group.consumer.assignors", "sticky", "uniform, range"),
            ("group.consumer.heartbeat.interval.ms", "45000", "below"),
            ("log.segment.bytes", "4", "1048576"),
            ("log.roll.ms", "-1", "at least 1"),
            ("retention.ms", "1", "did you mean log.retention.ms?"),
        ];
        for (name, text, part) in bad {
            let error = broker(&[(name, text)]).expect_err(name);
            assert_eq!(error.code(), Code::InvalidConfig, "{name}");
            assert!(error.message().contains(part), "{error}");
        }
    }
}
