//! Reading record by record: one poll ahead, of which only what was handed out counts. Also keeps what
//! was handed out last, which its reader may not have dealt with yet.
//!
//! A record that is there costs a lock that nobody else wants; in a group also a look at the clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Consumer;
use super::assigned::Assigned;
use super::consumer::State;
use super::decode::{PolledBatch, Raw};
use crate::engine::Pulse;
use crate::engine::groups::OffsetCommit;
use crate::error::Result;
use crate::types::{Offset, TopicId, TopicPartition};

/// A record that [`Consumer::next`] hands out.
#[derive(Clone, Debug)]
pub struct Handed {
    /// Where it lies in its batch.
    pub index: usize,
    /// Its batch, with the first record of it that is handed out; the records that follow are of the
    /// same batch until another comes.
    pub batch: Option<PolledBatch>,
}

/// A position in a partition of a topic that may be gone by now.
#[derive(Clone, Debug)]
pub(super) struct Place {
    partition: TopicPartition,
    topic_id: TopicId,
    pub offset: Offset,
}

impl Place {
    pub(super) fn is_of(&self, assigned: &Assigned) -> bool {
        self.topic_id == assigned.handle.topic_id() && self.partition == *assigned.handle.name()
    }

    fn of(batch: &PolledBatch, index: usize) -> Option<Place> {
        Some(Place {
            partition: batch.topic_partition().clone(),
            topic_id: batch.topic_id(),
            offset: batch.span(index)?.offset,
        })
    }

    fn of_raw(raw: &Raw) -> Place {
        Place {
            partition: raw.topic_partition.clone(),
            topic_id: raw.topic_id,
            offset: raw.from,
        }
    }
}

/// The first place of each partition.
fn firsts(places: impl Iterator<Item = Place>) -> BTreeMap<TopicPartition, Place> {
    let mut first = BTreeMap::new();
    for place in places {
        first.entry(place.partition.clone()).or_insert(place);
    }
    first
}

#[derive(Debug)]
pub(super) struct Ahead {
    /// None is empty. The first stays until its successor's turn comes.
    batches: VecDeque<PolledBatch>,
    /// Of the first batch: what lies before was handed out.
    next: usize,
    /// The record before `next` is what was handed out last.
    fresh: bool,
    /// Where what was handed out last begins, when it was not one record of `batches`.
    last: Vec<Place>,
    /// Of the member, which a record that is taken shows to be alive.
    pub pulse: Option<Arc<Pulse>>,
    /// When the consumer commits by itself again.
    pub commit_due: Duration,
}

/// What comes before the next record is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    Commit,
    /// The group has news: what was read ahead may not be this member's any more.
    Poll,
}

impl Ahead {
    pub(super) fn new(commit_due: Duration) -> Ahead {
        Ahead {
            batches: VecDeque::new(),
            next: 0,
            fresh: false,
            last: Vec::new(),
            pulse: None,
            commit_due,
        }
    }

    fn is_empty(&self) -> bool {
        let of_first = self.batches.front().map_or(0, |first| first.len());
        self.batches.len() <= 1 && self.next >= of_first
    }

    fn take(&mut self) -> Option<Handed> {
        if self.is_empty() {
            return None;
        }
        if self.batches.front().is_some_and(|b| b.len() <= self.next) {
            self.batches.pop_front();
            self.next = 0;
        }
        let index = self.next;
        let batch = match index {
            0 => Some(self.batches.front()?.clone()),
            _ => None,
        };
        self.next += 1;
        self.fresh = true;
        self.last.clear();
        Some(Handed { index, batch })
    }

    /// Where the records begin that were read and not handed out.
    pub(super) fn unused(&self) -> BTreeMap<TopicPartition, Place> {
        if self.is_empty() {
            return BTreeMap::new();
        }
        let mut from = self.next;
        firsts(self.batches.iter().filter_map(|batch| {
            let index = std::mem::take(&mut from);
            Place::of(batch, index)
        }))
    }

    fn take_unused(&mut self) -> BTreeMap<TopicPartition, Place> {
        let unused = self.unused();
        self.unmake();
        self.batches.clear();
        self.next = 0;
        unused
    }

