//! Committing offsets: by hand, and by the consumer itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Consumer;
use super::consumer::State;
use crate::engine::CommitTicket;
use crate::engine::groups::{CommitRequest, OffsetCommit};
use crate::error::{Error, Result};
use crate::types::{Offset, TopicPartition};

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
    /// until that is durable.
    ///
    /// Errors: Invalid without a group, Conflict or Fenced when the group has moved on.
    pub fn commit(&self, offsets: Option<&BTreeMap<TopicPartition, Offset>>) -> Result<()> {
        self.commit_async(offsets)?
            .map_or(Ok(()), |ticket| ticket.wait())
    }

    /// The same without waiting; the ticket tells when it is durable. `None`: there was nothing to
    /// commit.
    pub fn commit_async(
        &self,
        offsets: Option<&BTreeMap<TopicPartition, Offset>>,
    ) -> Result<Option<CommitTicket>> {
        let state = self.enter()?;
        if self.options.group.is_none() {
            return Err(Error::invalid(
                "commit needs a group: give the consumer one",
            ));
        }
        match offsets {
            Some(offsets) => self.commit_offsets(&state, offsets),
            None => self.commit_offsets(&state, &state.positions()),
        }
    }

    /// The group as a transactional producer must name it, and the positions: what
    /// [`Producer::send_offsets`](crate::embedded::Producer::send_offsets) takes.
    ///
    /// Errors: Invalid without a group, and when the consumer commits by itself.
    pub fn group_positions(&self) -> Result<(GroupMetadata, BTreeMap<TopicPartition, Offset>)> {
        let state = self.enter()?;
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
        let member = state.member.as_ref();
        let metadata = GroupMetadata {
            group: group.as_str().into(),
            member: member.map_or_else(|| "".into(), |m| m.id().clone()),
            instance_id: None,
            epoch: member.map_or(-1, |m| m.epoch()),
        };
        Ok((metadata, state.positions()))
    }

    /// Commits when `auto.commit.interval.ms` is over. A commit that fails is logged and tried again
    /// after the next interval: the records are given again at worst.
    pub(super) fn commit_by_itself(&self, state: &mut State) -> Result<()> {
        if !self.commit_is_due(state) {
            return Ok(());
        }
        state.auto_committed_at = self.engine.clock().monotonic();
        if let Err(error) = self.commit_offsets(state, &state.positions()) {
            tracing::warn!(%error, "auto commit failed");
        }
        Ok(())
    }

    pub(super) fn commit_is_due(&self, state: &State) -> bool {
        let due = state.auto_committed_at + self.options.auto_commit_interval;
        self.options.auto_commit
            && self.options.group.is_some()
            && self.engine.clock().monotonic() >= due
    }

    pub(super) fn commit_positions(&self, state: &State) -> Result<()> {
        if self.options.group.is_none() {
            return Ok(());
        }
        self.commit_offsets(state, &state.positions())?
            .map_or(Ok(()), |ticket| ticket.wait())
    }

    fn commit_offsets(
        &self,
        state: &State,
        offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<Option<CommitTicket>> {
        let (Some(group), false) = (&self.options.group, offsets.is_empty()) else {
            return Ok(None);
        };
        let request = CommitRequest {
            group: group.as_str().into(),
            member: state
                .member
                .as_ref()
                .map_or_else(|| "".into(), |m| m.id().clone()),
            instance_id: None,
            epoch: state.member.as_ref().map_or(-1, |m| m.epoch()),
            offsets: offsets
                .iter()
                .map(|(partition, offset)| {
                    OffsetCommit::new(partition.topic.clone(), partition.partition, *offset)
                })
                .collect(),
        };
        self.engine.groups().commit(request).map(Some)
    }
}
