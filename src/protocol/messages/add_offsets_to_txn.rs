//! AddOffsetsToTxn, key 25: request and response, versions 0 to 4.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(AddOffsetsToTxnRequest<'a>: AddOffsetsToTxn, 0..=4, flexible 3);

schema! {
    /// Versions 0 to 4, flexible from 3.
    pub struct AddOffsetsToTxnRequest<'a> {
        transactional_id: Str<'a>,
        producer_id: i64,
        producer_epoch: i16,
        group_id: Str<'a>,
    }
}

message!(AddOffsetsToTxnResponse: AddOffsetsToTxn, 0..=4, flexible 3);

schema! {
    /// Versions 0 to 4, flexible from 3.
    pub struct AddOffsetsToTxnResponse {
        throttle_time_ms: i32,
        error_code: i16,
    }
}
