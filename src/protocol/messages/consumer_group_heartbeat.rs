//! ConsumerGroupHeartbeat, key 68: request and response, versions 0 to 1.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(ConsumerGroupHeartbeatRequest<'a>: ConsumerGroupHeartbeat, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct ConsumerGroupHeartbeatRequest<'a> {
        group_id: Str<'a>,
        member_id: Str<'a>,
        member_epoch: i32,
        instance_id: Option<Str<'a>>,
        rack_id: Option<Str<'a>>,
        rebalance_timeout_ms: i32 = -1,
        subscribed_topic_names: Option<Vec<Str<'a>>>,
        [1..; strict] subscribed_topic_regex: Option<Str<'a>>,
        server_assignor: Option<Str<'a>>,
        topic_partitions: Option<Vec<RequestTopicPartitions>>,
    }

    pub struct RequestTopicPartitions {
        topic_id: TopicId,
        partitions: Vec<i32>,
    }
}

message!(ConsumerGroupHeartbeatResponse<'a>: ConsumerGroupHeartbeat, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct ConsumerGroupHeartbeatResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
        member_id: Option<Str<'a>>,
        member_epoch: i32,
        heartbeat_interval_ms: i32,
        assignment: Option<Assignment>,
    }

    pub struct Assignment {
        topic_partitions: Vec<ResponseTopicPartitions>,
    }

    pub struct ResponseTopicPartitions {
        topic_id: TopicId,
        partitions: Vec<i32>,
    }
}
