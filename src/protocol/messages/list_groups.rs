//! ListGroups, key 16: request and response, versions 0 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ListGroupsRequest<'a>: ListGroups, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct ListGroupsRequest<'a> {
        [4..; strict] states_filter: Vec<Str<'a>>,
        [5..; strict] types_filter: Vec<Str<'a>>,
    }
}

message!(ListGroupsResponse<'a>: ListGroups, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct ListGroupsResponse<'a> {
        [1..] throttle_time_ms: i32,
        error_code: i16,
        groups: Vec<ListedGroup<'a>>,
    }

    pub struct ListedGroup<'a> {
        group_id: Str<'a>,
        protocol_type: Str<'a>,
        [4..] group_state: Str<'a>,
        [5..] group_type: Str<'a>,
    }
}
