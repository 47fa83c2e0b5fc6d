//! The same calls for who may wait on its thread: the producer in process, and tests.

use std::sync::mpsc;
use std::time::Duration;

use super::host::Transactions;
use super::offsets::OffsetsRequest;
use crate::engine::durable::Reply;
use crate::engine::groups::OffsetOutcome;
use crate::engine::txn::{AddRequest, EndRequest, InitRequest, ProducerIdentity};
use crate::error::{Code, Error, Kind, Result};
use crate::types::Offset;

/// A transaction's end should be complete long before.
const COMPLETE_MAX: Duration = Duration::from_secs(60);

/// Starts a call and waits for its answer.
fn wait<T: Send + 'static>(timeout: Duration, start: impl FnOnce(Reply<T>)) -> Result<T> {
    let (sender, answer) = mpsc::sync_channel(1);
    start(Box::new(move |outcome| {
        // Nobody listens any more: the wait below has timed out.
        let _ = sender.send(outcome);
    }));
    answer.recv_timeout(timeout).unwrap_or_else(|why| {
        Err(match why {
            mpsc::RecvTimeoutError::Timeout => Error::new(
                Kind::Timeout,
                format!(
                    "no answer within {} ms: it may still come true",
                    timeout.as_millis()
                ),
            ),
            mpsc::RecvTimeoutError::Disconnected => {
                Error::closed("the engine is closed: open it again")
            }
        })
    })
}

impl Transactions {
    /// As [`Transactions::init_producer_id`]; waits for the end of the last transaction, which it aborts
    /// when it is open.
    pub fn init_and_wait(
        &self,
        request: &InitRequest,
        timeout: Duration,
    ) -> Result<ProducerIdentity> {
        loop {
            let answer = wait(timeout, |reply| {
                self.init_producer_id(request.clone(), reply)
            });
            match answer {
                Err(error) if error.code() == Code::ConcurrentTransactions => {
                    self.wait_complete(&request.transactional_id, timeout)?;
                }
                other => return other,
            }
        }
    }

    /// As [`Transactions::ensure_added`], of the second version.
    pub fn add_and_wait(&self, request: AddRequest, timeout: Duration) -> Result<Vec<Offset>> {
        wait(timeout, |reply| self.ensure_added(request, true, reply))
    }

    /// As [`Transactions::commit_offsets`].
    pub fn commit_offsets_and_wait(
        &self,
        request: OffsetsRequest,
        timeout: Duration,
    ) -> Result<Vec<OffsetOutcome>> {
        wait(timeout, |reply| self.commit_offsets(request, reply))
    }

    /// As [`Transactions::end`].
    pub fn end_and_wait(&self, request: EndRequest, timeout: Duration) -> Result<ProducerIdentity> {
        wait(timeout, |reply| self.end(request, reply))
    }

    /// As [`Transactions::until_complete`]: when this returns, readers see what the transaction wrote.
    pub fn wait_complete(&self, id: &str, timeout: Duration) -> Result<()> {
        let timeout = timeout.min(COMPLETE_MAX);
        let outcome = wait(timeout.saturating_add(Duration::from_secs(1)), |reply| {
            self.until_complete(id, timeout, reply);
        });
        outcome.map_err(|error| match error.code() {
            Code::ConcurrentTransactions => Error::new(
                Kind::Timeout,
                format!(
                    "the transaction of {id} is decided, but not all partitions have its end within {} ms",
                    timeout.as_millis()
                ),
            ),
            _ => error,
        })
    }
}
