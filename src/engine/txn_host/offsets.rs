//! TxnOffsetCommit: offsets of a consumer group as part of a transaction.

use std::sync::Arc;

use super::host::Transactions;
use crate::engine::durable::Reply;
use crate::engine::groups::{OffsetOutcome, TransactionalCommit};
use crate::engine::txn::{AddRequest, ClientVersion, ProducerIdentity};
use crate::error::{Error, Result};
use crate::types::Offset;

/// TxnOffsetCommit.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetsRequest {
    pub transactional_id: Arc<str>,
    /// The group's partition is taken into the transaction (clients of the second version); else it
    /// must have been added.
    pub implicit: bool,
    pub commit: TransactionalCommit,
}

impl Transactions {
    /// Commits offsets that count when the transaction commits. Answered when they are durable; partitions
    /// are refused one by one.
    ///
    /// Errors, for all: as [`Transactions::ensure_added`], and those of a commit by the group's rules.
    pub fn commit_offsets(&self, request: OffsetsRequest, reply: Reply<Vec<OffsetOutcome>>) {
        let group = request.commit.commit.group.clone();
        self.with_offsets_partition(group, move |transactions, partition| {
            let partition = match partition {
                Ok(partition) => partition,
                Err(error) => return reply(Err(error)),
            };
            let add = AddRequest {
                transactional_id: request.transactional_id.clone(),
                producer: ProducerIdentity {
                    id: request.commit.producer,
                    epoch: request.commit.producer_epoch,
                },
                partitions: vec![partition],
                client: match request.implicit {
                    true => ClientVersion::V2,
                    false => ClientVersion::V1,
                },
            };
            let (engine, implicit) = (transactions.weak(), request.implicit);
            let then = move |added: Result<Vec<Offset>>| {
                let Some(shared) = engine.upgrade() else {
                    return reply(Err(Error::closed("the engine is closed: open it again")));
                };
                // Not on a thread that has just synced: this appends.
                shared.transactions.hand_over(move |shared| {
                    let verified_at = added.map(|a| a.first().copied().unwrap_or(Offset::ZERO));
                    let committed = verified_at
                        .and_then(|at| shared.groups.commit_transactional(&request.commit, at));
                    match committed {
                        Err(error) => reply(Err(error)),
                        Ok((outcomes, None)) => reply(Ok(outcomes)),
                        Ok((outcomes, Some(ticket))) => ticket
                            .durable()
                            .then(Box::new(move |done| reply(done.map(|()| outcomes)))),
                    }
                });
            };
            transactions.ensure_added(add, implicit, Box::new(then));
        });
    }
}
