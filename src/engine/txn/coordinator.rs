//! The coordinator's state, and the two ways in which it changes: a plan applied, a record replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::plan::{Entry, Plan, Step};
use super::records;
use super::requests::ProducerIdentity;
use super::state::TxnState;
use super::transaction::Transaction;
use crate::error::{Code, Error, Result};
use crate::protocol::STRING_BYTES_MAX;
use crate::types::{ProducerEpoch, Timestamp};

/// What replaying a record did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    Applied,
    /// A kind of record that this version does not know. It stays in the log.
    Skipped,
}

/// What an operator can set; the defaults are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnSettings {
    /// `transaction.max.timeout.ms`.
    pub timeout_ms_max: i32,
    /// `transactional.id.expiration.ms`.
    pub expiration_ms: i64,
}

impl Default for TxnSettings {
    fn default() -> Self {
        TxnSettings {
            timeout_ms_max: 900_000,
            expiration_ms: 604_800_000,
        }
    }
}

/// The transactional ids of all partitions of `__transaction_state`.
///
/// Methods that decide take `&self` and give a [`Plan`]; only [`Coordinator::apply`] and
/// [`Coordinator::replay`] change anything.
#[derive(Debug, Default)]
pub struct Coordinator {
    pub(super) settings: TxnSettings,
    pub(super) entries: BTreeMap<Arc<str>, Entry>,
    /// Made of the above: when open transactions are aborted.
    pub(super) deadlines: BTreeSet<(Timestamp, Arc<str>)>,
}

impl Coordinator {
    pub fn new(settings: TxnSettings) -> Coordinator {
        Coordinator {
            settings,
            ..Coordinator::default()
        }
    }

    /// Makes a plan true and gives its answer. Call it when the plan's record is in the log.
    pub fn apply<T>(&mut self, plan: Plan<T>) -> T {
        match plan.step {
            Step::Nothing => {}
            Step::Put(entry) => self.set(&plan.id, Some(entry)),
            Step::Remove => self.set(&plan.id, None),
        }
        plan.answer
    }

    /// Replays a record of the log.
    ///
    /// Errors: `Corrupt` when the bytes are not what they say; the state is as before.
    pub fn replay(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<Replayed> {
        let Some((id, transaction)) = records::decode(key, value)? else {
            return Ok(Replayed::Skipped);
        };
        let alive = transaction.filter(|t| t.state != TxnState::Dead);
        let entry = alive.map(|transaction| Entry {
            transaction,
            last_epoch: ProducerEpoch::NONE,
        });
        self.set(&id, entry);
        Ok(Replayed::Applied)
    }

    pub fn get(&self, transactional_id: &str) -> Option<&Transaction> {
        self.entries.get(transactional_id).map(|e| &e.transaction)
    }

    /// The ids whose end is decided and not complete: what must be carried on after a start.
    pub fn ending(&self) -> Vec<Arc<str>> {
        let decided = |(_, e): &(&Arc<str>, &Entry)| e.transaction.state.ending().is_some();
        let ids = self.entries.iter().filter(decided);
        ids.map(|(id, _)| id.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn set(&mut self, id: &Arc<str>, entry: Option<Entry>) {
        let deadline = |e: &Entry| e.transaction.deadline();
        if let Some(old) = self.entries.get(id).and_then(deadline) {
            self.deadlines.remove(&(old, id.clone()));
        }
        if let Some(new) = entry.as_ref().and_then(deadline) {
            self.deadlines.insert((new, id.clone()));
        }
        match entry {
            Some(entry) => drop(self.entries.insert(id.clone(), entry)),
            None => drop(self.entries.remove(id)),
        }
    }

    /// The entry of an id that `producer` must hold; its epoch is for the caller to judge.
    pub(super) fn held_by(&self, id: &str, producer: ProducerIdentity) -> Result<&Entry> {
        let entry = self.known(id)?;
        if entry.transaction.promised().id != producer.id {
            return Err(other_id(id, producer));
        }
        Ok(entry)
    }

    pub(super) fn known(&self, id: &str) -> Result<&Entry> {
        check_id(id)?;
        let unknown = || {
            Error::coded(
                Code::InvalidProducerIdMapping,
                format!("transactional id {id} is not known (any more): initialise the producer"),
            )
        };
        self.entries.get(id).ok_or_else(unknown)
    }
}

/// What no transactional id may be.
pub(super) fn check_id(id: &str) -> Result<()> {
    if id.is_empty() {
        return Err(Error::invalid("a transactional id must not be empty"));
    }
    if id.len() > STRING_BYTES_MAX {
        return Err(Error::invalid(format!(
            "a transactional id of {} bytes is too long",
            id.len()
        )));
    }
    Ok(())
}

pub(super) fn other_id(id: &str, producer: ProducerIdentity) -> Error {
    Error::coded(
        Code::InvalidProducerIdMapping,
        format!(
            "transactional id {id} does not belong to producer id {}",
            producer.id
        ),
    )
}

pub(super) fn fenced(id: &str, producer: ProducerIdentity, current: ProducerIdentity) -> Error {
    Error::coded(
        Code::ProducerFenced,
        format!(
            "producer {} of transactional id {id} came with epoch {}, but epoch {} of producer {} has taken its place",
            producer.id, producer.epoch, current.epoch, current.id
        ),
    )
}

pub(super) fn ending(id: &str) -> Error {
    Error::coded(
        Code::ConcurrentTransactions,
        format!("the last transaction of {id} is still being ended: retry"),
    )
}

/// Two coordinators are equal when the log would make them equal.
#[cfg(test)]
impl Coordinator {
    pub(super) fn same_state(&self, other: &Coordinator) -> bool {
        let recorded = |c: &Coordinator| -> Vec<(Arc<str>, Transaction)> {
            let entries = c.entries.iter();
            entries
                .map(|(id, e)| (id.clone(), e.transaction.clone()))
                .collect()
        };
        recorded(self) == recorded(other) && self.deadlines == other.deadlines
    }
}
