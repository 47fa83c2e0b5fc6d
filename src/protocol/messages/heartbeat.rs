//! Heartbeat, key 12: request and response, versions 0 to 4.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(HeartbeatRequest<'a>: Heartbeat, 0..=4, flexible 4);

schema! {
    /// Versions 0 to 4, flexible from 4.
    pub struct HeartbeatRequest<'a> {
        group_id: Str<'a>,
        generation_id: i32,
        member_id: Str<'a>,
        [3..; strict] group_instance_id: Option<Str<'a>>,
    }
}

message!(HeartbeatResponse: Heartbeat, 0..=4, flexible 4);

schema! {
    /// Versions 0 to 4, flexible from 4.
    pub struct HeartbeatResponse {
        [1..] throttle_time_ms: i32,
        error_code: i16,
    }
}
