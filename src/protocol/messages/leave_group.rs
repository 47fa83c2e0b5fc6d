//! LeaveGroup, key 13: request and response, versions 0 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(LeaveGroupRequest<'a>: LeaveGroup, 0..=5, flexible 4);

schema! {
    /// Versions 0 to 5, flexible from 4.
    pub struct LeaveGroupRequest<'a> {
        group_id: Str<'a>,
        [..=2; strict] member_id: Str<'a>,
        [3..; strict] members: Vec<MemberIdentity<'a>>,
    }

    pub struct MemberIdentity<'a> {
        member_id: Str<'a>,
        group_instance_id: Option<Str<'a>>,
        [5..] reason: Option<Str<'a>>,
    }
}

message!(LeaveGroupResponse<'a>: LeaveGroup, 0..=5, flexible 4);

schema! {
    /// Versions 0 to 5, flexible from 4.
    pub struct LeaveGroupResponse<'a> {
        [1..] throttle_time_ms: i32,
        error_code: i16,
        [3..; strict] members: Vec<MemberResponse<'a>>,
    }

    pub struct MemberResponse<'a> {
        member_id: Str<'a>,
        group_instance_id: Option<Str<'a>>,
        error_code: i16,
    }
}
