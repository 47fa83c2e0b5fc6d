//! Keeping the assignment in line with the group's coordinator (KIP-848).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Consumer;
use super::assigned::Assigned;
use super::consumer::{Guard, State, Wanted};
use super::listener::Rebalance;
use super::options::ConsumerOptions;
use super::wishes::Wishes;
use crate::engine::groups::{Assignment, AssignorKind, Heartbeat, HeartbeatAnswer, new_member_id};
use crate::engine::{Engine, Pulse, Signal};
use crate::error::{Code, Error, Result};

/// How many steps of revoking and acknowledging one poll takes before it reads on; the rest follows
/// with the next poll.
const STEPS_MAX: usize = 8;

/// This consumer as a member of its group.
#[derive(Debug)]
pub(super) struct Membership {
    /// Shared with the group keeper, which sends heartbeats between polls.
    pulse: Arc<Pulse>,
    assignor: Option<AssignorKind>,
    joined: bool,
    /// Its first partitions have come.
    settled: bool,
}

impl Membership {
    pub(super) fn new(
        engine: &Engine,
        group: &str,
        options: &ConsumerOptions,
        signal: &Arc<Signal>,
    ) -> Result<Self> {
        let assignor = match &options.assignor {
            None => None,
            Some(name) => Some(AssignorKind::parse(name).ok_or_else(|| {
                let message = format!("no assignor {name}: use uniform or range");
                Error::coded(Code::UnsupportedAssignor, message)
            })?),
        };
        let pulse = Pulse::new(
            group.into(),
            new_member_id(),
            options.instance_id.as_deref().map(Arc::from),
            options.poll_interval_max,
            signal.clone(),
        );
        engine.groups().follow(&pulse)?;
        Ok(Membership {
            pulse,
            assignor,
            joined: false,
            settled: false,
        })
    }

    pub(super) fn id(&self) -> &Arc<str> {
        self.pulse.member()
    }

    pub(super) fn epoch(&self) -> i32 {
        self.pulse.epoch()
    }

    pub(super) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Whether the next poll has something to do for the group, or would wait for it.
    pub(super) fn has_news(&self) -> bool {
        !self.joined || self.pulse.has_news() || self.pulse.is_beating()
    }

    /// Whether it has not polled for longer than it may.
    pub(super) fn is_late(&self, now: Duration) -> bool {
        self.pulse.is_late(now)
    }

    /// Whether it did not poll in time and lost its place.
    pub(super) fn is_put_out(&self) -> bool {
        self.pulse.is_put_out()
    }
}

impl Consumer {
    /// One round with the coordinator, when something is due: joins, revokes, takes over. After an
    /// error the next round begins where this one was.
    ///
    /// Errors: Conflict once after the member was put out.
    pub(super) fn rebalance(&self, state: &mut Guard<'_>) -> Result<()> {
        let now = self.engine.clock().monotonic();
        let was_late = state.member.as_ref().is_some_and(|m| m.is_late(now));
        if let Some(member) = &state.member {
            member.pulse.polled(now);
        }
        let done = self.step_by_step(state, was_late);
        match (&done, &state.member) {
            (Ok(true), _) | (_, None) => {}
            (_, Some(member)) => member.pulse.put_back_changed(),
        }
        done.map(drop)
    }

