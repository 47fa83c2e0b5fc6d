//! SyncGroup, key 14: request and response, versions 0 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Blob, Str};

message!(SyncGroupRequest<'a>: SyncGroup, 0..=5, flexible 4);

schema! {
    /// Versions 0 to 5, flexible from 4.
    pub struct SyncGroupRequest<'a> {
        group_id: Str<'a>,
        generation_id: i32,
        member_id: Str<'a>,
        [3..; strict] group_instance_id: Option<Str<'a>>,
        [5..] protocol_type: Option<Str<'a>>,
        [5..] protocol_name: Option<Str<'a>>,
        assignments: Vec<SyncGroupRequestAssignment<'a>>,
    }

    pub struct SyncGroupRequestAssignment<'a> {
        member_id: Str<'a>,
        assignment: Blob<'a>,
    }
}

message!(SyncGroupResponse<'a>: SyncGroup, 0..=5, flexible 4);

schema! {
    /// Versions 0 to 5, flexible from 4.
    pub struct SyncGroupResponse<'a> {
        [1..] throttle_time_ms: i32,
        error_code: i16,
        [5..] protocol_type: Option<Str<'a>>,
        [5..] protocol_name: Option<Str<'a>>,
        assignment: Blob<'a>,
    }
}
