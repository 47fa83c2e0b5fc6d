//! InitProducerId with a transactional id.

use super::coordinator::{Coordinator, check_id, ending, fenced};
use super::end::repeats;
use super::plan::{Entry, Plan};
use super::requests::{ClientVersion, InitRequest, ProducerIdentity};
use super::state::TxnState;
use super::transaction::{Partitions, Transaction, bumped, is_exhausted};
use crate::engine::groups::Now;
use crate::error::{Code, Error, Result};
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

/// A plan, or what is missing for one.
#[derive(Debug)]
pub enum Decided<T> {
    Plan(Plan<T>),
    /// Call again with a producer id that nobody has had before.
    NeedsProducerId,
}

impl Coordinator {
    /// Gives the producer of a transactional id its id and epoch; every older producer of it is fenced.
    /// `fresh` is used when a new producer id is needed.
    ///
    /// The answer may be an error that comes true with the plan: a transaction that is open is aborted
    /// first, and the producer retries (ConcurrentTransactions).
    ///
    /// Errors: Invalid (no id), InvalidTransactionTimeout, ConcurrentTransactions (the last transaction
    /// is still being ended), ProducerFenced (`current` is not current).
    pub fn init(
        &self,
        request: &InitRequest,
        fresh: Option<ProducerId>,
        now: Now,
    ) -> Result<Decided<Result<ProducerIdentity>>> {
        let id = &request.transactional_id;
        check_id(id)?;
        self.check_timeout(request)?;
        let Some(entry) = self.entries.get(id) else {
            return Ok(first(request, fresh, now));
        };
        let transaction = &entry.transaction;
        let is_retry = is_retry(entry, request.current);
        let promised = transaction.promised();
        match request.current {
            Some(current) if current != promised && !is_retry => {
                return Err(fenced(id, current, promised));
            }
            _ => {}
        }
        match transaction.state {
            TxnState::PrepareCommit | TxnState::PrepareAbort | TxnState::PrepareEpochFence => {
                Err(ending(id))
            }
            TxnState::Ongoing => {
                let answer = Err(aborted_first(request));
                Ok(Decided::Plan(self.fence(id, entry, now).answering(answer)))
            }
            TxnState::Empty
            | TxnState::CompleteCommit
            | TxnState::CompleteAbort
            | TxnState::Dead => Ok(next(request, entry, is_retry, fresh, now)),
        }
    }

    fn check_timeout(&self, request: &InitRequest) -> Result<()> {
        let max = self.settings.timeout_ms_max;
        if (1..=max).contains(&request.timeout_ms) {
            return Ok(());
        }
        Err(Error::coded(
            Code::InvalidTransactionTimeout,
            format!(
                "a transaction timeout of {} ms is not between 1 and {max} (transaction.max.timeout.ms)",
                request.timeout_ms
            ),
        ))
    }
}

/// The id was not known: whatever the producer says it has, it gets a new one.
fn first(
    request: &InitRequest,
    fresh: Option<ProducerId>,
    now: Now,
) -> Decided<Result<ProducerIdentity>> {
    let Some(fresh) = fresh else {
        return Decided::NeedsProducerId;
    };
    let producer = ProducerIdentity {
        id: fresh,
        epoch: ProducerEpoch(0),
    };
    put(
        request,
        producer,
        ProducerId::NONE,
        ProducerEpoch::NONE,
        now,
    )
}

/// Whether `current` is what the same producer had before its last request was answered.
fn is_retry(entry: &Entry, current: Option<ProducerIdentity>) -> bool {
    let transaction = &entry.transaction;
    current.is_some_and(|c| {
        let same_id = c.id == transaction.producer.id;
        let changed_id = c.id == transaction.previous_id && is_exhausted(c.epoch);
        if repeats(transaction, c) {
            return true;
        }
        let known = entry.last_epoch != ProducerEpoch::NONE && entry.last_epoch == c.epoch;
        known && (same_id || changed_id)
    })
}

/// The next epoch, or with none left the next producer id.
fn next(
    request: &InitRequest,
    entry: &Entry,
    is_retry: bool,
    fresh: Option<ProducerId>,
    now: Now,
) -> Decided<Result<ProducerIdentity>> {
    let transaction = &entry.transaction;
    let producer = transaction.producer;
    if is_retry {
        // Said again, and recorded again: the time-out may be another.
        return put(
            request,
            producer,
            transaction.previous_id,
            entry.last_epoch,
            now,
        );
    }
    let last = match request.current {
        Some(_) => producer.epoch,
        // Another producer: what the old one had is not to be answered any more.
        None => ProducerEpoch::NONE,
    };
    if !transaction.is_exhausted() {
        let producer = ProducerIdentity {
            epoch: bumped(producer.epoch),
            ..producer
        };
        return put(request, producer, transaction.previous_id, last, now);
    }
    match fresh {
        None => Decided::NeedsProducerId,
        Some(id) => {
            let fresh = ProducerIdentity {
                id,
                epoch: ProducerEpoch(0),
            };
            put(request, fresh, producer.id, last, now)
        }
    }
}

fn put(
    request: &InitRequest,
    producer: ProducerIdentity,
    previous_id: ProducerId,
    last_epoch: ProducerEpoch,
    now: Now,
) -> Decided<Result<ProducerIdentity>> {
    let transaction = Transaction {
        producer,
        previous_id,
        next_id: ProducerId::NONE,
        timeout_ms: request.timeout_ms,
        state: TxnState::Empty,
        partitions: Partitions::new(),
        updated_at: now.wall,
        started_at: Timestamp::NONE,
        client: ClientVersion::V0,
    };
    let entry = Entry {
        transaction,
        last_epoch,
    };
    Decided::Plan(Plan::put(&request.transactional_id, entry, Ok(producer)))
}

fn aborted_first(request: &InitRequest) -> Error {
    Error::coded(
        Code::ConcurrentTransactions,
        format!(
            "transactional id {} has an open transaction, which is aborted now: retry",
            request.transactional_id
        ),
    )
}
