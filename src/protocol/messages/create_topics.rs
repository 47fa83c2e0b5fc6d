//! CreateTopics, key 19: request and response, versions 2 to 7.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(CreateTopicsRequest<'a>: CreateTopics, 2..=7, flexible 5);

schema! {
    /// Versions 2 to 7, flexible from 5.
    pub struct CreateTopicsRequest<'a> {
        topics: Vec<CreatableTopic<'a>>,
        timeout_ms: i32 = 60000,
        validate_only: bool,
    }

    pub struct CreatableTopic<'a> {
        name: Str<'a>,
        num_partitions: i32,
        replication_factor: i16,
        assignments: Vec<CreatableReplicaAssignment>,
        configs: Vec<CreatableTopicConfig<'a>>,
    }

    pub struct CreatableReplicaAssignment {
        partition_index: i32,
        broker_ids: Vec<i32>,
    }

    pub struct CreatableTopicConfig<'a> {
        name: Str<'a>,
        value: Option<Str<'a>>,
    }
}

message!(CreateTopicsResponse<'a>: CreateTopics, 2..=7, flexible 5);

schema! {
    /// Versions 2 to 7, flexible from 5.
    pub struct CreateTopicsResponse<'a> {
        throttle_time_ms: i32,
        topics: Vec<CreatableTopicResult<'a>>,
    }

    pub struct CreatableTopicResult<'a> {
        name: Str<'a>,
        [7..] topic_id: TopicId,
        error_code: i16,
        error_message: Option<Str<'a>>,
        [5..] num_partitions: i32 = -1,
        [5..] replication_factor: i16 = -1,
        [5..] configs: Option<Vec<CreatableTopicConfigs<'a>>>,
    } tagged {
        0: [5..] topic_config_error_code: i16,
    }

    pub struct CreatableTopicConfigs<'a> {
        name: Str<'a>,
        value: Option<Str<'a>>,
        read_only: bool,
        config_source: i8 = -1,
        is_sensitive: bool,
    }
}
