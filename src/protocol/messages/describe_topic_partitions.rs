//! DescribeTopicPartitions, key 75: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(DescribeTopicPartitionsRequest<'a>: DescribeTopicPartitions, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct DescribeTopicPartitionsRequest<'a> {
        topics: Vec<TopicRequest<'a>>,
        response_partition_limit: i32 = 2000,
        cursor: Option<RequestCursor<'a>>,
    }

    pub struct TopicRequest<'a> {
        name: Str<'a>,
    }

    pub struct RequestCursor<'a> {
        topic_name: Str<'a>,
        partition_index: i32,
    }
}

message!(DescribeTopicPartitionsResponse<'a>: DescribeTopicPartitions, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct DescribeTopicPartitionsResponse<'a> {
        throttle_time_ms: i32,
        topics: Vec<DescribeTopicPartitionsResponseTopic<'a>>,
        next_cursor: Option<ResponseCursor<'a>>,
    }

    pub struct DescribeTopicPartitionsResponseTopic<'a> {
        error_code: i16,
        name: Option<Str<'a>>,
        topic_id: TopicId,
        is_internal: bool,
        partitions: Vec<DescribeTopicPartitionsResponsePartition>,
        topic_authorized_operations: i32 = i32::MIN,
    }

    pub struct DescribeTopicPartitionsResponsePartition {
        error_code: i16,
        partition_index: i32,
        leader_id: i32,
        leader_epoch: i32 = -1,
        replica_nodes: Vec<i32>,
        isr_nodes: Vec<i32>,
        eligible_leader_replicas: Option<Vec<i32>>,
        last_known_elr: Option<Vec<i32>>,
        offline_replicas: Vec<i32>,
    }

    pub struct ResponseCursor<'a> {
        topic_name: Str<'a>,
        partition_index: i32,
    }
}
