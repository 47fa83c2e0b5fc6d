//! Which batches belong to aborted transactions.

use std::collections::HashMap;

use crate::log::Aborted;
use crate::record::BatchHeader;

/// Answers in constant time for producers without aborted transactions.
#[derive(Clone, Debug, Default)]
pub struct AbortedRanges {
    /// First and last offset of each aborted transaction, by producer id.
    by_producer: HashMap<i64, Vec<(i64, i64)>>,
}

impl AbortedRanges {
    pub fn new(aborted: &[Aborted]) -> AbortedRanges {
        let mut by_producer: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
        for one in aborted {
            let ranges = by_producer.entry(one.producer_id.get()).or_default();
            ranges.push((one.first_offset.get(), one.last_offset.get()));
        }
        AbortedRanges { by_producer }
    }

    pub fn is_empty(&self) -> bool {
        self.by_producer.is_empty()
    }

    /// Whether the records of this batch were taken back. Control batches were not: they are what
    /// says so.
    pub fn covers(&self, header: &BatchHeader) -> bool {
        if self.by_producer.is_empty()
            || !header.attributes.is_transactional()
            || header.attributes.is_control()
        {
            return false;
        }
        let at = header.base_offset.get();
        let ranges = self.by_producer.get(&header.producer_id.get());
        ranges.is_some_and(|r| r.iter().any(|(first, last)| (*first..=*last).contains(&at)))
    }
}
