//! EndTxn, the fence that ends a transaction over its producer's head, and the completion of both.

use super::coordinator::{Coordinator, ending, fenced, other_id};
use super::init::Decided;
use super::plan::{Entry, Plan};
use super::requests::{EndRequest, ProducerIdentity};
use super::state::TxnState;
use super::transaction::{EPOCH_LAST, Partitions, Transaction, bumped, is_exhausted};
use crate::engine::groups::Now;
use crate::error::{Code, Error, Result};
use crate::types::{ProducerEpoch, ProducerId};

impl Coordinator {
    /// Decides how a transaction ends. Once the plan's record is durable, the decision stands: markers
    /// are written, then [`Coordinator::complete`] follows. The answer is what the producer goes on with:
    /// a new epoch for clients of the second version, else what it had.
    ///
    /// A request that is repeated after its transaction is complete gets the same answer; one of an
    /// older transaction is fenced (second version only: before, nothing tells the two apart).
    ///
    /// Errors: InvalidProducerIdMapping, ProducerFenced, InvalidTxnState (nothing to end, or ended the
    /// other way), ConcurrentTransactions (still being ended).
    pub fn end(
        &self,
        request: &EndRequest,
        fresh: Option<ProducerId>,
        now: Now,
    ) -> Result<Decided<ProducerIdentity>> {
        let (id, producer) = (&request.transactional_id, request.producer);
        let entry = self.known(id)?;
        let transaction = &entry.transaction;
        let current = transaction.promised();
        let retry = request.client.bumps_epochs() && repeats(transaction, producer);
        if producer.id != current.id && !retry {
            return Err(other_id(id, producer));
        }
        if producer.epoch != current.epoch && !retry {
            return Err(fenced(id, producer, current));
        }
        let same = |committed: bool| match committed == request.commit {
            true => Ok(()),
            false => Err(wrong_state(request, transaction.state)),
        };
        match transaction.state {
            TxnState::Ongoing => Ok(decide(request, entry, fresh, now)),
            TxnState::PrepareCommit | TxnState::PrepareAbort | TxnState::PrepareEpochFence => {
                if retry || !request.client.bumps_epochs() {
                    same(transaction.state == TxnState::PrepareCommit)?;
                }
                Err(ending(id))
            }
            TxnState::CompleteCommit | TxnState::CompleteAbort => {
                if retry || !request.client.bumps_epochs() {
                    same(transaction.state == TxnState::CompleteCommit)?;
                    return Ok(Decided::Plan(Plan::nothing(id, current)));
                }
                same(false)?;
                Ok(decide(request, entry, fresh, now))
            }
            // With epochs that grow, a producer may abort what it did not begin: it may not know.
            TxnState::Empty if request.client.bumps_epochs() && !request.commit => {
                Ok(decide(request, entry, fresh, now))
            }
            TxnState::Empty | TxnState::Dead => Err(wrong_state(request, transaction.state)),
        }
    }

    /// All markers are written: the transaction is over. `None` when it is already.
    pub fn complete(&self, id: &str, now: Now) -> Option<Plan<()>> {
        let (id, entry) = self.entries.get_key_value(id)?;
        let transaction = &entry.transaction;
        let committed = transaction.state.ending()?;
        let changed = Transaction {
            producer: transaction.promised(),
            previous_id: match transaction.next_id.is_some() {
                true => transaction.producer.id,
                false => transaction.previous_id,
            },
            next_id: ProducerId::NONE,
            state: match committed {
                true => TxnState::CompleteCommit,
                false => TxnState::CompleteAbort,
            },
            partitions: Partitions::new(),
            updated_at: now.wall,
            ..transaction.clone()
        };
        let entry = Entry {
            transaction: changed,
            last_epoch: entry.last_epoch,
        };
        Some(Plan::put(id, entry, ()))
    }

    /// Aborts an open transaction whose producer is gone or replaced. The epoch grows by two: by one,
    /// and the old producer's next request would look like a retry of its own EndTxn.
    pub(super) fn fence(&self, id: &std::sync::Arc<str>, entry: &Entry, now: Now) -> Plan<()> {
        let transaction = &entry.transaction;
        let producer = ProducerIdentity {
            epoch: bumped(bumped(transaction.producer.epoch)),
            ..transaction.producer
        };
        let changed = Transaction {
            producer,
            state: TxnState::PrepareAbort,
            updated_at: now.wall,
            ..transaction.clone()
        };
        let entry = Entry {
            transaction: changed,
            last_epoch: ProducerEpoch::NONE,
        };
        Plan::put(id, entry, ())
    }
}

/// Whether `producer` is what the last EndTxn came with: told from the record alone, so also after a
/// restart.
pub(super) fn repeats(transaction: &Transaction, producer: ProducerIdentity) -> bool {
    let ended = transaction.state.ending().is_some()
        || matches!(
            transaction.state,
            TxnState::CompleteCommit | TxnState::CompleteAbort
        );
    // Else the epoch did not grow with the end, and one less is another producer's.
    if !ended || !transaction.client.bumps_epochs() {
        return false;
    }
    let current = transaction.producer;
    // The last epoch comes after the one before it in two ways: with another id to go on with, or by
    // a fence.
    let by_its_own = current.epoch != EPOCH_LAST || transaction.next_id.is_some();
    let one_less = producer.id == current.id
        && producer.epoch != current.epoch
        && bumped(producer.epoch) == current.epoch;
    let changed_id = producer.id == transaction.previous_id
        && is_exhausted(producer.epoch)
        && current.epoch == ProducerEpoch(0);
    (one_less && by_its_own) || changed_id
}

fn decide(
    request: &EndRequest,
    entry: &Entry,
    fresh: Option<ProducerId>,
    now: Now,
) -> Decided<ProducerIdentity> {
    let transaction = &entry.transaction;
    let bumps = request.client.bumps_epochs();
    let needs_id = bumps && transaction.is_exhausted();
    let next_id = match (needs_id, fresh) {
        (true, None) => return Decided::NeedsProducerId,
        (true, Some(fresh)) => fresh,
        (false, _) => ProducerId::NONE,
    };
    let epoch = transaction.producer.epoch;
    let changed = Transaction {
        producer: ProducerIdentity {
            epoch: if bumps { bumped(epoch) } else { epoch },
            ..transaction.producer
        },
        next_id,
        state: match request.commit {
            true => TxnState::PrepareCommit,
            false => TxnState::PrepareAbort,
        },
        updated_at: now.wall,
        started_at: match transaction.state {
            TxnState::Ongoing => transaction.started_at,
            _ => now.wall,
        },
        client: request.client,
        ..transaction.clone()
    };
    let promised = changed.promised();
    let entry = Entry {
        transaction: changed,
        last_epoch: if bumps { epoch } else { entry.last_epoch },
    };
    Decided::Plan(Plan::put(&request.transactional_id, entry, promised))
}

fn wrong_state(request: &EndRequest, state: TxnState) -> Error {
    let what = match request.commit {
        true => "committed",
        false => "aborted",
    };
    Error::coded(
        Code::InvalidTxnState,
        format!(
            "transactional id {} is in state {}: there is nothing that can be {what}",
            request.transactional_id,
            state.name()
        ),
    )
}
