//! What Python wants to hear of rebalances.

use levada::embedded::Rebalance;
use levada::sync::Mutex;
use levada::types::TopicPartition;
use levada::{Error, Result};
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};

/// A callable that takes `"assigned"`, `"revoked"` or `"lost"`, and partitions.
#[derive(Debug, Default)]
pub struct Hears {
    callback: Mutex<Option<Py<PyAny>>>,
    /// What it raised: the call that it was made from raises it again.
    raised: Mutex<Option<PyErr>>,
}

impl Hears {
    pub fn set(&self, callback: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut *self.callback.lock(), callback);
        // Not under the lock: it may run a finalizer.
        drop(before);
    }

    /// On the thread of the call that the rebalance is part of, without the interpreter lock.
    pub fn hear(&self, what: Rebalance, partitions: &[TopicPartition]) -> Result<()> {
        Python::attach(|py| {
            let callback = self.callback.lock().as_ref().map(|c| c.clone_ref(py));
            let Some(callback) = callback else {
                return Ok(());
            };
            let what = match what {
                Rebalance::Assigned => "assigned",
                Rebalance::Revoked => "revoked",
                Rebalance::Lost => "lost",
            };
            let names: Vec<(String, i32)> = partitions
                .iter()
                .map(|p| (p.topic.to_string(), p.partition))
                .collect();
            callback.call1(py, (what, names)).map(drop).map_err(|e| {
                *self.raised.lock() = Some(e);
                Error::internal("the listener of rebalances raised")
            })
        })
    }

    /// The listener's own exception before the engine's error for it.
    pub fn or_raised(&self, error: PyErr) -> PyErr {
        self.raised.lock().take().unwrap_or(error)
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self.callback.try_lock() {
            Some(callback) => callback.iter().try_for_each(|c| visit.call(c)),
            None => Ok(()),
        }
    }
}
