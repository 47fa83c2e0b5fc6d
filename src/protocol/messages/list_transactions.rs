//! ListTransactions, key 66: request and response, versions 0 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ListTransactionsRequest<'a>: ListTransactions, 0..=2, flexible 0);

schema! {
    /// Versions 0 to 2, flexible from 0.
    pub struct ListTransactionsRequest<'a> {
        state_filters: Vec<Str<'a>>,
        producer_id_filters: Vec<i64>,
        [1..; strict] duration_filter: i64 = -1,
        [2..; strict] transactional_id_pattern: Option<Str<'a>>,
    }
}

message!(ListTransactionsResponse<'a>: ListTransactions, 0..=2, flexible 0);

schema! {
    /// Versions 0 to 2, flexible from 0.
    pub struct ListTransactionsResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        unknown_state_filters: Vec<Str<'a>>,
        transaction_states: Vec<TransactionState<'a>>,
    }

    pub struct TransactionState<'a> {
        transactional_id: Str<'a>,
        producer_id: i64,
        transaction_state: Str<'a>,
    }
}
