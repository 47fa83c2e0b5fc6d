//! Metadata, key 3: request and response, versions 0 to 13.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(MetadataRequest<'a>: Metadata, 0..=13, flexible 9);

schema! {
    /// Versions 0 to 13, flexible from 9.
    pub struct MetadataRequest<'a> {
        (null 1..) topics: Option<Vec<MetadataRequestTopic<'a>>>,
        [4..; strict] allow_auto_topic_creation: bool = true,
        [8..=10; strict] include_cluster_authorized_operations: bool,
        [8..; strict] include_topic_authorized_operations: bool,
    }

    pub struct MetadataRequestTopic<'a> {
        [10..] topic_id: TopicId,
        (null 10..) name: Option<Str<'a>>,
    }
}

message!(MetadataResponse<'a>: Metadata, 0..=13, flexible 9);

schema! {
    /// Versions 0 to 13, flexible from 9.
    pub struct MetadataResponse<'a> {
        [3..] throttle_time_ms: i32,
        brokers: Vec<MetadataResponseBroker<'a>>,
        [2..] cluster_id: Option<Str<'a>>,
        [1..] controller_id: i32 = -1,
        topics: Vec<MetadataResponseTopic<'a>>,
        [8..=10; strict] cluster_authorized_operations: i32 = i32::MIN,
        [13..] error_code: i16,
    }

    pub struct MetadataResponseBroker<'a> {
        node_id: i32,
        host: Str<'a>,
        port: i32,
        [1..] rack: Option<Str<'a>>,
    }

    pub struct MetadataResponseTopic<'a> {
        error_code: i16,
        (null 12..) name: Option<Str<'a>>,
        [10..] topic_id: TopicId,
        [1..] is_internal: bool,
        partitions: Vec<MetadataResponsePartition>,
        [8..; strict] topic_authorized_operations: i32 = i32::MIN,
    }

    pub struct MetadataResponsePartition {
        error_code: i16,
        partition_index: i32,
        leader_id: i32,
        [7..] leader_epoch: i32 = -1,
        replica_nodes: Vec<i32>,
        isr_nodes: Vec<i32>,
        [5..] offline_replicas: Vec<i32>,
    }
}
