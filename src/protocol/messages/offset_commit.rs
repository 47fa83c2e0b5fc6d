//! OffsetCommit, key 8: request and response, versions 2 to 10.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(OffsetCommitRequest<'a>: OffsetCommit, 2..=10, flexible 8);

schema! {
    /// Versions 2 to 10, flexible from 8.
    pub struct OffsetCommitRequest<'a> {
        group_id: Str<'a>,
        generation_id_or_member_epoch: i32 = -1,
        member_id: Str<'a>,
        [7..; strict] group_instance_id: Option<Str<'a>>,
        [..=4] retention_time_ms: i64 = -1,
        topics: Vec<OffsetCommitRequestTopic<'a>>,
    }

    pub struct OffsetCommitRequestTopic<'a> {
        [..=9] name: Str<'a>,
        [10..] topic_id: TopicId,
        partitions: Vec<OffsetCommitRequestPartition<'a>>,
    }

    pub struct OffsetCommitRequestPartition<'a> {
        partition_index: i32,
        committed_offset: i64,
        [6..] committed_leader_epoch: i32 = -1,
        committed_metadata: Option<Str<'a>>,
    }
}

message!(OffsetCommitResponse<'a>: OffsetCommit, 2..=10, flexible 8);

schema! {
    /// Versions 2 to 10, flexible from 8.
    pub struct OffsetCommitResponse<'a> {
        [3..] throttle_time_ms: i32,
        topics: Vec<OffsetCommitResponseTopic<'a>>,
    }

    pub struct OffsetCommitResponseTopic<'a> {
        [..=9] name: Str<'a>,
        [10..] topic_id: TopicId,
        partitions: Vec<OffsetCommitResponsePartition>,
    }

    pub struct OffsetCommitResponsePartition {
        partition_index: i32,
        error_code: i16,
    }
}
