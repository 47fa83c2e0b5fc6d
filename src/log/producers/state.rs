//! All producers of a partition, and the transactions that hold the last stable offset back.

use std::collections::{BTreeMap, HashMap};

use super::entry::{BatchMeta, ProducerEntry};
use super::marker::Marker;
use crate::error::Result;
use crate::record::{BatchHeader, BatchView};
use crate::types::{Offset, ProducerEpoch, ProducerId, Timestamp};

/// A transaction that a marker has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    pub producer_id: ProducerId,
    pub first_offset: Offset,
    /// The marker's.
    pub last_offset: Offset,
    pub aborted: bool,
    /// The last stable offset once this transaction is visible; what the transaction index records.
    pub last_stable: Offset,
}

/// What compaction must keep so that an active producer's sequence or epoch survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRecord {
    /// The last offset of its last data batch; `None` when a marker alone is known of it.
    pub last_data_offset: Option<Offset>,
    pub epoch: ProducerEpoch,
}

/// The producer state of one partition. Not shared: the partition holds it under its append lock.
///
/// Steady path: one hash look-up and a change in place for each batch; no allocation.
#[derive(Clone, Debug, Default)]
pub struct ProducerStates {
    producers: HashMap<ProducerId, ProducerEntry>,
    /// Open transactions by first offset.
    ongoing: BTreeMap<Offset, ProducerId>,
    /// Ended, but the marker is not visible yet: first offset to the marker's.
    unreplicated: BTreeMap<Offset, Offset>,
    /// Where the last marker of each producer lies, as far as this life of the partition saw it: no
    /// batch that was on its way before may come in behind it.
    ended_at: HashMap<ProducerId, Offset>,
}

impl ProducerStates {
    pub fn get(&self, id: ProducerId) -> Option<&ProducerEntry> {
        self.producers.get(&id)
    }

    /// Where the last marker of a producer lies, when this life of the partition saw one.
    pub(super) fn ended_at(&self, id: ProducerId) -> Option<Offset> {
        self.ended_at.get(&id).copied()
    }

    /// All producers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (ProducerId, &ProducerEntry)> {
        self.producers.iter().map(|(id, entry)| (*id, entry))
    }

    pub fn len(&self) -> usize {
        self.producers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.producers.is_empty() && self.unreplicated.is_empty()
    }

    /// A data batch is in the log; `header` has its final base offset. Nothing for a batch without a
    /// producer id, or for a control batch (see [`update_marker`](Self::update_marker)).
    pub fn update(&mut self, header: &BatchHeader) {
        if !header.producer_id.is_some() || header.attributes.is_control() {
            return;
        }
        let entry = self.producers.entry(header.producer_id).or_default();
        entry.set_epoch(header.producer_epoch);
        entry.add_batch(BatchMeta {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        entry.last_timestamp = header.max_timestamp;
        if header.attributes.is_transactional() && entry.txn_first_offset.is_none() {
            entry.txn_first_offset = Some(header.base_offset);
            self.ongoing.insert(header.base_offset, header.producer_id);
        }
    }

    /// A marker is in the log at `header.base_offset`. Gives the transaction it ended, `None` when
    /// none was open. Until [`on_visible`](Self::on_visible) passes the marker, the transaction still
    /// holds the last stable offset back.
    pub fn update_marker(&mut self, header: &BatchHeader, marker: Marker) -> Option<Completed> {
        if !header.producer_id.is_some() {
            return None;
        }
        let entry = self.producers.entry(header.producer_id).or_default();
        entry.set_epoch(header.producer_epoch);
        entry.coordinator_epoch = marker.coordinator_epoch;
        entry.last_timestamp = header.max_timestamp;
        self.ended_at.insert(header.producer_id, header.base_offset);
        let first_offset = entry.txn_first_offset.take()?;
        self.ongoing.remove(&first_offset);
        let last_offset = header.base_offset;
        self.unreplicated.insert(first_offset, last_offset);
        let next_open = self.ongoing.keys().next().copied();
        Some(Completed {
            producer_id: header.producer_id,
            first_offset,
            last_offset,
            aborted: !marker.commit,
            last_stable: next_open.unwrap_or(last_offset.next()),
        })
    }

    /// Takes in a batch that is in the log, whatever it is: for recovery and replay.
    pub fn replay(&mut self, batch: &BatchView<'_>) -> Result<Option<Completed>> {
        if let Some(marker) = Marker::of(batch)? {
            return Ok(self.update_marker(batch.header(), marker));
        }
        let header = batch.header();
        if header.attributes.is_control() && header.count == 0 && header.producer_id.is_some() {
            // A marker that compaction emptied: it was kept for its epoch.
            let entry = self.producers.entry(header.producer_id).or_default();
            entry.set_epoch(header.producer_epoch.max(entry.epoch));
            entry.last_timestamp = entry.last_timestamp.max(header.max_timestamp);
        }
        self.update(header);
        Ok(None)
    }

    /// Everything below `visible` is visible now: transactions ended there count as ended.
    pub fn on_visible(&mut self, visible: Offset) {
        if !self.unreplicated.is_empty() {
            self.unreplicated.retain(|_, marker| *marker >= visible);
        }
    }

    /// The log starts at `start` now.
    pub fn on_log_start(&mut self, start: Offset) {
        self.on_visible(start);
    }

    /// The first offset of a transaction that is open, or whose end is not visible yet.
    pub fn first_unstable(&self) -> Option<Offset> {
        let open = self.ongoing.keys().next().copied();
        let unseen = self.unreplicated.keys().next().copied();
        open.into_iter().chain(unseen).min()
    }

    /// Where read-committed readers stop.
    pub fn last_stable(&self, visible: Offset) -> Offset {
        self.first_unstable().map_or(visible, |o| o.min(visible))
    }

    /// The oldest transaction that is still open.
    pub fn first_open(&self) -> Option<(Offset, ProducerId)> {
        self.ongoing
            .iter()
            .next()
            .map(|(offset, id)| (*offset, *id))
    }

    /// Forgets producers that wrote nothing for `expiration_ms` and have no transaction open. Gives
    /// how many.
    pub fn expire(&mut self, now: Timestamp, expiration_ms: i64) -> usize {
        let before = self.producers.len();
        let idle = |e: &ProducerEntry| now.get().saturating_sub(e.last_timestamp.get());
        self.producers
            .retain(|_, e| e.txn_first_offset.is_some() || idle(e) < expiration_ms);
        self.ended_at
            .retain(|id, _| self.producers.contains_key(id));
        before - self.producers.len()
    }

    /// Forgets everything, before a truncated log is replayed.
    pub fn clear(&mut self) {
        *self = ProducerStates::default();
    }

    /// What compaction must keep of each producer.
    pub fn last_records(&self) -> HashMap<ProducerId, LastRecord> {
        let record = |e: &ProducerEntry| LastRecord {
            last_data_offset: e.last_batch().map(|b| b.last_offset),
            epoch: e.epoch,
        };
        self.iter().map(|(id, e)| (id, record(e))).collect()
    }

    pub(super) fn insert(&mut self, id: ProducerId, entry: ProducerEntry) {
        if let Some(first) = entry.txn_first_offset {
            self.ongoing.insert(first, id);
        }
        self.producers.insert(id, entry);
    }
}
