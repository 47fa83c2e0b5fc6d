//! DeleteTopics, key 20: request and response, versions 1 to 6.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(DeleteTopicsRequest<'a>: DeleteTopics, 1..=6, flexible 4);

schema! {
    /// Versions 1 to 6, flexible from 4.
    pub struct DeleteTopicsRequest<'a> {
        [6..; strict] topics: Vec<DeleteTopicState<'a>>,
        [..=5] topic_names: Vec<Str<'a>>,
        timeout_ms: i32,
    }

    pub struct DeleteTopicState<'a> {
        name: Option<Str<'a>>,
        topic_id: TopicId,
    }
}

message!(DeleteTopicsResponse<'a>: DeleteTopics, 1..=6, flexible 4);

schema! {
    /// Versions 1 to 6, flexible from 4.
    pub struct DeleteTopicsResponse<'a> {
        throttle_time_ms: i32,
        responses: Vec<DeletableTopicResult<'a>>,
    }

    pub struct DeletableTopicResult<'a> {
        (null 6..) name: Option<Str<'a>>,
        [6..] topic_id: TopicId,
        error_code: i16,
        [5..] error_message: Option<Str<'a>>,
    }
}
