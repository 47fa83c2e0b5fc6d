//! Batches that may not be stored as they came: another codec, the time of the append, or a wrong
//! max timestamp. Everything else about them stays, byte by byte.

use super::header::{Attributes, BatchHeader, HEADER_BYTES};
use super::validate::Rules;
use super::view::BatchView;
use crate::codec::compression::{Compression, Level, compress};
use crate::config::TimestampType;
use crate::error::Result;
use crate::types::Timestamp;

/// What must change in one batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    /// The codec that the topic wants, with its level.
    pub codec: Option<(Compression, Level)>,
    timestamps: Option<(TimestampType, Timestamp)>,
}

impl Change {
    /// What the topic's settings ask for.
    pub fn wanted(header: &BatchHeader, codec: Compression, rules: &Rules<'_>) -> Change {
        let mut change = Change::default();
        // Control records are never compressed, whatever the topic says: Kafka's rule.
        let control = header.attributes.is_control();
        if let Some(wanted) = rules.config.compression
            && wanted != codec
            && !control
            && header.count > 0
        {
            change.codec = Some((wanted, rules.config.compression_level));
        }
        if rules.config.message_timestamp_type == TimestampType::LogAppendTime {
            let stamped = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
            if !stamped || header.max_timestamp != rules.now {
                change.timestamps = Some((TimestampType::LogAppendTime, rules.now));
            }
        }
        change
    }

    /// The header's max timestamp must be the latest of the records, or look-ups by time would lie.
    pub fn max_timestamp(&mut self, header: &BatchHeader, found: Timestamp, rules: &Rules<'_>) {
        if rules.limits_timestamps() && header.max_timestamp != found {
            self.timestamps = Some((header.attributes.timestamp_type(), found));
        }
    }

    fn is_none(&self) -> bool {
        self.codec.is_none() && self.timestamps.is_none()
    }
}

/// The run of batches to store: the one that came until the first change, a copy from there on.
#[derive(Debug)]
pub(super) struct Output<'a> {
    source: &'a [u8],
    copy: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    pub fn new(source: &'a [u8]) -> Self {
        Output { source, copy: None }
    }

    /// Adds the batch that starts at `position` of the source; gives its header as it now is. `plain`
    /// is its decompressed payload, which a change of codec needs.
    pub fn take(
        &mut self,
        batch: &BatchView<'_>,
        position: usize,
        change: &Change,
        plain: Option<&[u8]>,
    ) -> Result<BatchHeader> {
        if change.is_none() {
            if let Some(copy) = &mut self.copy {
                copy.extend_from_slice(batch.bytes());
            }
            return Ok(*batch.header());
        }
        let copy = self.copy.get_or_insert_with(|| {
            let mut copy = Vec::with_capacity(self.source.len());
            copy.extend_from_slice(self.source.get(..position).unwrap_or_default());
            copy
        });
        let start = copy.len();
        let mut header = *batch.header();
        match (change.codec, plain) {
            (Some((codec, level)), Some(plain)) => {
                copy.resize(start + HEADER_BYTES, 0);
                compress(codec, level, plain, copy)?;
                header.attributes.0 = header.attributes.0 & !7 | codec as i16;
            }
            _ => copy.extend_from_slice(batch.bytes()),
        }
        if let Some((kind, max)) = change.timestamps {
            header.max_timestamp = max;
            header.attributes.0 &= !Attributes::LOG_APPEND_TIME;
            if kind == TimestampType::LogAppendTime {
                header.attributes.0 |= Attributes::LOG_APPEND_TIME;
            }
        }
        let written = copy.get_mut(start..).unwrap_or_default();
        header.write(written);
        BatchHeader::parse(written)
    }

    /// The copy, when anything changed.
    pub fn finish(self) -> Option<Vec<u8>> {
        self.copy
    }
}
