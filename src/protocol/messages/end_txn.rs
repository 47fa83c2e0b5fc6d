//! EndTxn, key 26: request and response, versions 0 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(EndTxnRequest<'a>: EndTxn, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct EndTxnRequest<'a> {
        transactional_id: Str<'a>,
        producer_id: i64,
        producer_epoch: i16,
        committed: bool,
    }
}

message!(EndTxnResponse: EndTxn, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct EndTxnResponse {
        throttle_time_ms: i32,
        error_code: i16,
        [5..] producer_id: i64 = -1,
        [5..] producer_epoch: i16 = -1,
    }
}
