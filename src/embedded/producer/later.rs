//! Waiting without a thread, for event loops: what would wait is left with the producer's own thread,
//! and a callback tells when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::delivery::OnDelivered;
use super::lane::Lane;
use super::producer::Producer;
use super::topic::TopicWriter;
use crate::error::Result;
use crate::sync::Mutex;

impl Producer {
    /// Calls `callback` when what [`Producer::try_send`] found full has room: a lane of a topic, or
    /// the buffer. Another may take the room before: try again, and ask again.
    pub fn on_room(&self, full: Option<(&TopicWriter, usize)>, callback: OnDelivered) {
        let lane = full.and_then(|(writer, lane)| writer.lanes.get(lane).cloned());
        let lanes = self.lanes();
        let budget = self.shared.budget.clone();
        self.sender.run_errand(Box::new(move || {
            if let Some(lane) = lane {
                lane.drain();
            }
            if budget.is_exceeded() {
                Lane::prepare(&lanes);
                lanes.iter().for_each(|lane| lane.drain());
            }
            budget.on_room(callback);
        }));
    }

    /// Appends all that was sent before, and calls `callback` when it is delivered or has failed;
    /// [`Producer::take_failure`] says which.
    pub fn on_flushed(&self, callback: OnDelivered) -> Result<()> {
        self.check_open()?;
        let lanes = self.lanes();
        self.sender.run_errand(Box::new(move || {
            Lane::prepare(&lanes);
            lanes.iter().for_each(|lane| lane.drain());
            let newest = lanes.iter().filter_map(|lane| lane.newest_unacknowledged());
            let waiting: Vec<_> = newest.collect();
            let last = Arc::new(Last::new(waiting.len() + 1, callback));
            for delivery in waiting {
                let last = last.clone();
                delivery.on_done(Box::new(move || last.one_less()));
            }
            last.one_less();
        }));
        Ok(())
    }

    /// The first failed delivery that nobody has looked at yet.
    pub fn take_failure(&self) -> Result<()> {
        self.shared.failures.take_unseen()
    }
}

/// Calls back when so many are done.
struct Last {
    left: AtomicUsize,
    callback: Mutex<Option<OnDelivered>>,
}

impl Last {
    fn new(count: usize, callback: OnDelivered) -> Last {
        Last {
            left: AtomicUsize::new(count),
            callback: Mutex::new(Some(callback)),
        }
    }

    fn one_less(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let callback = self.callback.lock().take();
        if let Some(callback) = callback {
            callback();
        }
    }
}
