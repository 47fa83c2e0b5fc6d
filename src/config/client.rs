//! The settings of producers and consumers, typed and checked.

use super::broker::Assignor;
use super::duration::parse_iso_duration_ms;
use super::keys::Scope;
use super::resolve::{Overrides, Settings};
use crate::codec::compression::{Compression, Level};
use crate::error::{Code, Error, Result};
use crate::types::IsolationLevel;

/// When a send is done; the setting `acks`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// Handed over.
    None,
    /// Appended.
    Leader,
    /// Written, as the topic's `levada.durability` says.
    #[default]
    All,
}

/// The typed settings of a producer.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerConfig {
    pub acks: Acks,
    pub batch_bytes: u32,
    pub buffer_bytes_max: i64,
    pub client_id: String,
    pub compression: Compression,
    pub compression_level: Level,
    pub delivery_timeout_ms: i64,
    pub idempotence: bool,
    pub linger_ms: i64,
    pub max_block_ms: i64,
    /// The largest record, uncompressed.
    pub request_bytes_max: u32,
    pub ignore_keys: bool,
    pub transaction_timeout_ms: u32,
    pub transactional_id: Option<String>,
}

impl ProducerConfig {
    /// The settings of a producer on which `own` is set.
    ///
    /// Errors: Invalid, code InvalidConfig. Idempotence that was not asked for gives way to `acks`
    /// other than `all`, as Kafka's does; asked for, the two contradict each other.
    pub fn from_overrides(own: &Overrides) -> Result<ProducerConfig> {
        let none = Overrides::new();
        let set = Settings::checked(Scope::Producer, own, &none)?;
        let acks = match set.text("acks")?.as_str() {
            "0" => Acks::None,
            "1" => Acks::Leader,
            _ => Acks::All,
        };
        let transactional_id = set.optional_text("transactional.id")?;
        let mut idempotence = set.boolean("enable.idempotence")?;
        if idempotence && acks != Acks::All {
            if set.is_set("enable.idempotence") || transactional_id.is_some() {
                return refuse("acks must be all for an idempotent or transactional producer");
            }
            idempotence = false;
        }
        if transactional_id.is_some() && !idempotence {
            return refuse("enable.idempotence must be true where transactional.id is set");
        }
        let compression = codec(&set.text("compression.type")?)?;
        let config = ProducerConfig {
            acks,
            batch_bytes: set.count("batch.size")?,
            buffer_bytes_max: set.long("buffer.memory")?,
            client_id: set.text("client.id")?,
            compression,
            compression_level: level(&set, compression)?,
            delivery_timeout_ms: set.long("delivery.timeout.ms")?,
            idempotence,
            linger_ms: set.long("linger.ms")?,
            max_block_ms: set.long("max.block.ms")?,
            request_bytes_max: set.count("max.request.size")?,
            ignore_keys: set.boolean("partitioner.ignore.keys")?,
            transaction_timeout_ms: set.count("transaction.timeout.ms")?,
            transactional_id,
        };
        if config.delivery_timeout_ms < config.linger_ms {
            return refuse("delivery.timeout.ms must not be below linger.ms");
        }
        Ok(config)
    }
}

impl Default for ProducerConfig {
    fn default() -> Self {
        ProducerConfig {
            acks: Acks::All,
            batch_bytes: 16_384,
            buffer_bytes_max: 32 << 20,
            client_id: String::new(),
            compression: Compression::None,
            compression_level: None,
            delivery_timeout_ms: 120_000,
            idempotence: true,
            linger_ms: 5,
            max_block_ms: 60_000,
            request_bytes_max: 1 << 20,
            ignore_keys: false,
            transaction_timeout_ms: 60_000,
            transactional_id: None,
        }
    }
}

/// Where a consumer starts when nothing else says it; `auto.offset.reset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetReset {
    Earliest,
    #[default]
    Latest,
    /// An error.
    None,
    /// The first record that is not older than that many milliseconds.
    ByDuration(i64),
}

/// The typed settings of a consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerConfig {
    pub auto_commit: bool,
    pub auto_commit_interval_ms: u32,
    pub offset_reset: OffsetReset,
    pub client_id: String,
    pub default_timeout_ms: u32,
    pub fetch_bytes_max: u32,
    pub fetch_bytes_min: u32,
    pub fetch_wait_ms_max: u32,
    pub partition_fetch_bytes_max: u32,
    pub group_id: Option<String>,
    pub group_instance_id: Option<String>,
    /// `None`: the first of the engine's.
    pub assignor: Option<Assignor>,
    pub isolation: IsolationLevel,
    pub poll_interval_ms_max: u32,
    pub poll_records_max: u32,
}

impl ConsumerConfig {
    /// The settings of a consumer on which `own` is set.
    ///
    /// Errors: Invalid, code InvalidConfig. Without a group nothing is committed by itself; asking
    /// for it is an error.
    pub fn from_overrides(own: &Overrides) -> Result<ConsumerConfig> {
        let none = Overrides::new();
        let set = Settings::checked(Scope::Consumer, own, &none)?;
        let group_id = set.optional_text("group.id")?;
        let mut auto_commit = set.boolean("enable.auto.commit")?;
        if auto_commit && group_id.is_none() {
            if set.is_set("enable.auto.commit") {
                return refuse("enable.auto.commit cannot be true without group.id");
            }
            auto_commit = false;
        }
        let group_instance_id = set.optional_text("group.instance.id")?;
        if group_instance_id.is_some() && group_id.is_none() {
            return refuse("group.instance.id has no meaning without group.id");
        }
        if !set.boolean("check.crcs")? {
            return refuse("check.crcs cannot be false: checksums are always compared");
        }
        let assignor = set.optional_text("group.remote.assignor")?;
        Ok(ConsumerConfig {
            auto_commit,
            auto_commit_interval_ms: set.count("auto.commit.interval.ms")?,
            offset_reset: offset_reset(&set.text("auto.offset.reset")?)?,
            client_id: set.text("client.id")?,
            default_timeout_ms: set.count("default.api.timeout.ms")?,
            fetch_bytes_max: set.count("fetch.max.bytes")?,
            fetch_bytes_min: set.count("fetch.min.bytes")?,
            fetch_wait_ms_max: set.count("fetch.max.wait.ms")?,
            partition_fetch_bytes_max: set.count("max.partition.fetch.bytes")?,
            group_id,
            group_instance_id,
            assignor: assignor.as_deref().and_then(Assignor::from_name),
            isolation: match set.text("isolation.level")?.as_str() {
                "read_committed" => IsolationLevel::ReadCommitted,
                _ => IsolationLevel::ReadUncommitted,
            },
            poll_interval_ms_max: set.count("max.poll.interval.ms")?,
            poll_records_max: set.count("max.poll.records")?,
        })
    }
}

