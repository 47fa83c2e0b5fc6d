//! DescribeTransactions and ListTransactions.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use super::coordinator::{Coordinator, check_id};
use super::requests::ProducerIdentity;
use super::state::TxnState;
use super::transaction::{Partitions, Transaction};
use crate::engine::groups::Now;
use crate::error::{Code, Error, Result};
use crate::types::{ProducerId, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDescription {
    pub transactional_id: Arc<str>,
    pub state: TxnState,
    pub producer: ProducerIdentity,
    pub timeout_ms: i32,
    /// [`Timestamp::NONE`] when no transaction is open.
    pub started_at: Timestamp,
    /// Of the open transaction.
    pub partitions: Partitions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionListing {
    pub transactional_id: Arc<str>,
    pub producer_id: ProducerId,
    pub state: TxnState,
}

/// Which ids to list; what is empty or `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    pub states: BTreeSet<TxnState>,
    pub producer_ids: BTreeSet<ProducerId>,
    /// Open for longer than that.
    pub longer_than_ms: Option<i64>,
    /// A regular expression over whole transactional ids.
    pub pattern: Option<Arc<str>>,
}

impl Coordinator {
    /// Errors: Invalid (empty id), TransactionalIdNotFound.
    pub fn describe(&self, id: &str) -> Result<TransactionDescription> {
        check_id(id)?;
        let Some((id, entry)) = self.entries.get_key_value(id) else {
            let what = format!("transactional id {id} is not known");
            return Err(Error::coded(Code::TransactionalIdNotFound, what));
        };
        let transaction = &entry.transaction;
        Ok(TransactionDescription {
            transactional_id: id.clone(),
            state: transaction.state,
            producer: transaction.producer,
            timeout_ms: transaction.timeout_ms,
            started_at: open_since(transaction).unwrap_or(Timestamp::NONE),
            partitions: transaction.partitions.clone(),
        })
    }

    /// By transactional id.
    ///
    /// Errors: InvalidRegularExpression.
    pub fn list(&self, filter: &TransactionFilter, now: Now) -> Result<Vec<TransactionListing>> {
        let pattern = match filter.pattern.as_deref() {
            None | Some("") => None,
            Some(text) => Some(pattern(text)?),
        };
        let wanted = |id: &Arc<str>, transaction: &Transaction| {
            let long = filter.longer_than_ms.is_none_or(|ms| {
                let since = open_since(transaction);
                since.is_some_and(|at| now.wall.get().saturating_sub(at.get()) > ms)
            });
            let (states, ids) = (&filter.states, &filter.producer_ids);
            long && (states.is_empty() || states.contains(&transaction.state))
                && (ids.is_empty() || ids.contains(&transaction.producer.id))
                && pattern.as_ref().is_none_or(|p| p.is_match(id))
        };
        let found = self
            .entries
            .iter()
            .filter(|(id, e)| wanted(id, &e.transaction));
        let listing = |(id, entry): (&Arc<str>, &super::plan::Entry)| TransactionListing {
            transactional_id: id.clone(),
            producer_id: entry.transaction.producer.id,
            state: entry.transaction.state,
        };
        Ok(found.map(listing).collect())
    }
}

/// When the transaction began that is open, or whose end is not complete.
fn open_since(transaction: &Transaction) -> Option<Timestamp> {
    let open = !transaction.state.is_idle() && transaction.started_at != Timestamp::NONE;
    open.then_some(transaction.started_at)
}

fn pattern(text: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{text})$")).map_err(|error| {
        let what = format!("pattern {text} is no regular expression");
        Error::coded(Code::InvalidRegularExpression, what).with_source(error)
    })
}
