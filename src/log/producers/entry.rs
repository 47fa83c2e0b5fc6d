//! One producer id's state.

use crate::record::BatchHeader;
use crate::types::{Offset, ProducerEpoch, Timestamp};

/// How many batches back a duplicate is recognised; Kafka clients have at most five in flight.
pub const BATCHES_KEPT: usize = 5;

/// What is remembered of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchMeta {
    pub last_sequence: i32,
    pub last_offset: Offset,
    /// Last minus base offset; the sequences span the same.
    pub offset_delta: i32,
    pub timestamp: Timestamp,
}

impl BatchMeta {
    pub fn first_sequence(&self) -> i32 {
        sequence_minus(self.last_sequence, self.offset_delta)
    }

    pub fn first_offset(&self) -> Offset {
        self.last_offset.plus(-i64::from(self.offset_delta))
    }
}

/// One producer. Fixed in size: the steady path changes it in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    pub epoch: ProducerEpoch,
    /// Of the coordinator that wrote the last marker, -1 when there was none.
    pub coordinator_epoch: i32,
    pub last_timestamp: Timestamp,
    /// Where the open transaction began.
    pub txn_first_offset: Option<Offset>,
    /// The last batches, oldest first; only `kept` of them count.
    batches: [BatchMeta; BATCHES_KEPT],
    kept: u8,
}

impl Default for ProducerEntry {
    fn default() -> Self {
        ProducerEntry {
            epoch: ProducerEpoch::NONE,
            coordinator_epoch: -1,
            last_timestamp: Timestamp::NONE,
            txn_first_offset: None,
            batches: Default::default(),
            kept: 0,
        }
    }
}

impl ProducerEntry {
    /// The batches remembered, oldest first.
    pub fn batches(&self) -> &[BatchMeta] {
        self.batches
            .get(..usize::from(self.kept))
            .unwrap_or_default()
    }

    pub fn last_batch(&self) -> Option<&BatchMeta> {
        self.batches().last()
    }

    pub(super) fn add_batch(&mut self, batch: BatchMeta) {
        if usize::from(self.kept) == BATCHES_KEPT {
            self.batches.rotate_left(1);
            self.kept -= 1;
        }
        if let Some(place) = self.batches.get_mut(usize::from(self.kept)) {
            *place = batch;
            self.kept += 1;
        }
    }

    /// A new epoch starts its sequences anew.
    pub(super) fn set_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.kept = 0;
        }
    }

    /// The batch that has exactly the sequences of `header`.
    pub(super) fn duplicate_of(&self, header: &BatchHeader) -> Option<&BatchMeta> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        let last = header.last_sequence();
        let same =
            |b: &&BatchMeta| b.last_sequence == last && b.first_sequence() == header.base_sequence;
        self.batches().iter().find(same)
    }
}

/// Counts on, from the largest to 0.
pub fn sequence_plus(sequence: i32, count: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(count);
    let wrapped = sum.rem_euclid(i64::from(i32::MAX) + 1);
    i32::try_from(wrapped).unwrap_or(0)
}

fn sequence_minus(sequence: i32, count: i32) -> i32 {
    if sequence < 0 {
        return -1;
    }
    sequence_plus(sequence, count.saturating_neg())
}
