//! ListPartitionReassignments, key 46: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ListPartitionReassignmentsRequest<'a>: ListPartitionReassignments, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct ListPartitionReassignmentsRequest<'a> {
        timeout_ms: i32 = 60000,
        topics: Option<Vec<ListPartitionReassignmentsTopics<'a>>>,
    }

    pub struct ListPartitionReassignmentsTopics<'a> {
        name: Str<'a>,
        partition_indexes: Vec<i32>,
    }
}

message!(ListPartitionReassignmentsResponse<'a>: ListPartitionReassignments, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct ListPartitionReassignmentsResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
        topics: Vec<OngoingTopicReassignment<'a>>,
    }

    pub struct OngoingTopicReassignment<'a> {
        name: Str<'a>,
        partitions: Vec<OngoingPartitionReassignment>,
    }

    pub struct OngoingPartitionReassignment {
        partition_index: i32,
        replicas: Vec<i32>,
        adding_replicas: Vec<i32>,
        removing_replicas: Vec<i32>,
    }
}
