//! Committing offsets: by hand, and by the consumer itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Consumer;
use super::consumer::{Guard, State};
use super::rebalance::is_lost;
use crate::engine::CommitTicket;
use crate::engine::groups::{CommitRequest, OffsetCommit};
use crate::error::{Error, Kind, Result};
use crate::types::{Offset, TopicId, TopicPartition};

/// Who commits: a member of a group, or, with epoch -1 and no member, somebody outside of group
/// management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group: Arc<str>,
    pub member: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub epoch: i32,
}

impl Consumer {
    /// Commits the positions, or `offsets` (the next record to read, not the last one read), and waits
    /// until that is durable, for `default.api.timeout.ms` at most.
    ///
    /// Errors: Invalid without a group, Conflict or Fenced when the group has moved on, Timeout.
    pub fn commit(&self, offsets: Option<&BTreeMap<TopicPartition, Offset>>) -> Result<()> {
        self.commit_async(offsets)?.map_or(Ok(()), |ticket| {
            ticket.wait_for(self.options.default_timeout)
        })
    }

    /// The same without waiting; the ticket tells when it is durable. `None`: there was nothing to
    /// commit.
    pub fn commit_async(
        &self,
        offsets: Option<&BTreeMap<TopicPartition, Offset>>,
    ) -> Result<Option<CommitTicket>> {
        let offsets = offsets.map(|offsets| {
            let offsets = offsets.iter();
            offsets
                .map(|(p, offset)| OffsetCommit::new(p.topic.clone(), p.partition, *offset))
                .collect()
        });
        self.commit_by_hand(offsets)
    }

    /// The same for offsets that say more: of which topic they are, what to keep with them.
    pub fn commit_offsets(&self, offsets: Vec<OffsetCommit>) -> Result<Option<CommitTicket>> {
        self.commit_by_hand(Some(offsets))
    }

    fn commit_by_hand(&self, offsets: Option<Vec<OffsetCommit>>) -> Result<Option<CommitTicket>> {
        let mut state = self.enter()?;
        if self.options.group.is_none() {
            return Err(Error::invalid(
                "commit needs a group: give the consumer one",
            ));
        }
        if state.member.as_ref().is_some_and(|m| m.is_put_out()) {
            return Err(self.put_out(&mut state));
        }
        let outcome = match offsets {
            Some(mut offsets) => {
                for commit in &mut offsets {
                    state.name_topic(commit);
                }
                let ticket = self.send_commit(&state, offsets.clone());
                ticket.inspect(|_| self.ahead.lock().dealt_with(&offsets))
            }
            None => {
                let ticket = self.commit_positions(&state);
                ticket.inspect(|_| self.ahead.lock().dealt_with_all())
            }
        };
        match outcome {
            Err(error) if is_lost(&error) => Err(self.lost_by(&mut state, error)?),
            other => other,
        }
    }

    /// The group does not know this member any more: gives what to say of it.
    fn lost_by(&self, state: &mut Guard<'_>, error: Error) -> Result<Error> {
        let now = self.engine.clock().monotonic();
        match &state.member {
            Some(member) if member.is_joined() && member.is_late(now) => Ok(self.put_out(state)),
            Some(member) if member.is_joined() => self.lose_all(state).map(|()| error),
            _ => Ok(error),
        }
    }

    /// The group as a transactional producer must name it, and the positions, or `offsets`: what
    /// [`Producer::send_offsets`](crate::embedded::Producer::send_offsets) takes.
    ///
    /// Errors: Invalid without a group, and when the consumer commits by itself; Conflict when the group
    /// has put this member out.
    pub fn group_offsets(
        &self,
        offsets: Option<Vec<OffsetCommit>>,
    ) -> Result<(GroupMetadata, Vec<OffsetCommit>)> {
        let mut state = self.enter()?;
        let Some(group) = &self.options.group else {
            return Err(Error::invalid(
                "offsets in a transaction need a group: give the consumer one",
            ));
        };
        if self.options.auto_commit {
            return Err(Error::invalid(
                "the consumer commits by itself: set enable.auto.commit to false, so that its offsets \
                 count with the transaction alone",
            ));
        }
        if state.member.as_ref().is_some_and(|m| m.is_put_out()) {
            return Err(self.put_out(&mut state));
        }
        // Also who has not joined is named: nobody in particular would be let in without a check.
        let member = state.member.as_ref();
        let metadata = GroupMetadata {
            group: group.as_str().into(),
            member: member.map_or_else(|| "".into(), |m| m.id().clone()),
            instance_id: None,
            epoch: member.map_or(-1, |m| m.epoch()),
        };
        let offsets = match offsets {
            Some(mut offsets) => {
                offsets.iter_mut().for_each(|c| state.name_topic(c));
                offsets
            }
            None => self.positions(&state),
        };
        Ok((metadata, offsets))
    }

