//! ConsumerGroupHeartbeat, key 68, versions 0 and 1 (KIP-848, KIP-1082).
//!
//! In version 0 a member may join without an id and is given one.

use super::shared::{code, kept, kept_or_null, millis, must_wait, sent};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::{self, AssignorKind, Heartbeat, HeartbeatAnswer, new_member_id};
use crate::error::Result;
use crate::protocol::messages::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    RequestTopicPartitions, ResponseTopicPartitions,
};

/// The first version in which members choose their id.
const OWN_ID_FROM: i16 = 1;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: ConsumerGroupHeartbeatRequest<'_> = call.request()?;
    let beaten = beat(call, &request).and_then(|beat| call.engine().groups().heartbeat(&beat));
    let response = match beaten {
        Ok(answer) => response(&answer),
        Err(error) => ConsumerGroupHeartbeatResponse {
            error_code: code(&error),
            error_message: Some(sent(error.message())),
            ..ConsumerGroupHeartbeatResponse::default()
        },
    };
    call.ready(&response)
}

fn beat(call: &Call<'_>, request: &ConsumerGroupHeartbeatRequest<'_>) -> Result<Heartbeat> {
    let joins = request.member_epoch == 0 && request.member_id.is_empty();
    let assignor = request.server_assignor.as_deref();
    let topics = request.subscribed_topic_names.as_ref();
    let timeout_ms = request.rebalance_timeout_ms;
    Ok(Heartbeat {
        group: kept(&request.group_id),
        member: match joins && call.version() < OWN_ID_FROM {
            true => new_member_id().into(),
            false => kept(&request.member_id),
        },
        epoch: request.member_epoch,
        instance_id: kept_or_null(request.instance_id.as_ref()),
        rack_id: kept_or_null(request.rack_id.as_ref()),
        client_id: kept(call.client_id()),
        client_host: call.peer.host.clone(),
        rebalance_timeout: (timeout_ms != -1).then(|| millis(timeout_ms)),
        topics: topics.map(|names| names.iter().map(|name| kept(name)).collect()),
        regex: kept_or_null(request.subscribed_topic_regex.as_ref()),
        assignor: assignor.map(AssignorKind::asked_for).transpose()?,
        owned: request.topic_partitions.as_deref().map(owned),
    })
}

fn owned(topics: &[RequestTopicPartitions]) -> groups::Assignment {
    let mut owned = groups::Assignment::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let partitions = owned.entry(topic.topic_id).or_default();
        partitions.extend(topic.partitions.iter().copied());
    }
    owned
}

fn response(answer: &HeartbeatAnswer) -> ConsumerGroupHeartbeatResponse<'static> {
    let interval = i32::try_from(answer.heartbeat_interval.as_millis());
    let topics = answer.assignment.as_ref().map(|assignment| {
        let topics = assignment.iter();
        topics.map(|(topic_id, partitions)| ResponseTopicPartitions {
            topic_id: *topic_id,
            partitions: partitions.iter().copied().collect(),
        })
    });
    ConsumerGroupHeartbeatResponse {
        member_id: Some(sent(&answer.member)),
        member_epoch: answer.epoch,
        // Who left sends no more.
        heartbeat_interval_ms: match answer.epoch < 0 {
            true => 0,
            false => interval.unwrap_or(i32::MAX),
        },
        assignment: topics.map(|topics| Assignment {
            topic_partitions: topics.collect(),
        }),
        ..ConsumerGroupHeartbeatResponse::default()
    }
}
