//! Keeping the assignment in line: with the group's coordinator (KIP-848), or, without a group, with
//! the topics that exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Consumer;
use super::assigned::Assigned;
use super::consumer::{State, Wanted};
use super::options::ConsumerOptions;
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
        })
    }

    pub(super) fn id(&self) -> &Arc<str> {
        self.pulse.member()
    }

    pub(super) fn epoch(&self) -> i32 {
        self.pulse.epoch()
    }

    pub(super) fn has_news(&self) -> bool {
        !self.joined || self.pulse.has_news()
    }
}

impl Consumer {
    /// One round with the coordinator, when something is due: joins, revokes, takes over.
    pub(super) fn rebalance(&self, state: &mut State) -> Result<()> {
        for _ in 0..STEPS_MAX {
            let Some(member) = &mut state.member else {
                return Ok(());
            };
            let put_out = member.pulse.polled(self.engine.clock().monotonic());
            if put_out {
                member.joined = false;
                self.lose_all(state);
                continue;
            }
            if member.joined && !member.pulse.take_changed() {
                return Ok(());
            }
            match self.heartbeat(state) {
                Ok(answer) => {
                    if !self.reconcile(state, answer)? {
                        return Ok(());
                    }
                }
                Err(error) if is_lost(&error) => {
                    tracing::warn!(%error, "the group has put this member out, it joins anew");
                    if let Some(member) = &mut state.member {
                        member.joined = false;
                        member.pulse.reset();
                    }
                    self.lose_all(state);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
    fn reconcile(&self, state: &mut State, answer: HeartbeatAnswer) -> Result<bool> {
        let Some(target) = answer.assignment else {
            return Ok(false);
        };
        let before = owned(state);
        let in_target = |a: &Assigned| {
            target
                .get(&a.handle.topic_id())
                .is_some_and(|p| p.contains(&a.handle.name().partition))
        };
        if state.assigned.iter().any(|a| !in_target(a)) {
            if self.options.auto_commit {
                self.commit_positions(state)?;
            }
            state.assigned.retain(|a| {
                let keep = in_target(a);
                if !keep {
                    a.stop_waiting();
                }
                keep
            });
            return Ok(true);
        }
        for (topic, partitions) in &target {
            let held = before.get(topic);
            for partition in partitions
                .iter()
                .filter(|p| held.is_none_or(|h| !h.contains(p)))
            {
                // A topic that was deleted meanwhile leaves the assignment with the next heartbeat.
                if let Ok(handle) = self.engine.partition_by_id(*topic, *partition) {
                    state.assigned.push(Assigned::new(handle));
                }
            }
        }
        self.start_positions(state)?;
        Ok(before != target)
    }

    /// Somebody else may own them already: nothing is committed.
    fn lose_all(&self, state: &mut State) {
        state.assigned.drain(..).for_each(|a| a.stop_waiting());
    }

    pub(super) fn leave_group(&self, state: &mut State) -> Result<()> {
        let Some(member) = state.member.take() else {
            return Ok(());
        };
        self.engine.groups().unfollow(&member.pulse, member.joined)
    }

    /// Without a group: all partitions of the topics wanted, looked up when the metadata changed.
    pub(super) fn resolve(&self, state: &mut State) -> Result<()> {
        let version = self.engine.metadata_version();
        if state.resolved == Some(version) {
            return Ok(());
        }
        let names: Vec<Arc<str>> = match &state.wanted {
            Wanted::Topics(topics) => topics.clone(),
            Wanted::Pattern(pattern) => self
                .engine
                .topics_matching(pattern, !self.options.exclude_internal)?,
            Wanted::Partitions | Wanted::Nothing => return Ok(()),
        };
        let handles: Vec<_> = names
            .iter()
            .filter_map(|name| self.engine.topic(name).ok())
            .flat_map(|t| t.partitions().to_vec())
            .collect();
        state
            .assigned
            .retain(|a| handles.iter().any(|h| Arc::ptr_eq(h, &a.handle)));
        for handle in handles {
            if !state
                .assigned
                .iter()
                .any(|a| Arc::ptr_eq(&a.handle, &handle))
            {
                state.assigned.push(Assigned::new(handle));
            }
        }
        state.resolved = Some(version);
        self.start_positions(state)
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
fn is_lost(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::UnknownMemberId | Code::FencedMemberEpoch | Code::GroupIdNotFound
    )
}
