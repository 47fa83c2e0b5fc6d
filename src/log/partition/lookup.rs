//! Look-ups by time, by epoch, and of aborted transactions.

use std::sync::Arc;

use super::Partition;
use super::options::{Aborted, Read};
use super::read::{TRIES_MAX, is_raced};
use crate::error::{Error, Kind, Result};
use crate::log::index::{TxnIndex, TxnSearch};
use crate::log::recover;
use crate::log::segment::{Indexes, Segment};
use crate::record::{BatchView, Batches};
use crate::types::{IsolationLevel, LeaderEpoch, Offset, Timestamp};

/// How much is read at once while looking for a record by time.
const STEP_BYTES: usize = 64 << 10;

/// What is stored was accepted once, so its size is not bounded again.
const PLAIN_BYTES_MAX: usize = i32::MAX as usize;

impl Partition {
    /// The first visible record at or after `timestamp`.
    pub fn offset_for_time(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        self.again(|| self.offset_for_time_once(timestamp))
    }

    /// Asks again when segments, or archived files, went away under the question: the ones of now are
    /// looked at then.
    fn again<T>(&self, ask: impl Fn() -> Result<T>) -> Result<T> {
        let mut left = TRIES_MAX;
        loop {
            left -= 1;
            match ask() {
                Err(e) if left > 0 && is_raced(&e) => {}
                outcome => return outcome,
            }
        }
    }

    fn offset_for_time_once(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        let ends = self.ends();
        let local = self
            .state
            .read()
            .segments
            .first()
            .map_or(ends.appended, |s| s.base);
        if ends.log_start < local
            && let Some(found) = self.options.cold.offset_for_time(timestamp)?
            && found.0 < local
        {
            if found.0 >= ends.log_start {
                return Ok(Some(found));
            }
            // The archive still has records below the log start: look behind them, record by record.
            return self.first_at_or_after(ends.log_start, timestamp);
        }
        for segment in self.segments_from(ends.log_start) {
            if self.latest_of(&segment)?.0 < timestamp {
                continue;
            }
            let (_, offset) = self.with_indexes(&segment, |i| i.time.lookup(timestamp))?;
            let from = offset.max(segment.base).max(ends.log_start);
            return self.first_at_or_after(from, timestamp);
        }
        Ok(None)
    }

    /// Walks visible records from `from` on. Batches that are too old as a whole are passed over by
    /// their header.
    fn first_at_or_after(
        &self,
        from: Offset,
        timestamp: Timestamp,
    ) -> Result<Option<(Offset, Timestamp)>> {
        let (mut at, mut scratch) = (from, Vec::new());
        loop {
            let chunk = self.read_step(at)?;
            let mut next = at;
            for batch in Batches::new(&chunk) {
                let batch = batch?;
                next = batch.header().next_offset();
                if batch.header().max_timestamp < timestamp {
                    continue;
                }
                let wanted = |o: Offset, t: Timestamp| o >= from && t >= timestamp;
                if let Some(found) = first_record(&batch, &mut scratch, wanted)? {
                    return Ok(Some(found));
                }
            }
            if next == at {
                return Ok(None);
            }
            at = next;
        }
    }

    /// The visible record with the latest timestamp (ListOffsets -3): the first, where several share it.
    pub fn max_timestamp(&self) -> Result<Option<(Offset, Timestamp)>> {
        self.again(|| self.max_timestamp_once())
    }

    fn max_timestamp_once(&self) -> Result<Option<(Offset, Timestamp)>> {
        let ends = self.ends();
        let mut latest: Option<Timestamp> = None;
        for segment in self.segments_from(ends.log_start) {
            if segment.base >= ends.visible {
                break;
            }
            let timestamp = match segment.tail().next <= ends.visible {
                true => Some(self.latest_of(&segment)?.0),
                false => self.latest_below(&segment, ends.visible)?,
            };
            latest = latest.max(timestamp);
        }
        let cold = match ends.log_start < ends.local_start {
            true => self.options.cold.max_timestamp()?,
            false => None,
        };
        let local = latest.filter(|t| *t > Timestamp::NONE);
        match (cold, local) {
            (Some(cold), local) if local.is_none_or(|t| t <= cold.1) => Ok(Some(cold)),
            (_, Some(timestamp)) => self.offset_for_time(timestamp),
            (_, None) => Ok(None),
        }
    }

    /// The latest timestamp in the visible part of the active segment.
    fn latest_below(&self, segment: &Arc<Segment>, end: Offset) -> Result<Option<Timestamp>> {
        // Entries name the largest timestamp so far, so the last one below the end covers all before.
        let entries = self.with_indexes(segment, |i| i.time.entries())?;
        let below = entries.partition_point(|(_, offset)| *offset < end);
        let (mut latest, mut at) = match below.checked_sub(1).and_then(|i| entries.get(i).copied())
        {
            Some((timestamp, offset)) => (Some(timestamp), offset),
            None => (None, segment.base),
        };
        at = at.max(self.ends().log_start);
        while at < end {
            let chunk = self.read_step(at)?;
            let before = at;
            for batch in Batches::new(&chunk) {
                let batch = batch?;
                at = batch.header().next_offset();
                latest = latest.max(Some(batch.header().max_timestamp));
            }
            if at == before {
                break;
            }
        }
        Ok(latest)
    }

