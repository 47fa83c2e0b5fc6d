//! DescribeProducers, key 61: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DescribeProducersRequest<'a>: DescribeProducers, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct DescribeProducersRequest<'a> {
        topics: Vec<TopicRequest<'a>>,
    }

    pub struct TopicRequest<'a> {
        name: Str<'a>,
        partition_indexes: Vec<i32>,
    }
}

message!(DescribeProducersResponse<'a>: DescribeProducers, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct DescribeProducersResponse<'a> {
        throttle_time_ms: i32,
        topics: Vec<TopicResponse<'a>>,
    }

    pub struct TopicResponse<'a> {
        name: Str<'a>,
        partitions: Vec<PartitionResponse<'a>>,
    }

    pub struct PartitionResponse<'a> {
        partition_index: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
        active_producers: Vec<ProducerState>,
    }

    pub struct ProducerState {
        producer_id: i64,
        producer_epoch: i32,
        last_sequence: i32 = -1,
        last_timestamp: i64 = -1,
        coordinator_epoch: i32,
        current_txn_start_offset: i64 = -1,
    }
}
