//! ListOffsets, key 2: request and response, versions 1 to 11.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ListOffsetsRequest<'a>: ListOffsets, 1..=11, flexible 6);

schema! {
    /// Versions 1 to 11, flexible from 6.
    pub struct ListOffsetsRequest<'a> {
        replica_id: i32,
        [2..; strict] isolation_level: i8,
        topics: Vec<ListOffsetsTopic<'a>>,
        [10..] timeout_ms: i32,
    }

    pub struct ListOffsetsTopic<'a> {
        name: Str<'a>,
        partitions: Vec<ListOffsetsPartition>,
    }

    pub struct ListOffsetsPartition {
        partition_index: i32,
        [4..] current_leader_epoch: i32 = -1,
        timestamp: i64,
    }
}

message!(ListOffsetsResponse<'a>: ListOffsets, 1..=11, flexible 6);

schema! {
    /// Versions 1 to 11, flexible from 6.
    pub struct ListOffsetsResponse<'a> {
        [2..] throttle_time_ms: i32,
        topics: Vec<ListOffsetsTopicResponse<'a>>,
    }

    pub struct ListOffsetsTopicResponse<'a> {
        name: Str<'a>,
        partitions: Vec<ListOffsetsPartitionResponse>,
    }

    pub struct ListOffsetsPartitionResponse {
        partition_index: i32,
        error_code: i16,
        timestamp: i64 = -1,
        offset: i64 = -1,
        [4..; strict] leader_epoch: i32 = -1,
    }
}
