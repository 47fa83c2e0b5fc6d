//! What a call decided: a record to append, then to apply. Nothing has changed until then.

use std::sync::Arc;

use super::records;
use super::transaction::Transaction;
use crate::engine::groups::RecordBytes;
use crate::error::Result;
use crate::types::ProducerEpoch;

/// The outcome of a call, not yet true. In this order: append [`Plan::record`] to the id's partition,
/// give the plan to [`super::Coordinator::apply`], and answer (or act) when everything appended there is
/// durable: also when this plan changes nothing, for then it repeats what an earlier one said. If the
/// append fails, drop the plan.
#[derive(Debug)]
#[must_use = "a plan that is not applied changes nothing"]
pub struct Plan<T> {
    pub(super) id: Arc<str>,
    pub(super) step: Step,
    pub(super) answer: T,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Nothing,
    Put(Entry),
    /// The id expired.
    Remove,
}

/// What is known of an id: what is recorded, and one thing that is not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub transaction: Transaction,
    /// The epoch that the same producer had before its present one, so that its retry is answered alike;
    /// [`ProducerEpoch::NONE`] when another came in its place. Not recorded: a retry over a restart is
    /// refused as fenced.
    pub last_epoch: ProducerEpoch,
}

impl<T> Plan<T> {
    pub(super) fn put(id: &Arc<str>, entry: Entry, answer: T) -> Plan<T> {
        Plan {
            id: id.clone(),
            step: Step::Put(entry),
            answer,
        }
    }

    pub(super) fn nothing(id: &Arc<str>, answer: T) -> Plan<T> {
        Plan {
            id: id.clone(),
            step: Step::Nothing,
            answer,
        }
    }

    /// The same plan with another answer.
    pub(super) fn answering<U>(self, answer: U) -> Plan<U> {
        Plan {
            id: self.id,
            step: self.step,
            answer,
        }
    }

    pub fn transactional_id(&self) -> &Arc<str> {
        &self.id
    }

    /// The record to append; `None` when nothing changes.
    pub fn record(&self) -> Option<RecordBytes> {
        let value = match &self.step {
            Step::Nothing => return None,
            Step::Put(entry) => Some(records::value(&entry.transaction)),
            Step::Remove => None,
        };
        Some(RecordBytes {
            key: records::key(&self.id),
            value,
        })
    }

    /// Whether this plan only says again what was said.
    pub fn is_empty(&self) -> bool {
        matches!(self.step, Step::Nothing)
    }

    /// Whether markers are to be written once the record is durable.
    pub fn decides(&self) -> bool {
        let decided = |e: &Entry| e.transaction.state.ending().is_some();
        matches!(&self.step, Step::Put(entry) if decided(entry))
    }
}

impl Plan<Vec<Result<()>>> {
    /// One outcome for all: the first error.
    pub fn all_or_first(self) -> Result<Plan<()>> {
        let id = self.id.clone();
        self.answer.into_iter().collect::<Result<Vec<()>>>()?;
        Ok(Plan {
            id,
            step: self.step,
            answer: (),
        })
    }
}
