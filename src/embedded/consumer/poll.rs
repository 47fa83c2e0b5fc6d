//! Polling: the group first, then a turn over the partitions, then waiting for whatever comes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Consumer;
use super::assigned::{Assigned, is_unstable};
use super::consumer::{Guard, State, Wanted};
use super::decode::{PolledBatch, Raw};
use crate::engine::OnSignal;
use crate::error::{Error, Result};

/// A waiting member looks after its group at least this often.
const GROUP_WAIT_MAX: Duration = Duration::from_secs(1);

/// What a visit to a partition came to.
struct Visit {
    gave: bool,
    /// Nothing more is wanted.
    full: bool,
}

impl Consumer {
    /// Up to `records_max` records (`None`: `max.poll.records`), as soon as there are some; empty when
    /// `timeout` is over. Records of one partition come in order.
    ///
    /// Errors: OutOfRange (with `auto.offset.reset=none`, or an offset to begin at outside of the log),
    /// Corrupt, Conflict (two threads; once, when the group has put this member out because it did not
    /// poll for `max.poll.interval.ms`), Closed. An error of one partition leaves the others as they are:
    /// they go on with the next poll.
    pub fn poll(&self, records_max: Option<usize>, timeout: Duration) -> Result<Vec<PolledBatch>> {
        let records_max = records_max.unwrap_or(self.options.poll_records_max);
        let take = |consumer: &Self, state: &mut State| {
            let found = consumer.take_records(state, records_max)?;
            if consumer.options.group.is_some() && !found.is_empty() {
                consumer.ahead.lock().polled(&found);
            }
            Ok(found)
        };
        let mut state = self.enter_outside()?;
        self.wait_for(&mut state, timeout, take, Vec::is_empty)
    }

    /// Batches as stored, about `bytes_max` bytes of them; for Arrow and for copying.
    pub fn poll_raw(&self, bytes_max: Option<usize>, timeout: Duration) -> Result<Vec<Raw>> {
        let bytes_max = bytes_max.unwrap_or(self.options.fetch_bytes_max);
        let take = |consumer: &Self, state: &mut State| {
            let found = consumer.take_raw(state, bytes_max)?;
            if consumer.options.group.is_some() && !found.is_empty() {
                consumer.ahead.lock().polled_raw(&found);
            }
            Ok(found)
        };
        let mut state = self.enter_outside()?;
        self.wait_for(&mut state, timeout, take, Vec::is_empty)
    }

    /// Calls `callback` once when a poll may find something: records, a change in the group, a wake-up.
    /// For event loops: poll without waiting, and if that is empty, leave a callback and come back.
    pub fn on_ready(&self, callback: OnSignal) -> Result<()> {
        let mut state = self.enter_outside()?;
        self.signal.clear();
        self.give_back(&mut state);
        self.arm(&state);
        self.signal.on_set(callback);
        // A wake-up, or a close, may have set the signal before it was cleared.
        let was_set = self.woken.load(Ordering::SeqCst) || self.is_closed();
        if was_set || self.group_has_news(&state) {
            self.signal.set();
        }
        Ok(())
    }

    /// Whether a poll has more to do than to read: the group or the topics have changed, or positions
    /// are due to be committed. That may wait for the disk: an event loop lets a thread call
    /// [`Consumer::keep_up`] first, and then polls.
    pub fn has_news(&self) -> Result<bool> {
        let state = self.enter()?;
        Ok(self.commit_is_due() || self.group_has_news(&state))
    }

    /// What a poll does before it reads.
    pub fn keep_up(&self) -> Result<()> {
        let mut state = self.enter_outside()?;
        self.commit_by_itself(&state);
        if self.group_has_news(&state) {
            self.give_back(&mut state);
            self.ahead.lock().dealt_with_all();
            self.follow(&mut state)?;
        }
        Ok(())
    }

    fn group_has_news(&self, state: &State) -> bool {
        match (&state.member, &state.wanted) {
            (Some(member), _) => member.has_news(),
            (None, Wanted::Nothing) => false,
            (None, _) => state.resolved != Some(self.engine.metadata_version()),
        }
    }

    /// Whether records of several topics may come: by the subscription, not by what is there now.
    pub fn reads_several_topics(&self) -> Result<bool> {
        let state = self.enter()?;
        Ok(match &state.wanted {
            Wanted::Pattern(_) => true,
            Wanted::Topics(topics) => topics.iter().any(|t| Some(t) != topics.first()),
            Wanted::Partitions(names) => {
                let first = names.first().map(|n| &n.topic);
                names.iter().any(|n| Some(&n.topic) != first)
            }
            Wanted::Nothing => false,
        })
    }

    /// How often whoever waits by callback polls nevertheless: for its group, and for less than
    /// `fetch.min.bytes` once `fetch.max.wait.ms` are over.
    pub fn look_again_after(&self) -> Duration {
        match self.options.fetch_bytes_min {
            0 | 1 => GROUP_WAIT_MAX,
            _ => GROUP_WAIT_MAX.min(self.options.fetch_wait_max),
        }
    }

