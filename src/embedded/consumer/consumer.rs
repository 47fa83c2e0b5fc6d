//! The consumer's face.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::ahead::Ahead;
use super::assigned::Assigned;
use super::commit::first_due;
use super::listener::{Listener, Rebalance};
use super::options::ConsumerOptions;
use super::rebalance::Membership;
use super::wishes::Wishes;
use crate::engine::{Engine, Signal};
use crate::error::{Error, Kind, Result};
use crate::sync::{Mutex, MutexGuard};
use crate::types::{TopicId, TopicPartition};

/// What the consumer should read.
#[derive(Clone, Debug, Default)]
pub(super) enum Wanted {
    #[default]
    Nothing,
    /// Partitions named by hand.
    Partitions(Vec<TopicPartition>),
    Topics(Vec<Arc<str>>),
    /// A regular expression over whole topic names.
    Pattern(Arc<str>),
}

/// Everything that one call at a time may change.
#[derive(Debug)]
pub(super) struct State {
    pub wanted: Wanted,
    pub assigned: Vec<Assigned>,
    /// Where the next poll begins, so that every partition gets its turn.
    pub turn: usize,
    /// With a group and a subscription.
    pub member: Option<Membership>,
    /// The metadata version that what is wanted was looked up with, without a group.
    pub resolved: Option<u64>,
    /// The first topic of each name that was read; one made again under the name is another.
    pub topics: BTreeMap<Arc<str>, TopicId>,
    /// Some of `assigned` may not have been started.
    pub has_new: bool,
    /// For partitions that have yet to come.
    pub wishes: Wishes,
    /// When a read that waits for `fetch.min.bytes` began.
    pub reading_since: Option<Duration>,
}

/// The consumer, locked for one call.
pub(super) type Guard<'a> = MutexGuard<'a, State>;

/// Reads records from partitions it was assigned, or that its group gives it.
///
/// One call at a time: a second thread gets a Conflict error, except for [`Consumer::wakeup`].
/// Dropping it leaves the group without committing; [`Consumer::close`] commits first when
/// `enable.auto.commit` says so.
#[derive(Debug)]
pub struct Consumer {
    pub(super) engine: Engine,
    pub(super) options: ConsumerOptions,
    /// Set by partitions with new records, by the group, by `wakeup` and by `close`.
    pub(super) signal: Arc<Signal>,
    /// Unlocked while the listener of rebalances runs.
    pub(super) state: Mutex<State>,
    /// Taken after `state`, for a few lines.
    pub(super) ahead: Mutex<Ahead>,
    pub(super) listener: Listener,
    pub(super) closed: AtomicBool,
    pub(super) woken: AtomicBool,
}

impl Consumer {
    pub(crate) fn new(engine: Engine, options: ConsumerOptions) -> Result<Consumer> {
        engine.check_open()?;
        if let Some(group) = &options.group {
            if group.is_empty() {
                return Err(Error::invalid(
                    "the group's name is empty: name one, or give no group",
                ));
            }
        } else if options.instance_id.is_some() {
            return Err(Error::invalid("group.instance.id needs a group"));
        }
        let state = State {
            wanted: Wanted::Nothing,
            assigned: Vec::new(),
            turn: 0,
            member: None,
            resolved: None,
            topics: BTreeMap::new(),
            has_new: false,
            wishes: Wishes::default(),
            reading_since: None,
        };
        let commit_due = first_due(&options, engine.clock().monotonic());
        Ok(Consumer {
            engine,
            options,
            signal: Arc::default(),
            state: Mutex::new(state),
            ahead: Mutex::new(Ahead::new(commit_due)),
            listener: Listener::default(),
            closed: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        })
    }

    pub fn options(&self) -> &ConsumerOptions {
        &self.options
    }

    /// Reads these topics: with a group its share of them, without one all partitions. Topics that do
    /// not exist yet are read once they do.
    pub fn subscribe(&self, topics: &[&str]) -> Result<()> {
        for topic in topics {
            crate::config::check_topic_name(topic)?;
        }
        self.want(Wanted::Topics(
            topics.iter().map(|t| Arc::from(*t)).collect(),
        ))
    }

    /// Reads every topic whose whole name matches the regular expression, new ones too.
    pub fn subscribe_pattern(&self, pattern: &str) -> Result<()> {
        crate::engine::topic_pattern(pattern)?;
        self.want(Wanted::Pattern(pattern.into()))
    }

    /// Gives up what was assigned or subscribed, and leaves the group.
    pub fn unsubscribe(&self) -> Result<()> {
        self.want(Wanted::Nothing)
    }

    /// The partitions that are read now.
    pub fn assignment(&self) -> Result<Vec<TopicPartition>> {
        let mut state = self.enter()?;
        self.resolve(&mut state)?;
        Ok(state.names())
    }

    /// The topics of the subscription, by name.
    pub fn subscription(&self) -> Result<Vec<Arc<str>>> {
        Ok(match &self.enter()?.wanted {
            Wanted::Topics(topics) => topics.clone(),
            Wanted::Pattern(pattern) => vec![pattern.clone()],
            _ => Vec::new(),
        })
    }

    /// The member's id and epoch, for commits inside a transaction and for show; `None` outside a group.
    pub fn member(&self) -> Result<Option<(Arc<str>, i32)>> {
        Ok(self
            .enter()?
            .member
            .as_ref()
            .map(|m| (m.id().clone(), m.epoch())))
    }

    /// No records of these partitions until [`Consumer::resume`].
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<()> {
        self.set_paused(Some(partitions), true)
    }

