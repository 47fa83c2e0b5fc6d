//! Groups and their offsets.

use crate::protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use crate::protocol::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use crate::protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::protocol::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::protocol::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use crate::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use crate::protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

/// A member may be told no protocol from this version on; before, an empty name.
const JOIN_NULL_PROTOCOL_FROM: i16 = 7;
/// From this version on an error stands for all offsets; before, at each.
const OFFSETS_WHOLE_FROM: i16 = 2;
/// Offsets of several groups are asked for at once.
const OFFSETS_OF_GROUPS_FROM: i16 = 8;
/// Several coordinators are asked for at once.
const COORDINATORS_FROM: i16 = 4;
/// No broker.
const NO_NODE: i32 = -1;

pub(super) fn find_coordinator<'a>(
    request: &FindCoordinatorRequest<'a>,
    version: i16,
    code: i16,
) -> FindCoordinatorResponse<'a> {
    if version < COORDINATORS_FROM {
        return FindCoordinatorResponse {
            error_code: code,
            node_id: NO_NODE,
            port: NO_NODE,
            ..FindCoordinatorResponse::default()
        };
    }
    let coordinators = request.coordinator_keys.iter().map(|key| Coordinator {
        key: key.clone(),
        node_id: NO_NODE,
        port: NO_NODE,
        error_code: code,
        ..Coordinator::default()
    });
    FindCoordinatorResponse {
        coordinators: coordinators.collect(),
        ..FindCoordinatorResponse::default()
    }
}

pub(super) fn join_group(
    _: &JoinGroupRequest<'_>,
    version: i16,
    code: i16,
) -> JoinGroupResponse<'static> {
    JoinGroupResponse {
        error_code: code,
        protocol_name: match version {
            JOIN_NULL_PROTOCOL_FROM.. => None,
            _ => Some("".into()),
        },
        ..JoinGroupResponse::default()
    }
}

pub(super) fn sync_group(
    _: &SyncGroupRequest<'_>,
    _: i16,
    code: i16,
) -> SyncGroupResponse<'static> {
    SyncGroupResponse {
        error_code: code,
        ..SyncGroupResponse::default()
    }
}

pub(super) fn heartbeat(_: &HeartbeatRequest<'_>, _: i16, code: i16) -> HeartbeatResponse {
    HeartbeatResponse {
        error_code: code,
        ..HeartbeatResponse::default()
    }
}

pub(super) fn leave_group(
    _: &LeaveGroupRequest<'_>,
    _: i16,
    code: i16,
) -> LeaveGroupResponse<'static> {
    LeaveGroupResponse {
        error_code: code,
        ..LeaveGroupResponse::default()
    }
}

pub(super) fn consumer_heartbeat(
    _: &ConsumerGroupHeartbeatRequest<'_>,
    _: i16,
    code: i16,
) -> ConsumerGroupHeartbeatResponse<'static> {
    ConsumerGroupHeartbeatResponse {
        error_code: code,
        ..ConsumerGroupHeartbeatResponse::default()
    }
}

pub(super) fn offset_commit<'a>(
    request: &OffsetCommitRequest<'a>,
    _: i16,
    code: i16,
) -> OffsetCommitResponse<'a> {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: partitions
                .map(|partition| OffsetCommitResponsePartition {
                    partition_index: partition.partition_index,
                    error_code: code,
                })
                .collect(),
        }
    });
    OffsetCommitResponse {
        topics: topics.collect(),
        ..OffsetCommitResponse::default()
    }
}

pub(super) fn offset_fetch<'a>(
    request: &OffsetFetchRequest<'a>,
    version: i16,
    code: i16,
) -> OffsetFetchResponse<'a> {
    let groups = request.groups.iter().map(|group| OffsetFetchResponseGroup {
        group_id: group.group_id.clone(),
        error_code: code,
        ..OffsetFetchResponseGroup::default()
    });
    let asked = request.topics.iter().flatten();
    let topics = asked.map(|topic| OffsetFetchResponseTopic {
        name: topic.name.clone(),
        partitions: (topic.partition_indexes.iter())
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: *partition,
                committed_offset: -1,
                metadata: Some("".into()),
                error_code: code,
                ..OffsetFetchResponsePartition::default()
            })
            .collect(),
    });
    OffsetFetchResponse {
        topics: match version {
            OFFSETS_WHOLE_FROM.. => Vec::new(),
            _ => topics.collect(),
        },
        error_code: code,
        groups: match version {
            OFFSETS_OF_GROUPS_FROM.. => groups.collect(),
            _ => Vec::new(),
        },
        ..OffsetFetchResponse::default()
    }
}
