//! TxnOffsetCommit, key 28: request and response, versions 0 to 6.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(TxnOffsetCommitRequest<'a>: TxnOffsetCommit, 0..=6, flexible 3);

schema! {
    /// Versions 0 to 6, flexible from 3.
    pub struct TxnOffsetCommitRequest<'a> {
        transactional_id: Str<'a>,
        group_id: Str<'a>,
        producer_id: i64,
        producer_epoch: i16,
        [3..; strict] generation_id_or_member_epoch: i32 = -1,
        [3..; strict] member_id: Str<'a>,
        [3..; strict] group_instance_id: Option<Str<'a>>,
        topics: Vec<TxnOffsetCommitRequestTopic<'a>>,
    }

    pub struct TxnOffsetCommitRequestTopic<'a> {
        [..=5] name: Str<'a>,
        [6..] topic_id: TopicId,
        partitions: Vec<TxnOffsetCommitRequestPartition<'a>>,
    }

    pub struct TxnOffsetCommitRequestPartition<'a> {
        partition_index: i32,
        committed_offset: i64,
        [2..] committed_leader_epoch: i32 = -1,
        committed_metadata: Option<Str<'a>>,
    }
}

message!(TxnOffsetCommitResponse<'a>: TxnOffsetCommit, 0..=6, flexible 3);

schema! {
    /// Versions 0 to 6, flexible from 3.
    pub struct TxnOffsetCommitResponse<'a> {
        throttle_time_ms: i32,
        topics: Vec<TxnOffsetCommitResponseTopic<'a>>,
    }

    pub struct TxnOffsetCommitResponseTopic<'a> {
        [..=5] name: Str<'a>,
        [6..] topic_id: TopicId,
        partitions: Vec<TxnOffsetCommitResponsePartition>,
    }

    pub struct TxnOffsetCommitResponsePartition {
        partition_index: i32,
        error_code: i16,
    }
}
