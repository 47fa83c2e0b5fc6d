//! CreatePartitions, key 37: request and response, versions 0 to 3.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(CreatePartitionsRequest<'a>: CreatePartitions, 0..=3, flexible 2);

schema! {
    /// Versions 0 to 3, flexible from 2.
    pub struct CreatePartitionsRequest<'a> {
        topics: Vec<CreatePartitionsTopic<'a>>,
        timeout_ms: i32,
        validate_only: bool,
    }

    pub struct CreatePartitionsTopic<'a> {
        name: Str<'a>,
        count: i32,
        assignments: Option<Vec<CreatePartitionsAssignment>>,
    }

    pub struct CreatePartitionsAssignment {
        broker_ids: Vec<i32>,
    }
}

message!(CreatePartitionsResponse<'a>: CreatePartitions, 0..=3, flexible 2);

schema! {
    /// Versions 0 to 3, flexible from 2.
    pub struct CreatePartitionsResponse<'a> {
        throttle_time_ms: i32,
        results: Vec<CreatePartitionsTopicResult<'a>>,
    }

    pub struct CreatePartitionsTopicResult<'a> {
        name: Str<'a>,
        error_code: i16,
        error_message: Option<Str<'a>>,
    }
}