    /// No records at all; also not of partitions that have yet to come, when none came so far.
    pub fn pause_all(&self) -> Result<()> {
        self.set_paused(None, true)
    }

    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<()> {
        self.set_paused(Some(partitions), false)
    }

    pub fn resume_all(&self) -> Result<()> {
        self.set_paused(None, false)
    }

    pub fn paused(&self) -> Result<Vec<TopicPartition>> {
        let state = self.enter()?;
        let now = state.assigned.iter().filter(|a| a.paused);
        let now = now.map(|a| a.handle.name());
        Ok(now.chain(state.wishes.paused()).cloned().collect())
    }

    /// Makes a poll that waits return at once, empty. From any thread.
    pub fn wakeup(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.signal.set();
    }

    /// Commits (with `enable.auto.commit`), leaves the group and ends. A second close does nothing.
    /// Waits for a call under way in another thread, which it wakes. Being put out of the group is no
    /// error here.
    pub fn close(&self) -> Result<()> {
        self.finish(false)
    }

    /// The same for a reader who failed: what was handed out last (the record, or those of the last
    /// poll) does not count as read and is not committed, unless he committed it himself.
    pub fn close_after_failure(&self) -> Result<()> {
        self.finish(true)
    }

    fn finish(&self, failed: bool) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.signal.set();
        let mut state = self.state.lock();
        match failed {
            true => self.give_back_last(&mut state),
            false => self.give_back(&mut state),
        }
        let left = self.leave(&mut state);
        self.let_go(&mut state);
        self.listener.set(None);
        left
    }

    /// Commits by itself, tells the listener and leaves the group.
    pub(super) fn leave(&self, state: &mut Guard<'_>) -> Result<()> {
        let (is_member, is_lost) = match &state.member {
            Some(member) => (true, member.is_put_out()),
            None => (false, false),
        };
        let committed = match is_lost {
            true => Ok(()),
            false => self.commit_at_end(state),
        };
        let told = match (is_member, is_lost) {
            (false, _) => Ok(()),
            (_, true) => self.tell(state, Rebalance::Lost, &state.names()),
            (_, false) => self.tell(state, Rebalance::Revoked, &state.names()),
        };
        let left = self.leave_group(state);
        committed.and(left).and(told)
    }

    fn let_go(&self, state: &mut State) {
        state.assigned.drain(..).for_each(|a| a.stop_waiting());
        state.wishes = Wishes::default();
        state.resolved = None;
        state.reading_since = None;
        self.ahead.lock().clear();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The one way in: refuses a second caller, a closed consumer and a closed engine. The listener of
    /// rebalances gets in, also while the consumer closes.
    pub(super) fn enter(&self) -> Result<Guard<'_>> {
        let listens = self.listener.runs_here();
        if self.is_closed() && listens != Some(true) {
            return Err(Error::closed("the consumer is closed: make another"));
        }
        self.engine.check_open()?;
        let state = self.state.try_lock().filter(|_| listens != Some(false));
        state.ok_or_else(|| {
            Error::new(
                Kind::Conflict,
                "the consumer is in use by another thread: give each thread its own",
            )
        })
    }

    /// The same for calls that change positions: they stand where the reader stands.
    pub(super) fn enter_at_rest(&self) -> Result<Guard<'_>> {
        let mut state = self.enter()?;
        self.resolve(&mut state)?;
        self.give_back(&mut state);
        Ok(state)
    }

    fn want(&self, wanted: Wanted) -> Result<()> {
        let mut state = self.enter_outside()?;
        self.give_back(&mut state);
        let left = match state.member {
            Some(_) => self.leave(&mut state),
            None => Ok(()),
        };
        self.let_go(&mut state);
        if self.is_closed() {
            return Err(Error::closed("the consumer was closed by its listener"));
        }
        let join = !matches!(wanted, Wanted::Nothing);
        state.wanted = wanted;
        if let (Some(group), true) = (&self.options.group, join) {
            let member = Membership::new(&self.engine, group, &self.options, &self.signal)?;
            self.ahead.lock().pulse = Some(member.pulse().clone());
            state.member = Some(member);
        }
        self.signal.set();
        left
    }

    fn set_paused(&self, partitions: Option<&[TopicPartition]>, paused: bool) -> Result<()> {
        let mut state = self.enter_at_rest()?;
        match partitions {
            Some(names) => {
                for name in names {
                    match self.awaits(&state, name) {
                        true => state.wishes.pause(Some(name), paused),
                        false => state.get(name)?.paused = paused,
                    }
                }
            }
            None => {
                if self.awaits_partitions(&state) {
                    state.wishes.pause(None, paused);
                }
                state.assigned.iter_mut().for_each(|a| a.paused = paused);
            }
        }
        self.signal.set();
        Ok(())
    }
}

impl State {
    /// An assigned partition by name; NotFound when it is not assigned.
    pub(super) fn get(&mut self, name: &TopicPartition) -> Result<&mut Assigned> {
        let found = self.assigned.iter_mut().find(|a| a.handle.name() == name);
        found.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("{name} is not assigned to this consumer"),
            )
        })
    }

    /// The partitions that are read now.
    pub(super) fn names(&self) -> Vec<TopicPartition> {
        let names = self.assigned.iter().map(|a| a.handle.name());
        names.cloned().collect()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            let mut state = self.state.lock();
            if let Err(error) = self.leave_group(&mut state) {
                tracing::warn!(%error, "a dropped consumer could not leave its group");
            }
            state.assigned.drain(..).for_each(|a| a.stop_waiting());
        }
    }
}
