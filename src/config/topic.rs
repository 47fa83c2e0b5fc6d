//! A topic's settings as the log wants them: typed, checked, defaults filled in.

use super::client::{codec, level};
use super::keys::Scope;
use super::resolve::{Overrides, Settings};
use crate::codec::compression::{Compression, Level};
use crate::error::{Code, Error, Result};

/// What an acknowledgement promises; the setting `levada.durability`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Acknowledged and visible when synced to the disk.
    #[default]
    Disk,
    /// Acknowledged and visible when in the page cache, as Kafka does: a power cut may lose it.
    Cache,
}

/// `cleanup.policy`; both may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    pub delete: bool,
    pub compact: bool,
}

/// `message.timestamp.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    #[default]
    CreateTime,
    LogAppendTime,
}

/// The typed settings of one topic. `None` stands for Kafka's -1, "no limit".
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    pub cleanup: Cleanup,
    /// `compression.type`; `None` is `producer`: keep what came.
    pub compression: Option<Compression>,
    pub compression_level: Level,
    pub delete_retention_ms: i64,
    pub durability: Durability,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub index_interval_bytes: u32,
    pub max_compaction_lag_ms: i64,
    pub max_message_bytes: u32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_type: TimestampType,
    pub min_cleanable_dirty_ratio: f64,
    pub min_compaction_lag_ms: i64,
    pub retention_bytes: Option<i64>,
    pub retention_ms: Option<i64>,
    pub segment_bytes: u32,
    pub segment_index_bytes: u32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    /// `levada.archive.after.ms`; `None`: age alone archives nothing.
    pub archive_after_ms: Option<i64>,
    /// `levada.archive.after.bytes`; `None`: size alone archives nothing.
    pub archive_after_bytes: Option<i64>,
    /// `levada.archive.file.bytes`: how large an archive file should become.
    pub archive_file_bytes: i64,
    /// `max.decompressed.message.bytes`: a batch that unfolds to more is refused.
    pub max_decompressed_message_bytes: u32,
    /// `producer.id.expiration.ms` of the broker.
    pub producer_id_expiration_ms: i64,
}

impl Default for TopicConfig {
    fn default() -> Self {
        TopicConfig {
            cleanup: Cleanup {
                delete: true,
                compact: false,
            },
            compression: None,
            compression_level: None,
            delete_retention_ms: 86_400_000,
            durability: Durability::Disk,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            index_interval_bytes: 4096,
            max_compaction_lag_ms: i64::MAX,
            max_message_bytes: 1_048_588,
            message_timestamp_after_max_ms: 3_600_000,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_type: TimestampType::CreateTime,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            retention_bytes: None,
            retention_ms: Some(604_800_000),
            segment_bytes: 1 << 30,
            segment_index_bytes: 10 << 20,
            segment_jitter_ms: 0,
            segment_ms: 604_800_000,
            archive_after_ms: None,
            archive_after_bytes: None,
            archive_file_bytes: 256 << 20,
            max_decompressed_message_bytes: 2_147_483_639,
            producer_id_expiration_ms: 86_400_000,
        }
    }
}

impl TopicConfig {
    /// The settings of a topic on which `own` is set, in an engine on which `broker` is set.
    ///
    /// Errors: Invalid, code InvalidConfig, for unknown names, values out of range and values that
    /// contradict each other.
    pub fn from_overrides(own: &Overrides, broker: &Overrides) -> Result<TopicConfig> {
        let topic = Settings::checked(Scope::Topic, own, broker)?;
        check_together(&topic)?;
        let compression = match topic.text("compression.type")?.as_str() {
            "producer" => None,
            name => Some(codec(name)?),
        };
        let policy = topic.list("cleanup.policy")?;
        let segment_bytes = match topic.is_set("internal.segment.bytes") {
            true => topic.count("internal.segment.bytes")?,
            false => topic.count("segment.bytes")?,
        };
        let no_topics = Overrides::new();
        let engine = Settings::checked(Scope::Broker, broker, &no_topics)?;
        Ok(TopicConfig {
            cleanup: Cleanup {
                delete: policy.iter().any(|p| p == "delete"),
                compact: policy.iter().any(|p| p == "compact"),
            },
            compression,
            compression_level: level(&topic, compression.unwrap_or_default())?,
            delete_retention_ms: topic.long("delete.retention.ms")?,
            durability: match topic.text("levada.durability")?.as_str() {
                "cache" => Durability::Cache,
                _ => Durability::Disk,
            },
            file_delete_delay_ms: topic.long("file.delete.delay.ms")?,
            flush_messages: topic.long("flush.messages")?,
            flush_ms: topic.long("flush.ms")?,
            index_interval_bytes: topic.count("index.interval.bytes")?,
            max_compaction_lag_ms: topic.long("max.compaction.lag.ms")?,
            max_message_bytes: topic.count("max.message.bytes")?,
            message_timestamp_after_max_ms: topic.long("message.timestamp.after.max.ms")?,
            message_timestamp_before_max_ms: topic.long("message.timestamp.before.max.ms")?,
            message_timestamp_type: match topic.text("message.timestamp.type")?.as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            min_cleanable_dirty_ratio: topic.double("min.cleanable.dirty.ratio")?,
            min_compaction_lag_ms: topic.long("min.compaction.lag.ms")?,
            retention_bytes: topic.limit("retention.bytes")?,
            retention_ms: topic.limit("retention.ms")?,
            segment_bytes,
            segment_index_bytes: topic.count("segment.index.bytes")?,
            segment_jitter_ms: topic.long("segment.jitter.ms")?,
            segment_ms: topic.long("segment.ms")?,
            archive_after_ms: topic.limit("levada.archive.after.ms")?,
            archive_after_bytes: topic.limit("levada.archive.after.bytes")?,
            archive_file_bytes: topic.long("levada.archive.file.bytes")?,
            max_decompressed_message_bytes: topic.count("max.decompressed.message.bytes")?,
            producer_id_expiration_ms: engine.long("producer.id.expiration.ms")?,
        })
    }
}