    pub(super) fn wait_for<T: Default>(
        &self,
        state: &mut Guard<'_>,
        timeout: Duration,
        take: impl Fn(&Self, &mut State) -> Result<T>,
        is_nothing: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let clock = self.engine.clock();
        let deadline = clock.monotonic().saturating_add(timeout);
        if matches!(state.wanted, Wanted::Nothing) {
            return Err(Error::invalid(
                "nothing is subscribed or assigned: subscribe or assign first",
            ));
        }
        self.commit_by_itself(state);
        self.give_back(state);
        // Who asks for more has dealt with what he has.
        self.ahead.lock().dealt_with_all();
        loop {
            self.signal.clear();
            self.follow(state)?;
            let found = match self.has_enough(state) {
                true => take(self, state)?,
                false => T::default(),
            };
            let now = clock.monotonic();
            // A wake-up is over with the poll that gives nothing for it, also one that would not have waited.
            if !is_nothing(&found) || self.woken.swap(false, Ordering::SeqCst) || now >= deadline {
                return Ok(found);
            }
            if self.is_closed() {
                return Err(Error::closed("the consumer was closed while it waited"));
            }
            self.engine.check_open()?;
            self.arm(state);
            self.signal
                .wait((deadline - now).min(self.look_again_after()));
        }
    }

    /// Brings the assignment in line with the group, or with the topics that exist.
    fn follow(&self, state: &mut Guard<'_>) -> Result<()> {
        if state.member.is_some() {
            self.rebalance(state)?;
        } else {
            self.resolve(state)?;
        }
        self.start_new(state);
        Ok(())
    }

    /// Whether there is as much to read as `fetch.min.bytes` asks for, or that was waited for long
    /// enough.
    fn has_enough(&self, state: &mut State) -> bool {
        let enough = self.options.fetch_bytes_min;
        if enough <= 1 {
            return true;
        }
        let now = self.engine.clock().monotonic();
        let since = *state.reading_since.get_or_insert(now);
        let mut there = 0usize;
        for assigned in state.assigned.iter_mut().filter(|a| !a.paused) {
            if there < enough {
                there = there.saturating_add(assigned.bytes_there(enough, self));
            }
        }
        let has_enough =
            there >= enough || now >= since.saturating_add(self.options.fetch_wait_max);
        if has_enough {
            state.reading_since = None;
        }
        has_enough
    }

    /// Has the signal set when there is something to read. A partition that cannot say it is read at
    /// once, so that its error comes out; one whose topic is gone has nothing to say.
    fn arm(&self, state: &State) {
        for assigned in state.assigned.iter().filter(|a| !a.paused) {
            let armed = assigned.wake_on_data(
                &self.signal,
                self.options.isolation,
                state.reading_since.is_some(),
            );
            if armed.is_err() && !self.is_past(state, assigned) {
                self.signal.set();
            }
        }
    }

    /// Whether the partition is of a topic that a subscription goes on without.
    fn is_past(&self, state: &State, assigned: &Assigned) -> bool {
        !matches!(state.wanted, Wanted::Partitions(_)) && self.is_gone(assigned)
    }

    pub(super) fn take_records(
        &self,
        state: &mut State,
        records_max: usize,
    ) -> Result<Vec<PolledBatch>> {
        let mut into = Vec::new();
        let mut left = records_max;
        self.each_turn(state, |assigned| {
            let taken = assigned.records(left, self, &mut into)?;
            left -= taken;
            Ok(Visit {
                gave: taken > 0,
                full: left == 0,
            })
        })?;
        Ok(into)
    }

    fn take_raw(&self, state: &mut State, bytes_max: usize) -> Result<Vec<Raw>> {
        let mut into = Vec::new();
        let mut left = bytes_max;
        self.each_turn(state, |assigned| {
            let raw = assigned.raw(left.max(1), self)?;
            let gave = raw.is_some();
            left = left.saturating_sub(raw.as_ref().map_or(0, |r| r.batches.len()));
            into.extend(raw);
            Ok(Visit {
                gave,
                full: left == 0,
            })
        })?;
        Ok(into)
    }

    /// Visits every partition that is not paused, from the one whose turn it is, until `visit` has
    /// enough. What one partition gave is not lost when a later one fails: its error comes next time.
    fn each_turn(
        &self,
        state: &mut State,
        mut visit: impl FnMut(&mut Assigned) -> Result<Visit>,
    ) -> Result<()> {
        let count = state.assigned.len();
        let first = state.turn;
        let mut gave = false;
        for step in 0..count {
            let index = (first + step) % count;
            let Some(assigned) = state.assigned.get_mut(index).filter(|a| !a.paused) else {
                continue;
            };
            let visited = visit(assigned);
            match visited {
                Ok(visit) if visit.full => {
                    // It has more: its turn comes again after all the others had theirs.
                    state.turn = (index + 1) % count;
                    return Ok(());
                }
                Ok(visit) => gave |= visit.gave,
                Err(error) if is_unstable(&error) => {}
                Err(error) => {
                    let assigned = state.assigned.get(index);
                    if assigned.is_some_and(|a| self.is_past(state, a)) {
                        continue;
                    }
                    if gave {
                        state.turn = index;
                        return Ok(());
                    }
                    state.turn = (index + 1) % count;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}
