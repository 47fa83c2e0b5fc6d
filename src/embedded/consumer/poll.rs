//! Polling: the group first, then a turn over the partitions, then waiting for whatever comes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Consumer;
use super::assigned::Assigned;
use super::consumer::{State, Wanted};
use super::decode::{PolledBatch, Raw};
use crate::engine::OnSignal;
use crate::error::{Error, Result};

/// A waiting member looks after its group at least this often.
const GROUP_WAIT_MAX: Duration = Duration::from_secs(1);

impl Consumer {
    /// Up to `records_max` records (`None`: `max.poll.records`), as soon as there are some; empty when
    /// `timeout` is over. Records of one partition come in order.
    ///
    /// Errors: OutOfRange (with `auto.offset.reset=none`), Corrupt, Conflict (two threads), Closed.
    pub fn poll(&self, records_max: Option<usize>, timeout: Duration) -> Result<Vec<PolledBatch>> {
        let records_max = records_max.unwrap_or(self.options.poll_records_max);
        self.wait_for(
            timeout,
            |consumer, state| consumer.take_records(state, records_max),
            Vec::is_empty,
        )
    }

    /// Batches as stored, about `bytes_max` bytes of them; for Arrow and for copying.
    pub fn poll_raw(&self, bytes_max: Option<usize>, timeout: Duration) -> Result<Vec<Raw>> {
        let bytes_max = bytes_max.unwrap_or(self.options.fetch_bytes_max);
        self.wait_for(
            timeout,
            |consumer, state| consumer.take_raw(state, bytes_max),
            Vec::is_empty,
        )
    }

    /// Calls `callback` once when a poll may find something: records, a change in the group, a wake-up.
    /// For event loops: poll without waiting, and if that is empty, leave a callback and come back.
    pub fn on_ready(&self, callback: OnSignal) -> Result<()> {
        let state = self.enter()?;
        self.signal.clear();
        self.arm(&state)?;
        self.signal.on_set(callback);
        if self.group_has_news(&state) {
            self.signal.set();
        }
        Ok(())
    }

    /// Whether a poll has more to do than to read: the group or the topics have changed, or positions
    /// are due to be committed. That may wait for the disk: an event loop lets a thread call
    /// [`Consumer::keep_up`] first, and then polls.
    pub fn has_news(&self) -> Result<bool> {
        let state = self.enter()?;
        Ok(self.commit_is_due(&state) || self.group_has_news(&state))
    }

    /// Whether records of several topics may come: by the subscription, not by what is there now.
    pub fn reads_several_topics(&self) -> Result<bool> {
        let state = self.enter()?;
        Ok(match &state.wanted {
            Wanted::Pattern(_) => true,
            Wanted::Topics(topics) => topics.iter().any(|t| Some(t) != topics.first()),
            Wanted::Partitions | Wanted::Nothing => {
                let topic = |a: &Assigned| a.handle.name().topic.clone();
                let first = state.assigned.first().map(topic);
                state.assigned.iter().any(|a| Some(topic(a)) != first)
            }
        })
    }

    /// What a poll does before it reads.
    pub fn keep_up(&self) -> Result<()> {
        let mut state = self.enter()?;
        self.commit_by_itself(&mut state)?;
        self.follow(&mut state)
    }

    fn group_has_news(&self, state: &State) -> bool {
        match (&state.member, &state.wanted) {
            (Some(member), _) => member.has_news(),
            (None, Wanted::Topics(_) | Wanted::Pattern(_)) => {
                state.resolved != Some(self.engine.metadata_version())
            }
            (None, Wanted::Partitions | Wanted::Nothing) => false,
        }
    }

    fn wait_for<T>(
        &self,
        timeout: Duration,
        take: impl Fn(&Self, &mut State) -> Result<T>,
        is_nothing: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let clock = self.engine.clock();
        let deadline = clock.monotonic().saturating_add(timeout);
        let mut state = self.enter()?;
        if matches!(state.wanted, Wanted::Nothing) {
            return Err(Error::invalid(
                "nothing is subscribed or assigned: subscribe or assign first",
            ));
        }
        self.commit_by_itself(&mut state)?;
        loop {
            self.signal.clear();
            self.follow(&mut state)?;
            let found = take(self, &mut state)?;
            let now = clock.monotonic();
            if !is_nothing(&found) || now >= deadline || self.woken.swap(false, Ordering::SeqCst) {
                return Ok(found);
            }
            if self.is_closed() {
                return Err(Error::closed("the consumer was closed while it waited"));
            }
            self.engine.check_open()?;
            self.arm(&state)?;
            self.signal.wait((deadline - now).min(GROUP_WAIT_MAX));
        }
    }

    /// Brings the assignment in line with the group, or with the topics that exist.
    fn follow(&self, state: &mut State) -> Result<()> {
        if state.member.is_some() {
            self.rebalance(state)?;
        } else {
            self.resolve(state)?;
        }
        match state.assigned.iter().any(|a| a.unstable) {
            true => self.start_positions(state),
            false => Ok(()),
        }
    }

    fn arm(&self, state: &State) -> Result<()> {
        for assigned in state.assigned.iter().filter(|a| !a.paused) {
            assigned.wake_on_data(&self.signal, self.options.isolation)?;
        }
        Ok(())
    }

    fn take_records(&self, state: &mut State, records_max: usize) -> Result<Vec<PolledBatch>> {
        let mut into = Vec::new();
        let mut left = records_max;
        self.each_turn(state, |assigned| {
            left -= assigned.records(left, &self.options, &mut into)?;
            Ok(left > 0)
        })?;
        Ok(into)
    }

    fn take_raw(&self, state: &mut State, bytes_max: usize) -> Result<Vec<Raw>> {
        let mut into = Vec::new();
        let mut left = bytes_max;
        self.each_turn(state, |assigned| {
            if let Some(raw) = assigned.raw(left.max(1), &self.options)? {
                left = left.saturating_sub(raw.batches.len());
                into.push(raw);
            }
            Ok(left > 0)
        })?;
        Ok(into)
    }

    /// Visits every partition that is not paused, from the one whose turn it is, until `visit` has
    /// enough. What one partition gave is not lost when a later one fails: its error comes next time.
    fn each_turn(
        &self,
        state: &mut State,
        mut visit: impl FnMut(&mut super::assigned::Assigned) -> Result<bool>,
    ) -> Result<()> {
        let count = state.assigned.len();
        let first = state.turn;
        for step in 0..count {
            let index = (first + step) % count;
            let may_read = |a: &&mut super::assigned::Assigned| !a.paused && !a.unstable;
            let Some(assigned) = state.assigned.get_mut(index).filter(may_read) else {
                continue;
            };
            match visit(assigned) {
                Ok(true) => {}
                Ok(false) => {
                    // It has more: its turn comes again after all the others had theirs.
                    state.turn = (index + 1) % count;
                    return Ok(());
                }
                Err(error) if step == 0 => {
                    state.turn = (index + 1) % count;
                    return Err(error);
                }
                Err(_) => {
                    state.turn = index;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
