//! JoinGroup, key 11: request and response, versions 0 to 9.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Blob, Str};

message!(JoinGroupRequest<'a>: JoinGroup, 0..=9, flexible 6);

schema! {
    /// Versions 0 to 9, flexible from 6.
    pub struct JoinGroupRequest<'a> {
        group_id: Str<'a>,
        session_timeout_ms: i32,
        [1..] rebalance_timeout_ms: i32 = -1,
        member_id: Str<'a>,
        [5..; strict] group_instance_id: Option<Str<'a>>,
        protocol_type: Str<'a>,
        protocols: Vec<JoinGroupRequestProtocol<'a>>,
        [8..] reason: Option<Str<'a>>,
    }

    pub struct JoinGroupRequestProtocol<'a> {
        name: Str<'a>,
        metadata: Blob<'a>,
    }
}

message!(JoinGroupResponse<'a>: JoinGroup, 0..=9, flexible 6);

schema! {
    /// Versions 0 to 9, flexible from 6.
    pub struct JoinGroupResponse<'a> {
        [2..] throttle_time_ms: i32,
        error_code: i16,
        generation_id: i32 = -1,
        [7..] protocol_type: Option<Str<'a>>,
        (null 7..) protocol_name: Option<Str<'a>>,
        leader: Str<'a>,
        [9..; strict] skip_assignment: bool,
        member_id: Str<'a>,
        members: Vec<JoinGroupResponseMember<'a>>,
    }

    pub struct JoinGroupResponseMember<'a> {
        member_id: Str<'a>,
        [5..] group_instance_id: Option<Str<'a>>,
        metadata: Blob<'a>,
    }
}