    /// Commits when `auto.commit.interval.ms` is over. A commit that fails is logged and tried again
    /// after the next interval: the records are given again at worst.
    pub(super) fn commit_by_itself(&self, state: &State) {
        {
            let now = self.engine.clock().monotonic();
            let mut ahead = self.ahead.lock();
            if now < ahead.commit_due {
                return;
            }
            ahead.commit_due = now.saturating_add(self.options.auto_commit_interval);
        }
        if let Err(error) = self.commit_positions(state) {
            tracing::warn!(%error, "auto commit failed");
        }
    }

    pub(super) fn commit_is_due(&self) -> bool {
        self.engine.clock().monotonic() >= self.ahead.lock().commit_due
    }

    /// Before partitions go: commits the positions with `enable.auto.commit` and waits for it. That the
    /// group has moved on is no error here: it is the reason why they go.
    pub(super) fn commit_at_end(&self, state: &State) -> Result<()> {
        if !self.options.auto_commit {
            return Ok(());
        }
        let committed = match self.commit_positions(state) {
            Ok(None) => Ok(()),
            Ok(Some(ticket)) => ticket.wait_for(self.options.default_timeout),
            Err(error) => Err(error),
        };
        match committed {
            Err(error)
                if matches!(error.kind(), Kind::Conflict | Kind::Fenced | Kind::NotFound) =>
            {
                tracing::warn!(%error, "positions were not committed, the group has moved on");
                Ok(())
            }
            other => other,
        }
    }

    /// Commits where the reader stands. Partitions of topics that are gone are left out.
    fn commit_positions(&self, state: &State) -> Result<Option<CommitTicket>> {
        match self.send_commit(state, self.positions(state)) {
            // One went between the look and the commit.
            Err(error) if error.kind() == Kind::NotFound && !is_lost(&error) => {
                self.send_commit(state, self.positions(state))
            }
            other => other,
        }
    }

    fn positions(&self, state: &State) -> Vec<OffsetCommit> {
        let unused = self.ahead.lock().unused();
        let there = state.assigned.iter().filter(|a| !self.is_gone(a));
        let position = |a: &super::assigned::Assigned| {
            let name = a.handle.name();
            let unused = unused.get(name).filter(|place| place.is_of(a));
            let offset = unused.map(|place| place.offset).or(a.position)?;
            let commit = OffsetCommit::new(name.topic.clone(), name.partition, offset);
            Some(commit.of_topic(a.handle.topic_id()))
        };
        there.filter_map(position).collect()
    }

    fn send_commit(
        &self,
        state: &State,
        offsets: Vec<OffsetCommit>,
    ) -> Result<Option<CommitTicket>> {
        let (Some(group), false) = (&self.options.group, offsets.is_empty()) else {
            return Ok(None);
        };
        // Who has not joined yet commits as one outside of the group.
        let member = state.member.as_ref().filter(|m| m.is_joined());
        let request = CommitRequest {
            group: group.as_str().into(),
            member: member.map_or_else(|| "".into(), |m| m.id().clone()),
            instance_id: None,
            epoch: member.map_or(-1, |m| m.epoch()),
            offsets,
        };
        self.engine.groups().commit(request).map(Some)
    }
}

impl State {
    /// Says which topic a commit by name means: the one that is read.
    fn name_topic(&self, commit: &mut OffsetCommit) {
        let named = |a: &&super::assigned::Assigned| {
            let name = a.handle.name();
            name.topic == commit.topic && name.partition == commit.partition
        };
        if commit.topic_id == TopicId::NONE
            && let Some(assigned) = self.assigned.iter().find(named)
        {
            commit.topic_id = assigned.handle.topic_id();
        }
    }
}

/// When a consumer that commits by itself first does so; never for one that does not.
pub(super) fn first_due(options: &super::ConsumerOptions, now: Duration) -> Duration {
    match options.auto_commit && options.group.is_some() {
        true => now.saturating_add(options.auto_commit_interval),
        false => Duration::MAX,
    }
}
