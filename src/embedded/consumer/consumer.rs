//! The consumer's face.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::assigned::Assigned;
use super::options::ConsumerOptions;
use super::rebalance::Membership;
use crate::engine::{Engine, Signal};
use crate::error::{Error, Kind, Result};
use crate::types::TopicPartition;

/// What the consumer should read.
#[derive(Clone, Debug, Default)]
pub(super) enum Wanted {
    #[default]
    Nothing,
    /// Partitions named by hand.
    Partitions,
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
    /// The metadata version that a subscription without a group was resolved with.
    pub resolved: Option<u64>,
    /// When positions were last committed by the consumer itself.
    pub auto_committed_at: Duration,
}

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
    pub(super) state: Mutex<State>,
    pub(super) closed: AtomicBool,
    pub(super) woken: AtomicBool,
}

impl Consumer {
    pub(crate) fn new(engine: Engine, options: ConsumerOptions) -> Result<Consumer> {
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
            auto_committed_at: engine.clock().monotonic(),
        };
        Ok(Consumer {
            engine,
            options,
            signal: Arc::default(),
            state: Mutex::new(state),
            closed: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        })
    }

    pub fn options(&self) -> &ConsumerOptions {
        &self.options
    }

    /// Reads these partitions, all of them and alone: no group shares them out. Replaces what was
    /// assigned or subscribed before; positions of partitions that stay are kept.
    pub fn assign(&self, partitions: &[TopicPartition]) -> Result<()> {
        let mut state = self.enter()?;
        self.leave_group(&mut state)?;
        state.wanted = Wanted::Partitions;
        let mut kept = std::mem::take(&mut state.assigned);
        for wanted in partitions {
            if let Some(at) = kept.iter().position(|a| a.handle.name() == wanted) {
                state.assigned.push(kept.swap_remove(at));
            } else {
                let handle = self.engine.partition(&wanted.topic, wanted.partition)?;
                state.assigned.push(Assigned::new(handle));
            }
        }
        kept.iter().for_each(Assigned::stop_waiting);
        self.start_positions(&mut state)
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
        let state = self.enter()?;
        Ok(state
            .assigned
            .iter()
            .map(|a| a.handle.name().clone())
            .collect())
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
        self.set_paused(partitions, true)
    }

    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<()> {
        self.set_paused(partitions, false)?;
        self.signal.set();
        Ok(())
    }

    pub fn paused(&self) -> Result<Vec<TopicPartition>> {
        let state = self.enter()?;
        Ok(state
            .assigned
            .iter()
            .filter(|a| a.paused)
            .map(|a| a.handle.name().clone())
            .collect())
    }

    /// Makes a poll that waits return at once, empty. From any thread.
    pub fn wakeup(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.signal.set();
    }

    /// Commits (with `enable.auto.commit`), leaves the group and ends. A second close does nothing.
    /// Waits for a call under way in another thread, which it wakes.
    pub fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.signal.set();
        let mut state = self.state.lock();
        let committed = if self.options.auto_commit {
            self.commit_positions(&state)
        } else {
            Ok(())
        };
        let left = self.leave_group(&mut state);
        state.assigned.drain(..).for_each(|a| a.stop_waiting());
        committed.and(left)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The one way in: refuses a second caller, a closed consumer and a closed engine.
    pub(super) fn enter(&self) -> Result<MutexGuard<'_, State>> {
        if self.is_closed() {
            return Err(Error::closed("the consumer is closed: make another"));
        }
        self.engine.check_open()?;
        self.state.try_lock().ok_or_else(|| {
            Error::new(
                Kind::Conflict,
                "the consumer is in use by another thread: give each thread its own",
            )
        })
    }

    fn want(&self, wanted: Wanted) -> Result<()> {
        let mut state = self.enter()?;
        self.leave_group(&mut state)?;
        state.assigned.drain(..).for_each(|a| a.stop_waiting());
        state.resolved = None;
        let join = !matches!(wanted, Wanted::Nothing);
        state.wanted = wanted;
        if let (Some(group), true) = (&self.options.group, join) {
            state.member = Some(Membership::new(
                &self.engine,
                group,
                &self.options,
                &self.signal,
            )?);
        }
        self.signal.set();
        Ok(())
    }

    fn set_paused(&self, partitions: &[TopicPartition], paused: bool) -> Result<()> {
        let mut state = self.enter()?;
        for name in partitions {
            state.get(name)?.paused = paused;
        }
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

    /// Positions to commit: of every partition that has one.
    pub(super) fn positions(&self) -> BTreeMap<TopicPartition, crate::types::Offset> {
        let known = |a: &Assigned| Some((a.handle.name().clone(), a.position?));
        self.assigned.iter().filter_map(known).collect()
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
