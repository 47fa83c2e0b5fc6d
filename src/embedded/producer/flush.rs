//! Waiting for what was sent up to one moment, and for nothing that comes later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::delivery::Delivery;
use super::failures::Failures;
use crate::error::{Error, Kind, Result};

/// What a producer had on its way when [`super::Producer::begin_flush`] was called.
#[derive(Debug)]
pub struct Flush {
    /// The newest batch of each lane: when it is delivered, all before it are.
    pub(super) newest: Vec<Delivery>,
    pub(super) failures: Arc<Failures>,
}

impl Flush {
    /// Waits until all is settled; `None` when it is not within `timeout`: call again to wait on.
    ///
    /// Errors: the first failed delivery that nobody has looked at yet.
    #[allow(clippy::disallowed_methods)] // a deadline of the caller's thread
    pub fn wait_within(&self, timeout: Duration) -> Option<Result<()>> {
        let started = Instant::now();
        for delivery in &self.newest {
            // Which error it was is told below, unless somebody has seen it.
            delivery.wait_unseen(timeout.saturating_sub(started.elapsed()))?;
        }
        Some(self.failures.take_unseen())
    }

    /// As [`wait_within`](Self::wait_within); Timeout when it is not settled in time.
    pub fn wait(&self, timeout: Duration) -> Result<()> {
        self.wait_within(timeout).unwrap_or_else(|| {
            let ms = timeout.as_millis();
            let waiting = self.newest.iter().filter(|d| !d.is_done()).count();
            Err(Error::new(
                Kind::Timeout,
                format!(
                    "not all records were delivered within {ms} ms, {waiting} partitions are behind: they may still be"
                ),
            ))
        })
    }
}
