//! AlterPartitionReassignments, key 45: request and response, versions 0 to 1.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(AlterPartitionReassignmentsRequest<'a>: AlterPartitionReassignments, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct AlterPartitionReassignmentsRequest<'a> {
        timeout_ms: i32 = 60000,
        [1..; strict] allow_replication_factor_change: bool = true,
        topics: Vec<ReassignableTopic<'a>>,
    }

    pub struct ReassignableTopic<'a> {
        name: Str<'a>,
        partitions: Vec<ReassignablePartition>,
    }

    pub struct ReassignablePartition {
        partition_index: i32,
        replicas: Option<Vec<i32>>,
    }
}

message!(AlterPartitionReassignmentsResponse<'a>: AlterPartitionReassignments, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct AlterPartitionReassignmentsResponse<'a> {
        throttle_time_ms: i32,
        [1..] allow_replication_factor_change: bool = true,
        error_code: i16,
        error_message: Option<Str<'a>>,
        responses: Vec<ReassignableTopicResponse<'a>>,
    }

    pub struct ReassignableTopicResponse<'a> {
        name: Str<'a>,
        partitions: Vec<ReassignablePartitionResponse<'a>>,
    }

    pub struct ReassignablePartitionResponse<'a> {
        partition_index: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
    }
}
