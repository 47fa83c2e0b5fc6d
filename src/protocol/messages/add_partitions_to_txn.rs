//! AddPartitionsToTxn, key 24: request and response, versions 0 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(AddPartitionsToTxnRequest<'a>: AddPartitionsToTxn, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct AddPartitionsToTxnRequest<'a> {
        [4..; strict] transactions: Vec<AddPartitionsToTxnTransaction<'a>>,
        [..=3; strict] v3_and_below_transactional_id: Str<'a>,
        [..=3; strict] v3_and_below_producer_id: i64,
        [..=3; strict] v3_and_below_producer_epoch: i16,
        [..=3; strict] v3_and_below_topics: Vec<AddPartitionsToTxnTopic<'a>>,
    }

    pub struct AddPartitionsToTxnTransaction<'a> {
        transactional_id: Str<'a>,
        producer_id: i64,
        producer_epoch: i16,
        verify_only: bool,
        topics: Vec<AddPartitionsToTxnTopic<'a>>,
    }

    pub struct AddPartitionsToTxnTopic<'a> {
        name: Str<'a>,
        partitions: Vec<i32>,
    }
}

message!(AddPartitionsToTxnResponse<'a>: AddPartitionsToTxn, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct AddPartitionsToTxnResponse<'a> {
        throttle_time_ms: i32,
        [4..] error_code: i16,
        [4..; strict] results_by_transaction: Vec<AddPartitionsToTxnResult<'a>>,
        [..=3; strict] results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult<'a>>,
    }

    pub struct AddPartitionsToTxnResult<'a> {
        transactional_id: Str<'a>,
        topic_results: Vec<AddPartitionsToTxnTopicResult<'a>>,
    }

    pub struct AddPartitionsToTxnTopicResult<'a> {
        name: Str<'a>,
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
    }

    pub struct AddPartitionsToTxnPartitionResult {
        partition_index: i32,
        partition_error_code: i16,
    }
}
