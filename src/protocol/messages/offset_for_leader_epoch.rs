//! OffsetForLeaderEpoch, key 23: request and response, versions 2 to 4.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(OffsetForLeaderEpochRequest<'a>: OffsetForLeaderEpoch, 2..=4, flexible 4);

schema! {
    /// Versions 2 to 4, flexible from 4.
    pub struct OffsetForLeaderEpochRequest<'a> {
        [3..] replica_id: i32 = -2,
        topics: Vec<OffsetForLeaderTopic<'a>>,
    }

    pub struct OffsetForLeaderTopic<'a> {
        topic: Str<'a>,
        partitions: Vec<OffsetForLeaderPartition>,
    }

    pub struct OffsetForLeaderPartition {
        partition: i32,
        current_leader_epoch: i32 = -1,
        leader_epoch: i32,
    }
}

message!(OffsetForLeaderEpochResponse<'a>: OffsetForLeaderEpoch, 2..=4, flexible 4);

schema! {
    /// Versions 2 to 4, flexible from 4.
    pub struct OffsetForLeaderEpochResponse<'a> {
        throttle_time_ms: i32,
        topics: Vec<OffsetForLeaderTopicResult<'a>>,
    }

    pub struct OffsetForLeaderTopicResult<'a> {
        topic: Str<'a>,
        partitions: Vec<EpochEndOffset>,
    }

    pub struct EpochEndOffset {
        error_code: i16,
        partition: i32,
        leader_epoch: i32 = -1,
        end_offset: i64 = -1,
    }
}
