//! The deliveries of many records sent by one call.

use std::time::{Duration, Instant};

use super::delivery::{Delivery, RecordMetadata, late};
use crate::error::Result;

/// No entry.
const NONE: u32 = u32::MAX;

/// One handle for many records. Records that shared a batch share an entry.
#[derive(Debug, Default)]
pub struct Bulk {
    /// The last record of each batch, in the order of the batches' first records.
    lasts: Vec<Delivery>,
    /// Where in `lasts` the newest batch of each partition is; `NONE` where there is none.
    newest: Vec<u32>,
    records: usize,
}

impl Bulk {
    /// Takes one more record in.
    pub fn add(&mut self, delivery: Delivery) {
        self.records += 1;
        let lane = delivery.lane as usize;
        if self.newest.len() <= lane {
            self.newest.resize(lane + 1, NONE);
        }
        let Some(newest) = self.newest.get_mut(lane) else {
            return;
        };
        match self.lasts.get_mut(*newest as usize) {
            Some(last) if last.shares_batch(&delivery) => *last = delivery,
            _ => {
                *newest = u32::try_from(self.lasts.len()).unwrap_or(NONE);
                self.lasts.push(delivery);
            }
        }
    }

    /// How many records were sent.
    pub fn len(&self) -> usize {
        self.records
    }

    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub fn is_done(&self) -> bool {
        self.lasts.iter().all(Delivery::is_done)
    }

    /// Waits for all; gives the last record's place in each batch, or the first error.
    pub fn wait(&self, timeout: Duration) -> Result<Vec<RecordMetadata>> {
        self.wait_within(timeout).unwrap_or_else(|| late(timeout))
    }

    /// The same; `None` when an outcome is not known in time.
    #[allow(clippy::disallowed_methods)] // a deadline of the caller's thread
    pub fn wait_within(&self, timeout: Duration) -> Option<Result<Vec<RecordMetadata>>> {
        let started = Instant::now();
        self.lasts
            .iter()
            .map(|d| d.wait_all(timeout.saturating_sub(started.elapsed())))
            .collect()
    }

    /// A delivery that is done no sooner than every other of its lane; for event loops.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.lasts
    }
}