    /// Whether all is in line.
    fn step_by_step(&self, state: &mut Guard<'_>, was_late: bool) -> Result<bool> {
        let mut must_answer = false;
        for _ in 0..STEPS_MAX {
            let Some(member) = &mut state.member else {
                return Ok(true);
            };
            if member.is_put_out() {
                return Err(self.put_out(state));
            }
            let changed = member.pulse.take_changed();
            if member.joined && !changed && !must_answer {
                return Ok(true);
            }
            match self.heartbeat(state) {
                Ok(answer) => must_answer = self.reconcile(state, answer)?,
                Err(error) if is_lost(&error) && was_late => return Err(self.put_out(state)),
                Err(error) if is_lost(&error) => {
                    tracing::warn!(%error, "the group has put this member out, it joins anew");
                    self.lose_all(state)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(!must_answer)
    }

    fn heartbeat(&self, state: &mut State) -> Result<HeartbeatAnswer> {
        let owned = owned(state);
        let Some(member) = &mut state.member else {
            return Err(Error::internal("a heartbeat outside a group"));
        };
        let (topics, regex) = match &state.wanted {
            Wanted::Topics(topics) => (topics.iter().cloned().collect(), None),
            Wanted::Pattern(pattern) => (BTreeSet::new(), Some(pattern.clone())),
            _ => (BTreeSet::new(), None),
        };
        let request = Heartbeat {
            instance_id: member.pulse.instance_id().cloned(),
            client_id: self.options.client_id.as_str().into(),
            client_host: "in-process".into(),
            rebalance_timeout: Some(self.options.poll_interval_max),
            topics: Some(topics),
            regex,
            assignor: member.assignor,
            owned: Some(owned),
            ..Heartbeat::default()
        };
        let answer = self.engine.groups().beat(&member.pulse, request)?;
        member.joined = true;
        Ok(answer)
    }

    /// Gives up what the answer does not name, then takes what is new. Gives whether the coordinator
    /// must hear of it at once.
    fn reconcile(&self, state: &mut Guard<'_>, answer: HeartbeatAnswer) -> Result<bool> {
        let Some(target) = answer.assignment else {
            return Ok(false);
        };
        let in_target = |a: &Assigned| {
            target
                .get(&a.handle.topic_id())
                .is_some_and(|p| p.contains(&a.handle.name().partition))
        };
        let going = state.assigned.iter().filter(|a| !in_target(a));
        let going: Vec<_> = going.map(|a| a.handle.name().clone()).collect();
        if !going.is_empty() {
            // They go, committed or not: what is read twice is better than what nobody reads.
            if let Err(error) = self.commit_at_end(state) {
                tracing::warn!(%error, "positions of partitions that go were not committed");
            }
            let told = self.tell(state, Rebalance::Revoked, &going);
            state.assigned.retain(|a| {
                let keep = in_target(a);
                if !keep {
                    a.stop_waiting();
                }
                keep
            });
            return told.map(|()| true);
        }
        let before = owned(state);
        let come = self.take_over(state, &target, &before);
        if come.is_empty() && !before.is_empty() {
            state.wishes = Wishes::default();
            if let Some(member) = &mut state.member {
                member.settled = true;
            }
        }
        self.tell(state, Rebalance::Assigned, &come)?;
        Ok(!come.is_empty())
    }

    fn take_over(
        &self,
        state: &mut State,
        target: &Assignment,
        held: &Assignment,
    ) -> Vec<crate::types::TopicPartition> {
        let mut come = Vec::new();
        for (topic, partitions) in target {
            let held = held.get(topic);
            for partition in partitions
                .iter()
                .filter(|p| held.is_none_or(|h| !h.contains(p)))
            {
                // A topic that was deleted meanwhile leaves the assignment with the next heartbeat.
                if let Ok(handle) = self.engine.partition_by_id(*topic, *partition) {
                    come.push(handle.name().clone());
                    self.take_on(state, handle);
                }
            }
        }
        come
    }

    /// The group has put this member out because it did not poll. Said once: the next poll joins again.
    pub(super) fn put_out(&self, state: &mut Guard<'_>) -> Error {
        let who = match &state.member {
            Some(member) => format!("member {} of group {}", member.id(), member.pulse.group()),
            None => "a member".to_owned(),
        };
        let message = format!(
            "{who} did not poll for {} ms (max.poll.interval.ms) and lost its partitions: what it read and did not commit is read again; poll, and it joins again",
            self.options.poll_interval_max.as_millis()
        );
        let told = self.lose_all(state);
        told.err()
            .unwrap_or_else(|| Error::coded(Code::UnknownMemberId, message))
    }

    /// Somebody else may own the partitions already: nothing is committed.
    pub(super) fn lose_all(&self, state: &mut Guard<'_>) -> Result<()> {
        if let Some(member) = &mut state.member {
            member.joined = false;
            member.settled = false;
            member.pulse.reset();
        }
        let lost = state.names();
        state.assigned.drain(..).for_each(|a| a.stop_waiting());
        self.ahead.lock().clear();
        self.tell(state, Rebalance::Lost, &lost)
    }

    pub(super) fn leave_group(&self, state: &mut State) -> Result<()> {
        let Some(member) = state.member.take() else {
            return Ok(());
        };
        self.ahead.lock().pulse = None;
        self.engine.groups().unfollow(&member.pulse, member.joined)
    }
}

fn owned(state: &State) -> Assignment {
    let mut owned = Assignment::new();
    for assigned in &state.assigned {
        owned
            .entry(assigned.handle.topic_id())
            .or_default()
            .insert(assigned.handle.name().partition);
    }
    owned
}

/// The group knows this member no more, or another has taken its place.
pub(super) fn is_lost(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::UnknownMemberId | Code::FencedMemberEpoch | Code::GroupIdNotFound
    )
}
