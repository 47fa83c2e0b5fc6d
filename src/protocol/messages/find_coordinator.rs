//! FindCoordinator, key 10: request and response, versions 0 to 6.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(FindCoordinatorRequest<'a>: FindCoordinator, 0..=6, flexible 3);

schema! {
    /// Versions 0 to 6, flexible from 3.
    pub struct FindCoordinatorRequest<'a> {
        [..=3; strict] key: Str<'a>,
        [1..; strict] key_type: i8,
        [4..; strict] coordinator_keys: Vec<Str<'a>>,
    }
}

message!(FindCoordinatorResponse<'a>: FindCoordinator, 0..=6, flexible 3);

schema! {
    /// Versions 0 to 6, flexible from 3.
    pub struct FindCoordinatorResponse<'a> {
        [1..] throttle_time_ms: i32,
        [..=3; strict] error_code: i16,
        [1..=3] error_message: Option<Str<'a>>,
        [..=3; strict] node_id: i32,
        [..=3; strict] host: Str<'a>,
        [..=3; strict] port: i32,
        [4..; strict] coordinators: Vec<Coordinator<'a>>,
    }

    pub struct Coordinator<'a> {
        key: Str<'a>,
        node_id: i32,
        host: Str<'a>,
        port: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
    }
}
