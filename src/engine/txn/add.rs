//! AddPartitionsToTxn and what asks the same: offsets, and batches that are about to be written.

use super::coordinator::{Coordinator, ending, fenced};
use super::plan::{Entry, Plan};
use super::requests::AddRequest;
use super::state::TxnState;
use super::transaction::Transaction;
use crate::engine::groups::Now;
use crate::error::{Code, Error, Result};
use crate::types::{ProducerId, TopicPartition};

impl Coordinator {
    /// Takes partitions into the transaction; begins one when none is open.
    ///
    /// Errors: InvalidProducerIdMapping (unknown id, other producer), ProducerFenced,
    /// ConcurrentTransactions (the last transaction is still being ended).
    pub fn add(&self, request: &AddRequest, now: Now) -> Result<Plan<()>> {
        let id = &request.transactional_id;
        let entry = self.may_write(request)?;
        let transaction = &entry.transaction;
        let open = transaction.state == TxnState::Ongoing;
        if open && request.partitions.iter().all(|p| transaction.holds(p)) {
            return Ok(Plan::nothing(id, ()));
        }
        let mut partitions = match open {
            true => transaction.partitions.clone(),
            false => super::transaction::Partitions::new(),
        };
        for TopicPartition { topic, partition } in &request.partitions {
            let of_topic = partitions.entry(topic.clone()).or_default();
            of_topic.insert(*partition);
        }
        let changed = Transaction {
            next_id: ProducerId::NONE,
            state: TxnState::Ongoing,
            partitions,
            updated_at: now.wall,
            started_at: match open {
                true => transaction.started_at,
                false => now.wall,
            },
            client: request.client,
            ..transaction.clone()
        };
        let entry = Entry {
            transaction: changed,
            last_epoch: entry.last_epoch,
        };
        Ok(Plan::put(id, entry, ()))
    }

    /// Whether every partition is in the open transaction, one by one.
    ///
    /// Errors, for all: as [`Coordinator::add`]; for one: InvalidTxnState.
    pub fn verify(&self, request: &AddRequest) -> Result<Plan<Vec<Result<()>>>> {
        let id = &request.transactional_id;
        let transaction = &self.may_write(request)?.transaction;
        let open = transaction.state == TxnState::Ongoing;
        let outcomes = request.partitions.iter().map(|partition| {
            if open && transaction.holds(partition) {
                return Ok(());
            }
            Err(Error::coded(
                Code::InvalidTxnState,
                format!("{partition} was not added to the transaction of {id}"),
            ))
        });
        Ok(Plan::nothing(id, outcomes.collect()))
    }

    fn may_write(&self, request: &AddRequest) -> Result<&Entry> {
        let (id, producer) = (&request.transactional_id, request.producer);
        let entry = self.held_by(id, producer)?;
        let transaction = &entry.transaction;
        // The epoch of a transaction that is being ended is the next one's already (KIP-890): a
        // producer that was told of it waits, an older one is fenced.
        if transaction.promised().epoch != producer.epoch {
            return Err(fenced(id, producer, transaction.promised()));
        }
        match transaction.state.ending() {
            Some(_) => Err(ending(id)),
            None => Ok(entry),
        }
    }
}
