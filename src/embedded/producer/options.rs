//! A producer's settings, under Kafka's names.

use std::time::Duration;

use crate::codec::compression::{Compression, Level};
use crate::config::{self, Overrides, ProducerConfig};
use crate::error::{Code, Error, Result};

/// When a record counts as delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// When visible: durable with `levada.durability=disk`, appended with `cache`.
    #[default]
    All,
    /// When appended to the page cache.
    Leader,
}

/// The settings of a producer. Defaults are Kafka's.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// `batch.size`: a batch of this many bytes is appended at once.
    pub batch_bytes: usize,
    /// `linger.ms`: how long a batch that is not full waits for more.
    pub linger: Duration,
    /// `buffer.memory`: bytes that are not delivered yet; above it `send` waits.
    pub buffer_bytes: usize,
    /// `max.block.ms`: how long `send` waits for room before it fails.
    pub block_max: Duration,
    /// `delivery.timeout.ms`: how long after its batch was begun a record that is not delivered
    /// fails; it may still become so.
    pub delivery_timeout: Duration,
    /// `max.request.size`: the largest record.
    pub request_bytes_max: usize,
    /// `compression.type` and the codec's level.
    pub compression: Compression,
    pub level: Level,
    /// `enable.idempotence`.
    pub idempotent: bool,
    pub acks: Acks,
    /// `transactional.id`: the producer sends in transactions alone, and fences those of the same id that
    /// came before.
    pub transactional_id: Option<String>,
    /// `transaction.timeout.ms`: a transaction that is open for longer is aborted.
    pub transaction_timeout: Duration,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        ProducerOptions {
            batch_bytes: 16_384,
            linger: Duration::from_millis(5),
            buffer_bytes: 32 << 20,
            block_max: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(120),
            request_bytes_max: 1 << 20,
            compression: Compression::None,
            level: None,
            idempotent: true,
            acks: Acks::All,
            transactional_id: None,
            transaction_timeout: Duration::from_secs(60),
        }
    }
}

impl ProducerOptions {
    /// From settings under Kafka's names.
    ///
    /// Errors: Invalid, code InvalidConfig, also for what a producer in process does not do.
    pub fn from_settings(own: &Overrides) -> Result<ProducerOptions> {
        let config = ProducerConfig::from_overrides(own)?;
        let refuse = |why: &str| Err(Error::coded(Code::InvalidConfig, why));
        if config.ignore_keys {
            return refuse("partitioner.ignore.keys: name the partition of each record instead");
        }
        let ms = |ms: i64| Duration::from_millis(ms.max(0).unsigned_abs());
        Ok(ProducerOptions {
            batch_bytes: config.batch_bytes as usize,
            linger: ms(config.linger_ms),
            buffer_bytes: usize::try_from(config.buffer_bytes_max).unwrap_or(usize::MAX),
            block_max: ms(config.max_block_ms),
            delivery_timeout: ms(config.delivery_timeout_ms),
            request_bytes_max: config.request_bytes_max as usize,
            compression: config.compression,
            level: config.compression_level,
            idempotent: config.idempotence,
            // Handed over is appended here: in one process nothing comes between.
            acks: match config.acks {
                config::Acks::All => Acks::All,
                config::Acks::Leader | config::Acks::None => Acks::Leader,
            },
            transactional_id: config.transactional_id,
            transaction_timeout: ms(i64::from(config.transaction_timeout_ms)),
        })
    }
}
