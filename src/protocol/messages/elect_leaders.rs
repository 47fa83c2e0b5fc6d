//! ElectLeaders, key 43: request and response, versions 0 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ElectLeadersRequest<'a>: ElectLeaders, 0..=2, flexible 2);

schema! {
    /// Versions 0 to 2, flexible from 2.
    pub struct ElectLeadersRequest<'a> {
        [1..; strict] election_type: i8,
        topic_partitions: Option<Vec<TopicPartitions<'a>>>,
        timeout_ms: i32 = 60000,
    }

    pub struct TopicPartitions<'a> {
        topic: Str<'a>,
        partitions: Vec<i32>,
    }
}

message!(ElectLeadersResponse<'a>: ElectLeaders, 0..=2, flexible 2);

schema! {
    /// Versions 0 to 2, flexible from 2.
    pub struct ElectLeadersResponse<'a> {
        throttle_time_ms: i32,
        [1..; strict] error_code: i16,
        replica_election_results: Vec<ReplicaElectionResult<'a>>,
    }

    pub struct ReplicaElectionResult<'a> {
        topic: Str<'a>,
        partition_result: Vec<PartitionResult<'a>>,
    }

    pub struct PartitionResult<'a> {
        partition_id: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
    }
}
