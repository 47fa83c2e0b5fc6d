//! InitProducerId, key 22: request and response, versions 0 to 6.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(InitProducerIdRequest<'a>: InitProducerId, 0..=6, stable 5, flexible 2);

schema! {
    /// Versions 0 to 6, flexible from 2.
    pub struct InitProducerIdRequest<'a> {
        transactional_id: Option<Str<'a>>,
        transaction_timeout_ms: i32,
        [3..; strict] producer_id: i64 = -1,
        [3..; strict] producer_epoch: i16 = -1,
        [6..; strict] enable2_pc: bool,
        [6..; strict] keep_prepared_txn: bool,
    }
}

message!(InitProducerIdResponse: InitProducerId, 0..=6, flexible 2);

schema! {
    /// Versions 0 to 6, flexible from 2.
    pub struct InitProducerIdResponse {
        throttle_time_ms: i32,
        error_code: i16,
        producer_id: i64 = -1,
        producer_epoch: i16,
        [6..; strict] ongoing_txn_producer_id: i64 = -1,
        [6..; strict] ongoing_txn_producer_epoch: i16 = -1,
    }
}
