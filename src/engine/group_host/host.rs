//! The coordinator as the engine runs it.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::pulse::Pulse;
use super::store;
use super::ticket::CommitTicket;
use super::view::View;
use super::waiting::Waiting;
use crate::engine::engine::{Engine, Shared};
use crate::engine::groups::{
    CommitRequest, Committed, Coordinator, FetchAs, GroupDescription, GroupListing, GroupSettings,
    Heartbeat, HeartbeatAnswer, LeaveRequest, Now, OffsetCommit, OffsetOutcome, Plan,
};
use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::types::{Offset, TopicPartition};

/// The engine's groups. Nothing is read or started before the first call that needs a group.
#[derive(Debug)]
pub struct Groups {
    /// Weak: the engine owns this.
    pub(super) engine: Mutex<Weak<Shared>>,
    /// Held from deciding to applying, also across the append (which only reaches the page cache).
    /// Taken before the table's lock and before the partition's.
    pub(super) state: Mutex<State>,
    /// Ends the keeper's sleep.
    pub(super) keeper: Mutex<super::keeper::Keeper>,
    pub(super) keeper_due: Condvar,
    /// Whether the keeper's thread was started.
    pub(super) keeping: AtomicBool,
}

#[derive(Debug)]
pub(super) struct State {
    pub coordinator: Coordinator,
    loaded: bool,
    /// Requests of classic members that are not answered yet.
    pub waiting: Waiting,
    /// Members of this process by group: told when their group changes.
    followers: HashMap<Arc<str>, Vec<Weak<Pulse>>>,
}

impl Groups {
    pub(in crate::engine) fn new(settings: GroupSettings) -> Groups {
        Groups {
            engine: Mutex::new(Weak::new()),
            state: Mutex::new(State {
                coordinator: Coordinator::new(settings),
                loaded: false,
                waiting: Waiting::default(),
                followers: HashMap::new(),
            }),
            keeper: Mutex::default(),
            keeper_due: Condvar::new(),
            keeping: AtomicBool::new(false),
        }
    }

    pub(in crate::engine) fn attach(&self, engine: &Arc<Shared>) {
        *self.engine.lock() = Arc::downgrade(engine);
    }

    /// A member's heartbeat, whoever sends it: joins, leaves, shares out.
    pub fn heartbeat(&self, request: &Heartbeat) -> Result<HeartbeatAnswer> {
        self.decide(|coordinator, view, now| coordinator.heartbeat(request, view, now))
            .map(|(answer, _)| answer)
    }

    pub fn leave(&self, request: &LeaveRequest) -> Result<()> {
        self.decide(|coordinator, view, now| coordinator.leave(request, view, now))
            .map(drop)
    }

