//! What a produced run of batches must satisfy before it may enter a log (Kafka's LogValidator).
//!
//! Cost: O(1) a batch for trusted ones; else one checksum and one walk, and for compressed ones a
//! decompression into memory that the thread keeps.

use std::cell::RefCell;

use super::header::BatchHeader;
use super::rewrite::{Change, Output};
use super::span::Spans;
use super::view::{BatchView, Batches};
use crate::config::TopicConfig;
use crate::error::{Code, Error, Result};
use crate::types::Timestamp;

/// The rules that depend on the topic and the moment.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub config: &'a TopicConfig,
    pub now: Timestamp,
    /// Whether control batches may come in (a coordinator writes them, a client never).
    pub internal: bool,
    /// The bytes were built in this process by [`super::BatchBuilder`]: their CRC is not computed again.
    pub trusted: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// One header for each batch, in order, as it is to be stored.
    pub batches: smallvec::SmallVec<[BatchHeader; 1]>,
    /// Some batch must be written anew (other codec wanted, LogAppendTime): these bytes instead.
    pub rewritten: Option<Vec<u8>>,
    pub records: i64,
}

/// Checks lengths, magic, CRC, counts, offset deltas, codec, every record's framing, timestamps,
/// null keys on compacted topics and sizes. Errors carry Kafka's codes (see `docs/architecture.md`):
/// 2 for damage, 10 for size, 32 for timestamps, 76 for the codec, 87 for the rest.
///
/// A trusted batch is checked by its header alone, but on a compacted topic, where its keys are.
pub fn validate(bytes: &[u8], rules: &Rules<'_>) -> Result<Checked> {
    let mut checked = Checked {
        batches: smallvec::SmallVec::new(),
        rewritten: None,
        records: 0,
    };
    let mut output = Output::new(bytes);
    let mut batches = Batches::new(bytes);
    loop {
        let position = batches.position();
        let Some(batch) = batches.next() else { break };
        let batch = batch.map_err(as_produced)?;
        let header = check_batch(&batch, rules, position, &mut output)
            .map_err(|e| e.at(format_args!("position {position}")))?;
        checked.records += i64::from(header.count);
        checked.batches.push(header);
    }
    if checked.batches.is_empty() || !batches.rest().is_empty() {
        return Err(invalid(format!(
            "position {}: {} bytes are no whole batch",
            batches.position(),
            batches.rest().len()
        )));
    }
    checked.rewritten = output.finish();
    Ok(checked)
}

/// Kafka answers a produce of an old message format with INVALID_RECORD.
fn as_produced(error: Error) -> Error {
    match error.code() {
        Code::UnsupportedForMessageFormat => error.with_code(Code::InvalidRecord),
        _ => error,
    }
}

/// One batch; gives its header as it is to be stored.
fn check_batch(
    batch: &BatchView<'_>,
    rules: &Rules<'_>,
    position: usize,
    output: &mut Output<'_>,
) -> Result<BatchHeader> {
    let header = batch.header();
    check_size(header.size_bytes, rules)?;
    if !rules.trusted {
        batch.check_crc()?;
    }
    let codec = batch.compression()?;
    if !rules.internal {
        check_client_header(header, rules)?;
    }
    let mut change = Change::wanted(header, codec, rules);
    let keys_needed = rules.config.cleanup.compact && !header.attributes.is_control();
    let walk = !rules.trusted || (keys_needed && !rules.internal);
    if !walk && change.codec.is_none() {
        check_header_timestamps(header, rules)?;
        return output.take(batch, position, &change, None);
    }
    with_plain(batch, rules, |plain| {
        let found = check_records(header, plain, rules, keys_needed)?;
        change.max_timestamp(header, found, rules);
        output.take(batch, position, &change, Some(plain))
    })
    .and_then(|stored| {
        // Another codec may have made it larger.
        check_size(stored.size_bytes, rules)?;
        Ok(stored)
    })
}

fn check_size(size_bytes: usize, rules: &Rules<'_>) -> Result<()> {
    let max = rules.config.max_message_bytes as usize;
    if rules.internal || size_bytes <= max {
        return Ok(());
    }
    Err(Error::coded(
        Code::MessageTooLarge,
        format!(
            "the batch has {size_bytes} bytes, max.message.bytes allows {max}: send smaller batches \
             or raise the setting"
        ),
    ))
}

/// What a client may not write into a header.
fn check_client_header(header: &BatchHeader, rules: &Rules<'_>) -> Result<()> {
    let attributes = header.attributes;
    let producer = header.producer_id;
    if attributes.is_control() {
        return Err(invalid("a client must not write control batches"));
    }
    if attributes.has_delete_horizon() {
        return Err(invalid("a client must not set a delete horizon"));
    }
    if !header.is_dense() {
        return Err(invalid(format!(
            "the batch says {} records, but its last offset delta is {}",
            header.count, header.last_offset_delta
        )));
    }
    if producer.is_some() && (header.base_sequence < 0 || header.producer_epoch.get() < 0) {
        return Err(invalid(format!(
            "producer id {producer} comes with sequence {} and epoch {}: neither may be negative",
            header.base_sequence, header.producer_epoch
        )));
    }
    if attributes.is_transactional() && !producer.is_some() {
        return Err(invalid("a transactional batch needs a producer id"));
    }
    if rules.trusted {
        return Ok(());
    }
    if header.base_offset.get() != 0 {
        return Err(invalid(format!(
            "the base offset of a produced batch must be 0, not {}",
            header.base_offset
        )));
    }
    if attributes.timestamp_type() == crate::config::TimestampType::LogAppendTime {
        return Err(Error::coded(
            Code::InvalidTimestamp,
            "a client must not set the timestamp type LogAppendTime",
        ));
    }
    Ok(())
}

