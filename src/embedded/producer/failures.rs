//! Batches that failed and that nobody may have looked at: what `flush` and `close` must not hide.

use std::collections::VecDeque;
use std::sync::Arc;

use super::delivery::BatchDelivery;
use crate::error::{Error, Result};
use crate::sync::Mutex;

/// How many failed batches are remembered; the newest push the oldest out.
const REMEMBERED_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Failures {
    recent: Mutex<VecDeque<(Error, Arc<BatchDelivery>)>>,
    /// The first failure of the transaction that is open, whoever has seen it: it cannot be committed.
    first: Mutex<Option<Error>>,
}

impl Failures {
    pub(super) fn note(&self, error: &Error, delivery: &Arc<BatchDelivery>) {
        self.first.lock().get_or_insert_with(|| error.clone());
        let mut recent = self.recent.lock();
        if recent.len() == REMEMBERED_MAX {
            recent.pop_front();
        }
        recent.push_back((error.clone(), delivery.clone()));
    }

    /// A transaction begins: what the last one lost was told by its commit, or given up by its abort.
    pub(super) fn begin(&self) {
        *self.first.lock() = None;
        self.recent.lock().clear();
    }

    /// The first failure since [`Failures::begin`].
    pub(super) fn first(&self) -> Option<Error> {
        self.first.lock().clone()
    }

    /// The first failure since the last call whose outcome nobody has asked for.
    pub(super) fn take_unseen(&self) -> Result<()> {
        let recent = std::mem::take(&mut *self.recent.lock());
        let unseen: Vec<&Error> = recent
            .iter()
            .filter(|(_, d)| !d.was_seen())
            .map(|(e, _)| e)
            .collect();
        match unseen.as_slice() {
            [] => Ok(()),
            [one] => Err((*one).clone().at("a batch was not delivered")),
            [first, ..] => Err((*first).clone().at(format_args!(
                "{} batches were not delivered, the first",
                unseen.len()
            ))),
        }
    }
}