    /// Commits offsets; the ticket tells when they are durable. One refused partition refuses all.
    pub fn commit(&self, request: CommitRequest) -> Result<CommitTicket> {
        let decide = |coordinator: &Coordinator, view: &View<'_>, now| {
            let plan = coordinator.commit_offsets(&request, view, now)?;
            Ok(plan)
        };
        let (outcomes, ticket) = self.decide(decide)?;
        all_accepted(outcomes)?;
        ticket.ok_or_else(|| Error::invalid("no offsets to commit"))
    }

    /// What `group` has committed for a partition.
    pub fn committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<Committed>> {
        let wanted = [(partition.topic.clone(), partition.partition)];
        let mut outcomes = self.fetch(group, Some(&wanted))?;
        outcomes.pop().map_or(Ok(None), |outcome| outcome.result)
    }

    /// The offset of the next record to read, of each partition that `group` has committed for.
    pub fn committed_offsets(&self, group: &str) -> Result<Vec<(TopicPartition, Offset)>> {
        let mut found = Vec::new();
        for outcome in self.fetch(group, None)? {
            if let Some(committed) = outcome.result? {
                let place = TopicPartition::new(outcome.topic, outcome.partition);
                found.push((place, committed.offset));
            }
        }
        Ok(found)
    }

    /// What `group` has committed, of the partitions named or of all.
    pub fn fetch(
        &self,
        group: &str,
        wanted: Option<&[(Arc<str>, i32)]>,
    ) -> Result<Vec<OffsetOutcome<Option<Committed>>>> {
        let (_, state) = self.enter()?;
        state
            .coordinator
            .fetch_offsets(&group.into(), &FetchAs::Anyone, wanted, false)
    }

    pub fn list(&self) -> Result<Vec<GroupListing>> {
        Ok(self.enter()?.1.coordinator.list())
    }

    /// Those in one of `states` and of one of `types`; see the coordinator's `list_of`.
    pub fn list_of(&self, states: &[&str], types: &[&str]) -> Result<Vec<GroupListing>> {
        Ok(self.enter()?.1.coordinator.list_of(states, types))
    }

    pub fn describe(&self, group: &str) -> Result<GroupDescription> {
        let (engine, state) = self.enter()?;
        View::with(&engine, |view| state.coordinator.describe(group, view))
    }

    /// Deletes an empty group with its offsets, durably.
    pub fn delete(&self, group: &str) -> Result<()> {
        let group = group.into();
        let (_, ticket) = self.decide(|coordinator, _, _| coordinator.delete_group(&group))?;
        ticket.map_or(Ok(()), |t| t.wait())
    }

    /// Sets offsets of a group that nobody reads with, durably.
    pub fn reset(&self, group: &str, offsets: Vec<OffsetCommit>) -> Result<()> {
        if group.is_empty() {
            let what = "the group's name is empty: name one";
            return Err(Error::coded(crate::error::Code::InvalidGroupId, what));
        }
        let group = group.into();
        let (outcomes, ticket) = self.decide(|coordinator, view, now| {
            coordinator.reset_offsets(&group, offsets.clone(), view, now)
        })?;
        all_accepted(outcomes)?;
        ticket.map_or(Ok(()), |t| t.wait())
    }

    /// Forgets the offsets of a topic that was deleted.
    pub(in crate::engine) fn topic_deleted(&self, name: &Arc<str>) -> Result<()> {
        self.each_plan(|coordinator, _, _| coordinator.topics_deleted(std::slice::from_ref(name)))?;
        self.tell_all();
        Ok(())
    }

    /// Topics were added or grew: members look at once instead of at their next heartbeat.
    pub(in crate::engine) fn tell_all(&self) {
        let state = self.state.lock();
        state
            .followers
            .values()
            .flatten()
            .filter_map(Weak::upgrade)
            .for_each(|pulse| pulse.tell());
    }

    /// Puts out members whose time is over; offsets nobody uses go. Gives when to come again.
    pub(super) fn tick(&self) -> Result<Option<Duration>> {
        self.each_plan(|coordinator, view, now| coordinator.expire(view, now))?;
        Ok(self.state.lock().coordinator.next_deadline())
    }

    /// Forgets offsets that nobody used for `offsets.retention.minutes`.
    pub(in crate::engine) fn expire_offsets(&self) -> Result<()> {
        self.each_plan(|coordinator, _, now| coordinator.expire_offsets(now))
    }

    /// Makes `__consumer_offsets` where it is not there, which waits for the disk; the calls after it do
    /// not.
    pub fn prepare(&self) -> Result<()> {
        self.engine()?.offsets_topic().map(drop)
    }

    /// Reads the groups and puts out members whose time is over from now on, also of groups that
    /// nobody asks for. A process that serves members of other processes calls this at its start.
    pub fn start(&self) -> Result<()> {
        let (engine, state) = self.enter()?;
        drop(state);
        self.look_after_deadlines(&engine, true)
    }

    /// From now on `pulse` is told of its group's changes, and the keeper looks after it.
    pub fn follow(&self, pulse: &Arc<Pulse>) -> Result<()> {
        let (engine, mut state) = self.enter()?;
        let followers = state.followers.entry(pulse.group().clone()).or_default();
        followers.retain(|f| f.strong_count() > 0);
        followers.push(Arc::downgrade(pulse));
        drop(state);
        self.keep(&engine, pulse)
    }

    /// The member goes; with `leave` it tells the group.
    pub fn unfollow(&self, pulse: &Arc<Pulse>, leave: bool) -> Result<()> {
        self.forget(pulse);
        if let Some(followers) = self.state.lock().followers.get_mut(pulse.group()) {
            followers.retain(|f| !f.ptr_eq(&Arc::downgrade(pulse)));
        }
        if !leave {
            return Ok(());
        }
        let _beat = pulse.beats();
        let request = LeaveRequest {
            group: pulse.group().clone(),
            member: pulse.member().clone(),
            instance_id: pulse.instance_id().cloned(),
            for_a_while: pulse.instance_id().is_some(),
        };
        match self.leave(&request) {
            // It was put out already: nothing to leave.
            Err(error) if matches!(error.kind(), crate::Kind::Conflict | crate::Kind::NotFound) => {
                Ok(())
            }
            other => other,
        }
    }

    /// A full heartbeat of a member of this process.
    pub fn beat(&self, pulse: &Arc<Pulse>, request: Heartbeat) -> Result<HeartbeatAnswer> {
        let mut beats = pulse.beats();
        let request = Heartbeat {
            group: pulse.group().clone(),
            member: pulse.member().clone(),
            epoch: pulse.epoch(),
            ..request
        };
        let (engine, state) = self.enter()?;
        drop(state);
        let answer = self.heartbeat(&request)?;
        beats.beaten_at = engine.parts.clock.monotonic();
        pulse.set_epoch(answer.epoch);
        Ok(answer)
    }

    /// Decides on a plan, appends its records, applies it, tells the members it concerns.
    pub(super) fn decide<T>(
        &self,
        decide: impl FnOnce(&Coordinator, &View<'_>, Now) -> Result<Plan<T>>,
    ) -> Result<(T, Option<CommitTicket>)> {
        // Made before the state is locked: making a topic waits for whoever changes topics, and who
        // removes one waits for the state.
        self.engine()?.offsets_topic()?;
        let (engine, mut state) = self.enter()?;
        let now = now(&engine);
        let due = state.coordinator.next_deadline();
        let plan = View::with(&engine, |view| decide(&state.coordinator, view, now))?;
        let done = self.carry_out(&engine, &mut state, plan, now)?;
        let due_now = state.coordinator.next_deadline();
        answer_ready(state);
        if let Some(due_now) = due_now {
            let sooner = due.is_none_or(|due| due_now < due);
            self.look_after_deadlines(&engine, sooner)?;
        }
        Ok(done)
    }

    fn each_plan<T>(
        &self,
        decide: impl FnOnce(&Coordinator, &View<'_>, Now) -> Vec<Plan<T>>,
    ) -> Result<()> {
        let (engine, mut state) = self.enter()?;
        let now = now(&engine);
        let mut failed = Ok(());
        let plans = View::with(&engine, |view| decide(&state.coordinator, view, now));
        for plan in plans {
            // A plan of another group may still be carried out.
            let done = self.carry_out(&engine, &mut state, plan, now);
            failed = failed.and(done.map(drop));
        }
        answer_ready(state);
        failed
    }

    fn carry_out<T>(
        &self,
        engine: &Arc<Shared>,
        state: &mut State,
        mut plan: Plan<T>,
        now: Now,
    ) -> Result<(T, Option<CommitTicket>)> {
        let deliveries = plan.take_deliveries();
        let ticket = if plan.is_empty() {
            None
        } else {
            let topic = Engine::internal(engine).offsets_topic()?;
            let (handle, last) =
                store::append(&topic, plan.group(), plan.records(), &*engine.parts.clock)?;
            Some(CommitTicket::new(handle, last))
        };
        let told = plan.concerns_others().then(|| plan.group().clone());
        let answer = state.coordinator.apply(plan, now);
        for delivery in deliveries {
            state.waiting.deliver(delivery);
        }
        if let Some(group) = told {
            let followers = state.followers.get(&group);
            followers
                .into_iter()
                .flatten()
                .filter_map(Weak::upgrade)
                .for_each(|pulse| pulse.tell());
        }
        Ok((answer, ticket))
    }

    pub(super) fn engine(&self) -> Result<Engine> {
        let shared = self.engine.lock().upgrade();
        let shared = shared.ok_or_else(|| Error::closed("the engine is closed: open it again"))?;
        let engine = Engine { shared };
        engine.check_open()?;
        Ok(engine)
    }

    /// The engine and the loaded state.
    pub(super) fn enter(&self) -> Result<(Arc<Shared>, MutexGuard<'_, State>)> {
        let engine = self.engine()?.shared;
        let mut state = self.state.lock();
        if !state.loaded {
            self.load(&engine, &mut state)?;
        }
        Ok((engine, state))
    }

    fn load(&self, engine: &Arc<Shared>, state: &mut State) -> Result<()> {
        let topic = engine
            .table
            .read()
            .get(crate::config::CONSUMER_OFFSETS)
            .cloned();
        let partitions = topic.as_ref().map_or(0, |t| t.partitions().len());
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        for handle in topic.iter().flat_map(|t| t.partitions()) {
            // A partition that was never written has no directory, and need not get one for this.
            if engine.parts.disk.exists(&handle.dir()) {
                store::load(handle, partitions, &mut state.coordinator)?;
            }
        }
        state.coordinator.loaded(now(engine));
        state.loaded = true;
        Ok(())
    }
}

/// Calls those whose answers are due, with the lock free.
fn answer_ready(mut state: MutexGuard<'_, State>) {
    let ready = state.waiting.take_ready();
    drop(state);
    for ready in ready {
        ready.answer();
    }
}

pub(super) fn now(engine: &Shared) -> Now {
    Now {
        wall: engine.parts.clock.now(),
        monotonic: engine.parts.clock.monotonic(),
    }
}

fn all_accepted<T>(outcomes: Vec<OffsetOutcome<T>>) -> Result<()> {
    for outcome in outcomes {
        let place = (outcome.topic, outcome.partition);
        outcome
            .result
            .map_err(|e| e.at(format_args!("{}-{}", place.0, place.1)))?;
    }
    Ok(())
}
