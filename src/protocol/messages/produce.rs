//! Produce, key 0: request and response, versions 3 to 13.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(ProduceRequest<'a>: Produce, 3..=13, flexible 9);

schema! {
    /// Versions 3 to 13, flexible from 9.
    pub struct ProduceRequest<'a> {
        transactional_id: Option<Str<'a>>,
        acks: i16,
        timeout_ms: i32,
        topic_data: Vec<TopicProduceData<'a>>,
    }

    pub struct TopicProduceData<'a> {
        [..=12] name: Str<'a>,
        [13..] topic_id: TopicId,
        partition_data: Vec<PartitionProduceData<'a>>,
    }

    pub struct PartitionProduceData<'a> {
        index: i32,
        records: Option<&'a [u8]>,
    }
}

message!(ProduceResponse<'a>: Produce, 3..=13, flexible 9);

schema! {
    /// Versions 3 to 13, flexible from 9.
    pub struct ProduceResponse<'a> {
        responses: Vec<TopicProduceResponse<'a>>,
        throttle_time_ms: i32,
    } tagged {
        0: [10..; strict] node_endpoints: Vec<NodeEndpoint<'a>>,
    }

    pub struct TopicProduceResponse<'a> {
        [..=12] name: Str<'a>,
        [13..] topic_id: TopicId,
        partition_responses: Vec<PartitionProduceResponse<'a>>,
    }

    pub struct PartitionProduceResponse<'a> {
        index: i32,
        error_code: i16,
        base_offset: i64,
        log_append_time_ms: i64 = -1,
        [5..] log_start_offset: i64 = -1,
        [8..] record_errors: Vec<BatchIndexAndErrorMessage<'a>>,
        [8..] error_message: Option<Str<'a>>,
    } tagged {
        0: [10..; strict] current_leader: LeaderIdAndEpoch,
    }

    pub struct BatchIndexAndErrorMessage<'a> {
        batch_index: i32,
        batch_index_error_message: Option<Str<'a>>,
    }

    pub struct LeaderIdAndEpoch {
        leader_id: i32 = -1,
        leader_epoch: i32 = -1,
    }

    pub struct NodeEndpoint<'a> {
        node_id: i32,
        host: Str<'a>,
        port: i32,
        rack: Option<Str<'a>>,
    }
}
