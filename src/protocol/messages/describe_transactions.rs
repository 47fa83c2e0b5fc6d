//! DescribeTransactions, key 65: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DescribeTransactionsRequest<'a>: DescribeTransactions, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct DescribeTransactionsRequest<'a> {
        transactional_ids: Vec<Str<'a>>,
    }
}

message!(DescribeTransactionsResponse<'a>: DescribeTransactions, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct DescribeTransactionsResponse<'a> {
        throttle_time_ms: i32,
        transaction_states: Vec<TransactionState<'a>>,
    }

    pub struct TransactionState<'a> {
        error_code: i16,
        transactional_id: Str<'a>,
        transaction_state: Str<'a>,
        transaction_timeout_ms: i32,
        transaction_start_time_ms: i64,
        producer_id: i64,
        producer_epoch: i16,
        topics: Vec<TopicData<'a>>,
    }

    pub struct TopicData<'a> {
        topic: Str<'a>,
        partitions: Vec<i32>,
    }
}
