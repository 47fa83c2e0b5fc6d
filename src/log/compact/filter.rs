//! What becomes of one batch.

use std::collections::HashMap;

use super::keymap::KeyMap;
use super::txns::{Fate, TxnWalk};
use crate::codec::compression::{Compression, Level};
use crate::config::TimestampType;
use crate::error::Result;
use crate::log::{Aborted, LastRecord};
use crate::record::{BatchBuilder, BatchHeader, BatchView, BuildOptions, RecordView};
use crate::types::{Offset, ProducerId, Timestamp};

/// A batch that is in the log was bounded when it came in.
pub(super) const PLAIN_BYTES_MAX: usize = i32::MAX as usize;

/// The rules of one run.
#[derive(Debug)]
pub struct Rules {
    /// Last offset of each key below `map_end`, the dirty part's.
    pub map: KeyMap,
    /// Records at or above it were not put into the map: they stay.
    pub map_end: Offset,
    /// The end of the run: its last batch stays, so that the log's end can be told from the files.
    pub end: Offset,
    pub producers: HashMap<ProducerId, LastRecord>,
    pub now: Timestamp,
    pub delete_retention_ms: i64,
    /// The topic's codec, and the level for it. Batches keep their own codec, for which this level may
    /// mean nothing.
    pub codec: Option<Compression>,
    pub level: Level,
}

/// What to write for a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    Nothing,
    /// The batch as it is.
    Same,
    /// These bytes instead.
    Rebuilt(&'a [u8]),
}

/// Filters batches; buffers are kept from one to the next.
#[derive(Debug, Default)]
pub struct Filter {
    builder: BatchBuilder,
    scratch: Vec<u8>,
    /// For each record of the batch at hand whether it stays.
    stays: Vec<bool>,
}

/// The outcome and what else the caller must know.
#[derive(Debug)]
pub struct Filtered<'a> {
    pub outcome: Outcome<'a>,
    pub records: u64,
    /// For the new transaction index.
    pub aborted: Option<Aborted>,
    pub max_timestamp: Timestamp,
}

impl Filter {
    pub fn batch(
        &mut self,
        rules: &Rules,
        txns: &mut TxnWalk,
        batch: &BatchView<'_>,
    ) -> Result<Filtered<'_>> {
        let header = batch.header();
        let control = header.attributes.is_control();
        let (fate, aborted) = if control {
            txns.control(batch)?
        } else {
            (txns.data(header), None)
        };
        // A marker without data still waits, as a tombstone does, until readers have passed it.
        let horizon = delete_horizon(header);
        let over = horizon.is_some_and(|h| h <= rules.now);
        let discard = fate == Fate::Discard && (!control || over);
        let must_stay = rules.must_stay(header);
        let nothing = Filtered {
            outcome: Outcome::Nothing,
            records: 0,
            aborted,
            max_timestamp: Timestamp::NONE,
        };
        if discard && !must_stay {
            return Ok(nothing);
        }
        let records = batch.records(&mut self.scratch, PLAIN_BYTES_MAX)?;
        let (mut kept, mut all, mut tombstones) = (0_u64, 0_u64, false);
        self.stays.clear();
        for record in records.clone() {
            let record = record?;
            let stays = !discard && (control || rules.stays(&record, over));
            self.stays.push(stays);
            all += 1;
            kept += u64::from(stays);
            tombstones |= stays && !control && record.value.is_none();
        }
        let waits = tombstones || (control && fate == Fate::Discard);
        let set_horizon = waits && horizon.is_none() && header.base_offset < rules.map_end;
        let same = Filtered {
            outcome: Outcome::Same,
            records: kept,
            aborted,
            max_timestamp: header.max_timestamp,
        };
        if kept == 0 {
            return match must_stay {
                false => Ok(nothing),
                true if all == 0 => Ok(same),
                true => self.empty(header).map(|bytes| Filtered {
                    outcome: Outcome::Rebuilt(bytes),
                    ..same
                }),
            };
        }
        if kept == all && !set_horizon {
            return Ok(same);
        }
        let base = match set_horizon {
            true => Timestamp(rules.now.get().saturating_add(rules.delete_retention_ms)),
            false => header.base_timestamp,
        };
        let options = BuildOptions {
            level: rules.level_of(header),
            delete_horizon: header.attributes.has_delete_horizon() || set_horizon,
            ..BuildOptions::of(header)
        };
        self.builder.clear();
        self.builder.begin(base);
        for (record, _) in records.zip(&self.stays).filter(|(_, stays)| **stays) {
            let record = record?;
            // Below the last offset delta, which is an i32.
            let delta = i32::try_from(record.offset.since(header.base_offset)).unwrap_or(i32::MAX);
            self.builder.push_view(delta, &record);
        }
        let max = match options.timestamp_type {
            TimestampType::LogAppendTime => header.max_timestamp,
            TimestampType::CreateTime => self.builder.max_timestamp(),
        };
        let delta = header.last_offset_delta;
        let bytes = self.builder.finish_exact(&options, delta, base, max)?;
        Ok(Filtered {
            outcome: Outcome::Rebuilt(bytes),
            max_timestamp: max,
            ..same
        })
    }

    /// The header alone: offsets, producer, epoch and sequence survive.
    fn empty(&mut self, header: &BatchHeader) -> Result<&[u8]> {
        let options = BuildOptions {
            delete_horizon: false,
            ..BuildOptions::of(header)
        };
        let max = header.max_timestamp;
        self.builder.clear();
        self.builder
            .finish_exact(&options, header.last_offset_delta, max, max)
    }
}

impl Rules {
    /// The level to pack a batch with again: a topic's codec may have changed since the batch came.
    fn level_of(&self, header: &BatchHeader) -> Level {
        let own = header.attributes.compression();
        self.level.filter(|_| own == self.codec)
    }

    /// Whether the batch stays even without records: it ends the run, or the last sequence (or, of a
    /// producer that only a marker is known of, the epoch) of an active producer stands in it.
    fn must_stay(&self, header: &BatchHeader) -> bool {
        if header.next_offset() == self.end {
            return true;
        }
        if !header.producer_id.is_some() {
            return false;
        }
        let last = self.producers.get(&header.producer_id);
        last.is_some_and(|last| match last.last_data_offset {
            Some(offset) => offset == header.last_offset(),
            None => header.attributes.is_control() && header.producer_epoch == last.epoch,
        })
    }

    /// Whether a data record stays. `over`: the batch's delete horizon has passed.
    fn stays(&self, record: &RecordView<'_>, over: bool) -> bool {
        if record.offset >= self.map_end {
            return true;
        }
        // A record without a key cannot be found again by one: the topic was not compacted before.
        let Some(key) = record.key else {
            return false;
        };
        let newest = self.map.get(key).is_none_or(|last| record.offset >= last);
        newest && (record.value.is_some() || !over)
    }
}

/// KIP-534: from when on the tombstones of a cleaned batch may go.
fn delete_horizon(header: &BatchHeader) -> Option<Timestamp> {
    let has = header.attributes.has_delete_horizon();
    has.then_some(header.base_timestamp)
}