    /// Some visible batches from the one that holds `at` on.
    fn read_step(&self, at: Offset) -> Result<bytes::Bytes> {
        let chunk = self.read(Read {
            from: at,
            max_bytes: STEP_BYTES,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        })?;
        Ok(chunk.batches)
    }

    fn segments_from(&self, offset: Offset) -> Vec<Arc<Segment>> {
        self.state.read().segments.from(offset).cloned().collect()
    }

    /// The largest timestamp of a segment.
    pub(in crate::log) fn latest_of(&self, segment: &Arc<Segment>) -> Result<(Timestamp, Offset)> {
        match segment.latest() {
            Err(e) if e.kind() == Kind::Corrupt => {
                self.with_indexes(segment, |i| i.time.last())?;
                segment.latest()
            }
            other => other,
        }
    }

    /// Asks offset or time index of a segment; a damaged one is made anew first.
    pub(in crate::log) fn with_indexes<T>(
        &self,
        segment: &Arc<Segment>,
        ask: impl Fn(&Indexes) -> Result<T>,
    ) -> Result<T> {
        match ask(&segment.indexes()) {
            Err(e) if e.kind() == Kind::Corrupt && segment.is_sealed() => {
                let _maintaining = self.maintaining.lock();
                self.with_indexes_maintaining(segment, ask)
            }
            other => other,
        }
    }

    /// As [`with_indexes`](Self::with_indexes), for who holds `maintaining`.
    pub(in crate::log) fn with_indexes_maintaining<T>(
        &self,
        segment: &Arc<Segment>,
        ask: impl Fn(&Indexes) -> Result<T>,
    ) -> Result<T> {
        // Somebody else may have made it anew, or the segment may have gone.
        match ask(&segment.indexes()) {
            Err(e) if e.kind() == Kind::Corrupt && self.is_current(segment) => {
                tracing::warn!(partition = %self.options.name, error = %e, "index made anew");
            }
            other => return other,
        }
        recover::rebuild_indexes(segment, &self.config())?;
        ask(&segment.indexes())
    }

    /// As [`with_indexes`](Self::with_indexes) for the transaction index.
    fn with_txn_index<T>(
        &self,
        segment: &Arc<Segment>,
        mut ask: impl FnMut(&TxnIndex) -> Result<T>,
    ) -> Result<T> {
        let damage = match ask(&segment.indexes().txn) {
            Err(e) if e.kind() == Kind::Corrupt && segment.is_sealed() => e,
            other => return other,
        };
        let _one_at_a_time = self.maintaining.lock();
        match ask(&segment.indexes().txn) {
            Err(e) if e.kind() == Kind::Corrupt && self.is_current(segment) => {}
            other => return other,
        }
        tracing::warn!(partition = %self.options.name, error = %damage, "index made anew");
        let all = self.segments_from(Offset::ZERO);
        recover::rebuild_txn_index(&all, segment, &self.config())?;
        ask(&segment.indexes().txn)
    }

    /// The end of the largest epoch at or below `epoch` (OffsetForLeaderEpoch).
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let state = self.state.read();
        state.epochs.end_offset_for(epoch, state.appended)
    }

    /// The epoch of the batch that holds `offset`, or will hold it; `None` below the known ones.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.state.read().epochs.epoch_of(offset)
    }

    /// Aborted transactions overlapping `from..to`, from the transaction index.
    pub fn aborted(&self, from: Offset, to: Offset) -> Result<Vec<Aborted>> {
        self.again(|| self.aborted_once(from, to))
    }

    fn aborted_once(&self, from: Offset, to: Offset) -> Result<Vec<Aborted>> {
        let mut found = Vec::new();
        let (segments, cold) = {
            let state = self.state.read();
            let segments: Vec<_> = state.segments.aborting_from(from).cloned().collect();
            (segments, state.is_cold(from, &*self.options.cold))
        };
        if cold {
            found = self.options.cold.aborted(from, to)?;
        }
        for segment in segments {
            let search = self.with_txn_index(&segment, |i| i.collect(from, to, &mut found))?;
            if search == TxnSearch::Complete {
                break;
            }
        }
        if cold {
            // A transaction may be known to both while segments move.
            found.sort_unstable_by_key(|a| (a.last_offset, a.producer_id));
            found.dedup();
        }
        Ok(found)
    }
}

/// The first record of a batch that is wanted.
fn first_record(
    batch: &BatchView<'_>,
    scratch: &mut Vec<u8>,
    wanted: impl Fn(Offset, Timestamp) -> bool,
) -> Result<Option<(Offset, Timestamp)>> {
    for record in batch.records(scratch, PLAIN_BYTES_MAX)? {
        let record = record.map_err(|e: Error| e.at("look-up by time"))?;
        if wanted(record.offset, record.timestamp) {
            return Ok(Some((record.offset, record.timestamp)));
        }
    }
    Ok(None)
}