    /// Says in `last` what was handed out last.
    fn unmake(&mut self) {
        if std::mem::take(&mut self.fresh) {
            let batch = self.batches.front();
            let place = batch.and_then(|b| Place::of(b, self.next.checked_sub(1)?));
            self.last = place.into_iter().collect();
        }
    }

    /// A poll handed these out.
    pub(super) fn polled(&mut self, batches: &[PolledBatch]) {
        self.fresh = false;
        let places = batches.iter().filter_map(|b| Place::of(b, 0));
        self.last = firsts(places).into_values().collect();
    }

    pub(super) fn polled_raw(&mut self, raw: &[Raw]) {
        self.fresh = false;
        let places = raw.iter().map(Place::of_raw);
        self.last = firsts(places).into_values().collect();
    }

    /// Their reader has dealt with all that he was given.
    pub(super) fn dealt_with_all(&mut self) {
        self.fresh = false;
        self.last.clear();
    }

    /// Their reader has dealt with what lies before these offsets.
    pub(super) fn dealt_with(&mut self, commits: &[OffsetCommit]) {
        self.unmake();
        self.last.retain(|place| {
            !commits.iter().any(|c| {
                c.topic == place.partition.topic
                    && c.partition == place.partition.partition
                    && c.offset > place.offset
            })
        });
    }

    /// The reader stands elsewhere by his own wish, in one partition or in all.
    pub(super) fn sought(&mut self, partition: Option<&TopicPartition>) {
        self.unmake();
        self.last
            .retain(|place| partition.is_some_and(|p| place.partition != *p));
    }

    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.next = 0;
        self.dealt_with_all();
    }
}

impl Consumer {
    /// The next record if it was read ahead and nothing else must be done first; then
    /// [`Consumer::next`] does it. Never waits.
    #[inline]
    pub fn next_ahead(&self) -> Option<Handed> {
        let mut ahead = self.ahead.lock();
        if ahead.is_empty() || self.due(&ahead) != Due::Nothing {
            return None;
        }
        ahead.take()
    }

    /// The next record, as soon as there is one; `None` when `timeout` is over. Reads ahead by one poll;
    /// positions, commits and lag count what was handed out. Taking a record counts as a poll.
    ///
    /// Errors: as [`Consumer::poll`].
    pub fn next(&self, timeout: Duration) -> Result<Option<Handed>> {
        let mut state = self.enter_outside()?;
        let due = {
            let ahead = self.ahead.lock();
            self.due(&ahead)
        };
        if due == Due::Commit {
            self.commit_by_itself(&state);
        }
        if due != Due::Poll
            && let Some(handed) = self.ahead.lock().take()
        {
            return Ok(Some(handed));
        }
        self.wait_for(&mut state, timeout, Self::read_ahead, Option::is_none)
    }

    #[inline]
    fn due(&self, ahead: &Ahead) -> Due {
        if ahead.pulse.is_none() && ahead.commit_due == Duration::MAX {
            return Due::Nothing;
        }
        let now = self.engine.clock().monotonic();
        if let Some(pulse) = &ahead.pulse {
            pulse.touch(now);
            if pulse.has_news() {
                return Due::Poll;
            }
        }
        match now >= ahead.commit_due {
            true => Due::Commit,
            false => Due::Nothing,
        }
    }

    fn read_ahead(&self, state: &mut State) -> Result<Option<Handed>> {
        let found = self.take_records(state, self.options.poll_records_max)?;
        let mut ahead = self.ahead.lock();
        if !found.is_empty() {
            ahead.batches = found.into();
            ahead.next = 0;
        }
        Ok(ahead.take())
    }

    /// Takes back what was read ahead: the positions stand where the reader stands.
    pub(super) fn give_back(&self, state: &mut State) {
        let unused = self.ahead.lock().take_unused();
        for assigned in &mut state.assigned {
            if let Some(place) = unused.get(assigned.handle.name())
                && place.is_of(assigned)
            {
                assigned.seek(place.offset);
            }
        }
    }

    /// Takes back what was handed out last too.
    pub(super) fn give_back_last(&self, state: &mut State) {
        self.give_back(state);
        let last = std::mem::take(&mut self.ahead.lock().last);
        for place in last {
            if let Some(assigned) = state.assigned.iter_mut().find(|a| place.is_of(a)) {
                assigned.seek(place.offset);
            }
        }
    }
}
