//! OffsetCommit, key 8, versions 2 to 10 (KIP-211, KIP-320, KIP-345, KIP-848, KIP-1251).
//!
//! Answered when the offsets are durable. Partitions that are not there are refused one by one, and the
//! others count. Kafka refuses every commit of a KIP-848 member before version 9; here only one with an
//! epoch that is not the member's is, with Kafka's code for that version.

use std::sync::Arc;

use super::shared::{code, durable, kept, kept_or_null, must_wait, sent};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::{CommitRequest, OffsetCommit};
use crate::engine::{CommitTicket, TopicHandle};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// The last version whose clients say how long an offset is to be kept.
const RETENTION_TO: i16 = 4;
/// The first version whose clients know the errors of KIP-848.
const NEWER_ERRORS_FROM: i16 = 9;
/// The first version that names topics by their id.
const IDS_FROM: i16 = 10;

type Topics = Vec<OffsetCommitResponseTopic<'static>>;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: OffsetCommitRequest<'_> = call.request()?;
    let (mut topics, offsets) = sort_out(call, &request);
    let ticket = match offsets.is_empty() {
        true => None,
        false => commit(call, &request, offsets, &mut topics),
    };
    let response = |topics| OffsetCommitResponse {
        topics,
        ..OffsetCommitResponse::default()
    };
    if ticket.is_none() {
        return call.ready(&response(topics));
    }
    call.reply().later(async move {
        match durable(ticket).await {
            0 => {}
            lost => refuse_accepted(&mut topics, lost),
        }
        response(topics)
    })
}

/// The answer, in which only what cannot be committed is refused so far, and the rest.
fn sort_out(call: &Call<'_>, request: &OffsetCommitRequest<'_>) -> (Topics, Vec<OffsetCommit>) {
    let keeps = call.version() <= RETENTION_TO && request.retention_time_ms >= 0;
    let expires_at = keeps.then(|| {
        let now = call.engine().clock().now().get();
        Timestamp(now.saturating_add(request.retention_time_ms))
    });
    let mut offsets = Vec::new();
    let topics = request.topics.iter().map(|topic| {
        let found = find(call, topic);
        let partitions = topic.partitions.iter().map(|partition| {
            let commit = found
                .as_ref()
                .map_err(Error::code)
                .and_then(|handle| commit_of(handle, partition, expires_at));
            OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: match commit {
                    Ok(commit) => {
                        offsets.push(commit);
                        0
                    }
                    Err(code) => code.number(),
                },
            }
        });
        OffsetCommitResponseTopic {
            name: sent(&topic.name),
            topic_id: topic.topic_id,
            partitions: partitions.collect(),
        }
    });
    (topics.collect(), offsets)
}

fn find(call: &Call<'_>, topic: &OffsetCommitRequestTopic<'_>) -> Result<Arc<TopicHandle>> {
    match call.version() >= IDS_FROM {
        true => call.engine().topic_by_id(topic.topic_id),
        false => call.engine().topic(&topic.name),
    }
}

fn commit_of(
    topic: &TopicHandle,
    wanted: &OffsetCommitRequestPartition<'_>,
    expires_at: Option<Timestamp>,
) -> Result<OffsetCommit, Code> {
    let partition = wanted.partition_index;
    let known = usize::try_from(partition).is_ok_and(|at| at < topic.partitions().len());
    if !known {
        return Err(Code::UnknownTopicOrPartition);
    }
    let offset = Offset(wanted.committed_offset);
    let commit = OffsetCommit::new(topic.name().clone(), partition, offset).of_topic(topic.id());
    Ok(OffsetCommit {
        leader_epoch: LeaderEpoch(wanted.committed_leader_epoch),
        metadata: kept(wanted.committed_metadata.as_deref().unwrap_or_default()),
        expires_at,
        ..commit
    })
}

/// Writes the outcomes into `topics`.
fn commit(
    call: &Call<'_>,
    request: &OffsetCommitRequest<'_>,
    offsets: Vec<OffsetCommit>,
    topics: &mut Topics,
) -> Option<CommitTicket> {
    let written = call.engine().groups().commit_offsets(&CommitRequest {
        group: kept(&request.group_id),
        member: kept(&request.member_id),
        instance_id: kept_or_null(request.group_instance_id.as_ref()),
        epoch: request.generation_id_or_member_epoch,
        offsets,
    });
    let (outcomes, ticket) = match written {
        Ok(written) => written,
        Err(error) => {
            refuse_accepted(topics, told(&error, call.version()));
            return None;
        }
    };
    for (place, outcome) in accepted(topics).zip(outcomes) {
        place.error_code = outcome
            .result
            .map_or_else(|error| error.code().number(), |()| 0);
    }
    ticket
}

/// Older clients do not know the errors of consumer groups.
fn told(error: &Error, version: i16) -> i16 {
    match error.code() {
        Code::GroupIdNotFound if version < NEWER_ERRORS_FROM => Code::IllegalGeneration.number(),
        Code::StaleMemberEpoch if version < NEWER_ERRORS_FROM => Code::UnsupportedVersion.number(),
        _ => code(error),
    }
}

/// The partitions that are not refused.
fn accepted(topics: &mut Topics) -> impl Iterator<Item = &mut OffsetCommitResponsePartition> {
    let all = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    all.filter(|partition| partition.error_code == 0)
}

fn refuse_accepted(topics: &mut Topics, code: i16) {
    accepted(topics).for_each(|partition| partition.error_code = code);
}
