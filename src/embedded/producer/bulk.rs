//! The deliveries of many records sent by one call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::delivery::{Delivery, RecordMetadata};
use crate::error::Result;

/// One handle for many records. Records that shared a batch share an entry.
#[derive(Debug, Default)]
pub struct Bulk {
    /// The last record of each batch, in the order of the batches' first records; runs of one batch
    /// that are interleaved with others have one entry a run.
    lasts: Vec<Delivery>,
    records: usize,
}

impl Bulk {
    /// Takes one more record in.
    pub fn add(&mut self, delivery: Delivery) {
        self.records += 1;
        match self.lasts.last_mut() {
            Some(last) if Arc::ptr_eq(&last.batch, &delivery.batch) => *last = delivery,
            _ => self.lasts.push(delivery),
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
    #[allow(clippy::disallowed_methods)] // a deadline of the caller's thread
    pub fn wait(&self, timeout: Duration) -> Result<Vec<RecordMetadata>> {
        let started = Instant::now();
        self.lasts
            .iter()
            .map(|d| d.wait(timeout.saturating_sub(started.elapsed())))
            .collect()
    }

    /// A delivery that is done no sooner than every other of its lane; for event loops.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.lasts
    }
}
