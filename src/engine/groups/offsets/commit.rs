//! OffsetCommit and TxnOffsetCommit, and what refuses the commits of zombies.

use super::{Committed, OffsetCommit, OffsetOutcome};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::ConsumerGroup;
use crate::engine::groups::join::unknown_member;
use crate::engine::groups::member::Member;
use crate::engine::groups::partitions::UNKNOWN_EPOCH;
use crate::engine::groups::plan::{Now, Plan};
use crate::engine::groups::records::{Change, What};
use crate::engine::groups::requests::{CommitRequest, TransactionalCommit};
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};
use crate::protocol::STRING_BYTES_MAX;
use crate::types::TopicId;

type Outcomes = Vec<OffsetOutcome>;

impl Coordinator {
    /// Commits offsets. Partitions that do not exist, and metadata that is too long, are refused one
    /// by one; the others count.
    ///
    /// Errors, for all: `GroupIdNotFound` (a member of no group), `UnknownMemberId`,
    /// `StaleMemberEpoch` (the member must heartbeat first, or lost the partition).
    pub fn commit_offsets(
        &self,
        request: &CommitRequest,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<Outcomes>> {
        self.may_commit(request, topics, false)?;
        let mut changes = Vec::new();
        let outcomes = request
            .offsets
            .iter()
            .map(|commit| OffsetOutcome {
                topic: commit.topic.clone(),
                partition: commit.partition,
                result: self
                    .change_of(request, commit, topics, now)
                    .map(|change| changes.push(change)),
            })
            .collect();
        Ok(Plan::of(request.group.clone(), changes, outcomes))
    }

    /// Commits offsets as part of a transaction: they count when
    /// [`Coordinator::complete_transaction`] says so. The caller has checked the producer.
    ///
    /// Errors: as [`Coordinator::commit_offsets`].
    pub fn commit_transactional(
        &self,
        request: &TransactionalCommit,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Plan<Outcomes>> {
        self.may_commit(&request.commit, topics, true)?;
        let anyone = CommitRequest {
            epoch: -1,
            ..request.commit.clone()
        };
        let mut changes = Vec::new();
        let outcomes = anyone
            .offsets
            .iter()
            .map(|commit| OffsetOutcome {
                topic: commit.topic.clone(),
                partition: commit.partition,
                result: self
                    .change_of(&anyone, commit, topics, now)
                    .map(|change| changes.push(change)),
            })
            .collect();
        let mut plan = Plan::of(anyone.group, changes, outcomes);
        plan.producer = Some((request.producer, request.producer_epoch));
        Ok(plan)
    }

    fn may_commit(
        &self,
        request: &CommitRequest,
        topics: &dyn TopicsView,
        in_transaction: bool,
    ) -> Result<()> {
        if request.group.len() > STRING_BYTES_MAX {
            let what = format!("a group id of {} bytes is too long", request.group.len());
            return Err(Error::coded(Code::InvalidGroupId, what));
        }
        let group = self.groups.get(&request.group);
        let consumer = group.and_then(|g| g.consumer.as_ref());
        let nobody =
            request.epoch < 0 && request.member.is_empty() && request.instance_id.is_none();
        if in_transaction && nobody {
            return Ok(());
        }
        if request.epoch < 0 && group.is_none_or(|g| !g.has_members()) {
            return Ok(());
        }
        if let Some(classic) = group.and_then(|g| g.classic.as_ref()) {
            return classic.may_commit(request, in_transaction);
        }
        let unknown = || unknown_member(&request.group, &request.member);
        match (group, consumer) {
            (None, _) => Err(self.not_a_group(&request.group)),
            (Some(_), None) => Err(unknown()),
            (Some(_), Some(consumer)) => {
                let member = consumer.member(&request.member).ok_or_else(unknown)?;
                check_epoch(request, consumer, member, topics)
            }
        }
    }

    fn change_of(
        &self,
        request: &CommitRequest,
        commit: &OffsetCommit,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<Change> {
        let place = format!("commit of {}-{}", commit.topic, commit.partition);
        let info = topics.topic(&commit.topic);
        let Some(info) = info.filter(|t| (0..t.partitions).contains(&commit.partition)) else {
            let what = format!("{place}: no such partition");
            return Err(Error::coded(Code::UnknownTopicOrPartition, what));
        };
        if commit.topic_id != TopicId::NONE && commit.topic_id != info.id {
            let what = format!("{place}: the topic that was read is gone, another has its name");
            return Err(Error::coded(Code::UnknownTopicId, what));
        }
        let allowed = self.settings.offset_metadata_bytes_max;
        let allowed = allowed.min(STRING_BYTES_MAX);
        if commit.metadata.len() > allowed {
            return Err(Error::coded(
                Code::OffsetMetadataTooLarge,
                format!(
                    "{place}: {} bytes of metadata, {} are allowed (offset.metadata.max.bytes)",
                    commit.metadata.len(),
                    allowed
                ),
            ));
        }
        if commit.offset.get() < 0 {
            let what = format!("{place}: offset {} is negative", commit.offset);
            return Err(Error::coded(Code::OffsetOutOfRange, what));
        }
        Ok(Change {
            group: request.group.clone(),
            what: What::Offset {
                topic: commit.topic.clone(),
                partition: commit.partition,
                value: Some(Committed {
                    offset: commit.offset,
                    leader_epoch: commit.leader_epoch,
                    metadata: commit.metadata.clone(),
                    committed_at: now.wall,
                    expires_at: commit.expires_at,
                    topic_id: info.id,
                }),
            },
        })
    }
}

/// The member's epoch commits everything; an older one only what the member was given by then and
/// still holds (KIP-1251): whoever lost a partition cannot commit it any more.
fn check_epoch(
    request: &CommitRequest,
    group: &ConsumerGroup,
    member: &Member,
    topics: &dyn TopicsView,
) -> Result<()> {
    let stale = |why: String| {
        let place = format!(
            "commit of member {} of group {}",
            request.member, request.group
        );
        Err(Error::coded(
            Code::StaleMemberEpoch,
            format!("{place}: {why}"),
        ))
    };
    if request.epoch == member.epoch() {
        return Ok(());
    }
    if member.metadata.classic.is_some() {
        return Err(Error::coded(
            Code::IllegalGeneration,
            format!(
                "commit of member {} of group {}: it is in generation {}",
                request.member,
                request.group,
                member.epoch()
            ),
        ));
    }
    if request.epoch > member.epoch() || request.epoch < 0 {
        return stale(format!(
            "epoch {} is not the member's, which is {}: heartbeat first",
            request.epoch,
            member.epoch()
        ));
    }
    for commit in &request.offsets {
        let id = topics.topic(&commit.topic).map(|t| t.id);
        let given_at = id.and_then(|id| {
            let held = [member.assigned(), member.pending_revocation()];
            let mut epochs = held
                .into_iter()
                .filter_map(|h| h.get(&id)?.get(&commit.partition));
            epochs.next().copied()
        });
        // Unknown, as older records leave it: nothing tells a zombie's commit from this one.
        let held_by_then = given_at.is_some_and(|at| at != UNKNOWN_EPOCH && at <= request.epoch);
        if !held_by_then {
            return stale(format!(
                "{}-{} was not its own in epoch {} (the group is in {})",
                commit.topic,
                commit.partition,
                request.epoch,
                group.epoch()
            ));
        }
    }
    Ok(())
}
