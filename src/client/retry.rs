//! Trying again: how often, how long.

use std::thread;
use std::time::Duration;

use super::errors;
use super::options::Options;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The tries of one operation.
#[derive(Debug)]
pub(super) struct Retry {
    started: Duration,
    limit: Duration,
    unreachable_limit: Duration,
    pause: Duration,
}

impl Retry {
    pub(super) fn new(clock: &dyn Clock, options: &Options, reached: bool) -> Retry {
        Retry {
            started: clock.monotonic(),
            limit: options.retry_timeout,
            unreachable_limit: match reached {
                true => options.retry_timeout,
                false => options.unreachable_timeout,
            },
            pause: PAUSE_MIN,
        }
    }

    /// Waits a little after `error`, or gives it back: when it does not pass, or not in time.
    pub(super) fn after(&mut self, clock: &dyn Clock, error: Error) -> Result<()> {
        let limit = match error.code() {
            Code::BrokerNotAvailable => self.unreachable_limit,
            _ => self.limit,
        };
        if !errors::passes(&error) || clock.monotonic() - self.started + self.pause > limit {
            return Err(error);
        }
        self.wait(clock);
        Ok(())
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self, clock: &dyn Clock) -> bool {
        clock.monotonic() - self.started > self.limit
    }

    /// Longer each time.
    pub(super) fn wait(&mut self, clock: &dyn Clock) {
        let until = clock.monotonic() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        loop {
            let left = until.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
        }
    }
}
