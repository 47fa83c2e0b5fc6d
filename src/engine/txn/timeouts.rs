//! Transactions that are open for too long, and ids that nobody uses.

use super::coordinator::Coordinator;
use super::plan::{Plan, Step};
use crate::engine::groups::Now;
use crate::types::Timestamp;

impl Coordinator {
    /// Aborts the transactions that are open for longer than their producers asked for, and fences the
    /// producers: one plan an id.
    pub fn timed_out(&self, now: Now) -> Vec<Plan<()>> {
        let due = self.deadlines.iter().take_while(|(at, _)| *at <= now.wall);
        let plans = due.filter_map(|(_, id)| {
            let entry = self.entries.get(id)?;
            Some(self.fence(id, entry, now))
        });
        plans.collect()
    }

    /// When the next open transaction is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Forgets ids that nobody used for `transactional.id.expiration.ms`: one plan an id.
    pub fn expired(&self, now: Now) -> Vec<Plan<()>> {
        let over = now.wall.get().saturating_sub(self.settings.expiration_ms);
        let unused = self.entries.iter().filter(|(_, entry)| {
            let transaction = &entry.transaction;
            transaction.state.is_idle() && transaction.updated_at.get() <= over
        });
        let plans = unused.map(|(id, _)| Plan {
            id: id.clone(),
            step: Step::Remove,
            answer: (),
        });
        plans.collect()
    }
}