/// What no single value shows to be wrong.
fn check_together(topic: &Settings<'_>) -> Result<()> {
    let (least, most) = (
        topic.long("min.compaction.lag.ms")?,
        topic.long("max.compaction.lag.ms")?,
    );
    if least > most {
        return Err(Error::coded(
            Code::InvalidConfig,
            format!(
                "min.compaction.lag.ms ({least}) must not be above max.compaction.lag.ms ({most})"
            ),
        ));
    }
    if topic.boolean("remote.storage.enable")? {
        return Err(Error::coded(
            Code::InvalidConfig,
            "remote.storage.enable cannot be true: there is no tiered storage of Kafka's kind; \
             set levada.archive.after.ms to move old segments to the archive",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> Overrides {
        let owned = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        owned.collect()
    }

    fn topic(own: &[(&str, &str)], broker: &[(&str, &str)]) -> Result<TopicConfig> {
        TopicConfig::from_overrides(&overrides(own), &overrides(broker))
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        assert_eq!(topic(&[], &[]).ok(), Some(TopicConfig::default()));
    }

    #[test]
    fn own_value_goes_before_the_brokers_and_finer_units_before_coarser() {
        let hours = ("log.retention.hours", "2");
        let minutes = ("log.retention.minutes", "3");
        let cases: [(&[_], &[_], Option<i64>); 6] = [
            (&[], &[hours], Some(7_200_000)),
            (&[], &[hours, minutes], Some(180_000)),
            (&[], &[hours, minutes, ("log.retention.ms", "4")], Some(4)),
            (&[], &[("log.retention.hours", "-1")], None),
            (&[("retention.ms", "5")], &[hours], Some(5)),
            (&[("retention.ms", "-1")], &[hours], None),
        ];
        for (own, broker, expected) in cases {
            let config = topic(own, broker).expect("valid");
            assert_eq!(config.retention_ms, expected, "{own:?} {broker:?}");
        }
    }

    #[test]
    fn cleanup_policy_may_be_both_or_none() {
        let of = |text| topic(&[("cleanup.policy", text)], &[]).map(|c| c.cleanup);
        let made = |delete, compact| Some(Cleanup { delete, compact });
        assert_eq!(of("compact").ok(), made(false, true));
        assert_eq!(of("compact,delete").ok(), made(true, true));
        assert_eq!(of("").ok(), made(false, false));
    }

    #[test]
    fn the_internal_segment_size_goes_below_the_public_limit() {
        let tiny = topic(&[("internal.segment.bytes", "512")], &[]).expect("valid");
        assert_eq!(tiny.segment_bytes, 512);
        assert!(topic(&[("segment.bytes", "512")], &[]).is_err());
    }

    #[test]
    fn a_level_counts_only_for_the_codec_in_use() {
        let pairs = [
            ("compression.type", "zstd"),
            ("compression.zstd.level", "7"),
            ("compression.gzip.level", "2"),
        ];
        let config = topic(&pairs, &[]).expect("valid");
        assert_eq!(config.compression, Some(Compression::Zstd));
        assert_eq!(config.compression_level, Some(7));
        assert_eq!(
            topic(&pairs[1..], &[]).expect("valid").compression_level,
            None
        );
    }

    #[test]
    fn contradictions_and_unknown_names_are_refused_with_code_40() {
        let lags = [
            ("min.compaction.lag.ms", "20"),
            ("max.compaction.lag.ms", "10"),
        ];
        let bad: [(&[_], &str); 4] = [
            (&lags, "min.compaction.lag.ms (20)"),
            (&[("retention.mss", "1")], "did you mean retention.ms?"),
            (
                &[("remote.storage.enable", "true")],
                "levada.archive.after.ms",
            ),
            (&[("message.format.version", "2.0")], "unknown"),
        ];
        for (own, part) in bad {
            let error = topic(own, &[]).expect_err(part);
            assert_eq!(error.code(), Code::InvalidConfig);
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn a_broker_value_that_no_topic_may_have_names_the_broker_setting() {
        let error = topic(&[], &[("log.flush.interval.ms", "-7")]).expect_err("negative");
        assert!(error.message().contains("log.flush.interval.ms"), "{error}");
        let huge = topic(&[], &[("log.roll.hours", "2147483647")]).expect("fits 64 bits");
        assert_eq!(huge.segment_ms, 2_147_483_647 * 3_600_000);
    }
}