/// The timestamps of a batch that is not walked: its first and its latest.
fn check_header_timestamps(header: &BatchHeader, rules: &Rules<'_>) -> Result<()> {
    if !rules.limits_timestamps() {
        return Ok(());
    }
    check_timestamp(header.base_timestamp, rules)?;
    check_timestamp(header.max_timestamp, rules)
}

impl Rules<'_> {
    /// Whether the timestamps that came stay, and so must be within the topic's bounds.
    pub(super) fn limits_timestamps(&self) -> bool {
        !self.internal
            && self.config.message_timestamp_type == crate::config::TimestampType::CreateTime
    }

    /// How much a batch may become when decompressed: far above what a producer packs into
    /// `max.message.bytes`, far below what a bomb would take, and within the topic's own limit.
    fn plain_bytes_max(&self) -> usize {
        let scaled = (self.config.max_message_bytes as usize).saturating_mul(64);
        let own = self.config.max_decompressed_message_bytes as usize;
        scaled.max(64 << 20).min(own)
    }
}

#[inline(always)]
fn check_timestamp(timestamp: Timestamp, rules: &Rules<'_>) -> Result<()> {
    if timestamp == Timestamp::NONE {
        return Ok(());
    }
    let age = rules.now.get().saturating_sub(timestamp.get());
    let ahead = timestamp.get().saturating_sub(rules.now.get());
    let before = rules.config.message_timestamp_before_max_ms;
    let after = rules.config.message_timestamp_after_max_ms;
    if age > before || ahead > after {
        return Err(timestamp_error(timestamp, rules));
    }
    Ok(())
}

#[cold]
fn timestamp_error(timestamp: Timestamp, rules: &Rules<'_>) -> Error {
    let now = rules.now.get();
    let from = now.saturating_sub(rules.config.message_timestamp_before_max_ms);
    let to = now.saturating_add(rules.config.message_timestamp_after_max_ms);
    Error::coded(
        Code::InvalidTimestamp,
        format!(
            "timestamp {timestamp} is outside of {from} to {to}, which message.timestamp.before.max.ms \
             and message.timestamp.after.max.ms allow now"
        ),
    )
}

/// Walks the records; gives their latest timestamp, `NONE` when none has one.
fn check_records(
    header: &BatchHeader,
    plain: &[u8],
    rules: &Rules<'_>,
    keys_needed: bool,
) -> Result<Timestamp> {
    let limited = rules.limits_timestamps();
    let keys_needed = keys_needed && !rules.internal;
    let mut latest = Timestamp::NONE;
    for (at, span) in Spans::new(header, plain).enumerate() {
        let span = span?;
        if keys_needed && span.key.is_none() {
            return Err(no_key().at(format_args!("record {at}")));
        }
        if limited {
            check_timestamp(span.timestamp, rules)
                .map_err(|e| e.at(format_args!("record {at}")))?;
        }
        latest = latest.max(span.timestamp);
    }
    Ok(latest)
}

#[cold]
fn no_key() -> Error {
    invalid("a record without a key, which a compacted topic needs")
}

/// The most records that are named as the cause of a refusal.
const BLAMED_MAX: usize = 1 << 16;

/// Which records of a batch that [`validate`] refused are to blame, by their index in it, and for what:
/// those without a key on a compacted topic, and those whose timestamps are out of bounds. Empty where
/// the batch as a whole is: the others of a batch are no better then.
///
/// Cost: one more walk, and a message for each; for batches that were refused only.
pub fn blamed(bytes: &[u8], rules: &Rules<'_>) -> Vec<(i32, Error)> {
    let Some(Ok(batch)) = Batches::new(bytes).next() else {
        return Vec::new();
    };
    let keys_needed = rules.config.cleanup.compact;
    let limited = rules.limits_timestamps();
    let found = with_plain(&batch, rules, |plain| {
        let mut found = Vec::new();
        for (at, span) in (0..).zip(Spans::new(batch.header(), plain)) {
            let span = span?;
            if keys_needed && span.key.is_none() {
                found.push((at, no_key()));
            } else if limited && let Err(error) = check_timestamp(span.timestamp, rules) {
                found.push((at, error));
            }
            if found.len() > BLAMED_MAX {
                return Ok(Vec::new());
            }
        }
        Ok(found)
    });
    found.unwrap_or_default()
}

thread_local! {
    /// Where compressed batches are unpacked for the walk.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a thread keeps of its scratch memory between batches.
const SCRATCH_KEPT_BYTES: usize = 4 << 20;

fn with_plain<T>(
    batch: &BatchView<'_>,
    rules: &Rules<'_>,
    then: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<T> {
    if let Some(plain) = batch.plain_in_place()? {
        return then(plain);
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        let done = batch
            .decompress_into(scratch, rules.plain_bytes_max())
            .and_then(|()| then(scratch));
        scratch.clear();
        scratch.shrink_to(SCRATCH_KEPT_BYTES);
        done
    })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::coded(Code::InvalidRecord, message)
}