impl Default for ConsumerConfig {
    /// A consumer without a group.
    fn default() -> Self {
        ConsumerConfig {
            auto_commit: false,
            auto_commit_interval_ms: 5_000,
            offset_reset: OffsetReset::Latest,
            client_id: String::new(),
            default_timeout_ms: 60_000,
            fetch_bytes_max: 50 << 20,
            fetch_bytes_min: 1,
            fetch_wait_ms_max: 500,
            partition_fetch_bytes_max: 1 << 20,
            group_id: None,
            group_instance_id: None,
            assignor: None,
            isolation: IsolationLevel::ReadUncommitted,
            poll_interval_ms_max: 300_000,
            poll_records_max: 500,
        }
    }
}

fn offset_reset(text: &str) -> Result<OffsetReset> {
    let back = text.strip_prefix("by_duration:");
    Ok(match (text, back.and_then(parse_iso_duration_ms)) {
        ("earliest", _) => OffsetReset::Earliest,
        ("latest", _) => OffsetReset::Latest,
        ("none", _) => OffsetReset::None,
        (_, Some(ms)) => OffsetReset::ByDuration(ms),
        _ => return Err(Error::internal(format!("no offset reset {text}"))),
    })
}

/// The codec called `name`, `none` and `uncompressed` included.
pub(super) fn codec(name: &str) -> Result<Compression> {
    Ok(match name {
        "none" | "uncompressed" => Compression::None,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => return Err(Error::internal(format!("no codec {name}"))),
    })
}

/// The level set for `codec`, or `None` for the codec's default.
pub(super) fn level(set: &Settings<'_>, codec: Compression) -> Result<Level> {
    let (name, codec_default) = match codec {
        Compression::Gzip => ("compression.gzip.level", -1),
        Compression::Lz4 => ("compression.lz4.level", 9),
        Compression::Zstd => ("compression.zstd.level", 3),
        Compression::None | Compression::Snappy => return Ok(None),
    };
    let level = set.int(name)?;
    Ok((level != codec_default).then_some(level))
}

fn refuse<T>(why: &str) -> Result<T> {
    Err(Error::coded(Code::InvalidConfig, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(own: &[(&str, &str)]) -> Overrides {
        let owned = own.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        owned.collect()
    }

    fn producer(own: &[(&str, &str)]) -> Result<ProducerConfig> {
        ProducerConfig::from_overrides(&overrides(own))
    }

    fn consumer(own: &[(&str, &str)]) -> Result<ConsumerConfig> {
        ConsumerConfig::from_overrides(&overrides(own))
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        assert_eq!(producer(&[]).ok(), Some(ProducerConfig::default()));
        assert_eq!(consumer(&[]).ok(), Some(ConsumerConfig::default()));
    }

    #[test]
    fn idempotence_gives_way_to_acks_unless_it_was_asked_for() {
        let one = producer(&[("acks", "1")]).expect("valid");
        assert_eq!((one.acks, one.idempotence), (Acks::Leader, false));
        let all = producer(&[("acks", "-1")]).expect("valid");
        assert_eq!((all.acks, all.idempotence), (Acks::All, true));
        let bad: [&[_]; 4] = [
            &[("acks", "1"), ("enable.idempotence", "true")],
            &[("acks", "0"), ("transactional.id", "t")],
            &[("enable.idempotence", "false"), ("transactional.id", "t")],
            &[("linger.ms", "200000")],
        ];
        for own in bad {
            let error = producer(own).expect_err("contradiction");
            assert_eq!(error.code(), Code::InvalidConfig);
        }
    }

    #[test]
    fn a_consumer_commits_by_itself_only_in_a_group() {
        assert!(consumer(&[("group.id", "g")]).expect("valid").auto_commit);
        assert!(!consumer(&[]).expect("valid").auto_commit);
        assert!(consumer(&[("enable.auto.commit", "true")]).is_err());
        assert!(consumer(&[("group.instance.id", "i")]).is_err());
    }

    #[test]
    fn checksums_cannot_be_left_unchecked() {
        assert!(consumer(&[("check.crcs", "true")]).is_ok());
        let error = consumer(&[("check.crcs", "false")]).expect_err("refused");
        assert_eq!(error.code(), Code::InvalidConfig);
    }

    #[test]
    fn offset_reset_takes_a_duration() {
        let of = |text| consumer(&[("auto.offset.reset", text)]).map(|c| c.offset_reset);
        assert_eq!(of("earliest").ok(), Some(OffsetReset::Earliest));
        let hour = of("by_duration:PT1H").ok();
        assert_eq!(hour, Some(OffsetReset::ByDuration(3_600_000)));
        assert!(of("by_duration:-PT1H").is_err());
        assert!(of("smallest").is_err());
    }
}
