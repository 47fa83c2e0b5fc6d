//! OffsetDelete, key 47: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(OffsetDeleteRequest<'a>: OffsetDelete, 0..=0);

schema! {
    /// Version 0, never flexible.
    pub struct OffsetDeleteRequest<'a> {
        group_id: Str<'a>,
        topics: Vec<OffsetDeleteRequestTopic<'a>>,
    }

    pub struct OffsetDeleteRequestTopic<'a> {
        name: Str<'a>,
        partitions: Vec<OffsetDeleteRequestPartition>,
    }

    pub struct OffsetDeleteRequestPartition {
        partition_index: i32,
    }
}

message!(OffsetDeleteResponse<'a>: OffsetDelete, 0..=0);

schema! {
    /// Version 0, never flexible.
    pub struct OffsetDeleteResponse<'a> {
        error_code: i16,
        throttle_time_ms: i32,
        topics: Vec<OffsetDeleteResponseTopic<'a>>,
    }

    pub struct OffsetDeleteResponseTopic<'a> {
        name: Str<'a>,
        partitions: Vec<OffsetDeleteResponsePartition>,
    }

    pub struct OffsetDeleteResponsePartition {
        partition_index: i32,
        error_code: i16,
    }
}
