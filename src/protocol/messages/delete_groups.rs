//! DeleteGroups, key 42: request and response, versions 0 to 3.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DeleteGroupsRequest<'a>: DeleteGroups, 0..=3, flexible 2);

schema! {
    /// Versions 0 to 3, flexible from 2.
    pub struct DeleteGroupsRequest<'a> {
        groups_names: Vec<Str<'a>>,
    }
}

message!(DeleteGroupsResponse<'a>: DeleteGroups, 0..=3, flexible 2);

schema! {
    /// Versions 0 to 3, flexible from 2.
    pub struct DeleteGroupsResponse<'a> {
        throttle_time_ms: i32,
        results: Vec<DeletableGroupResult<'a>>,
    }

    pub struct DeletableGroupResult<'a> {
        group_id: Str<'a>,
        error_code: i16,
        [3..] error_message: Option<Str<'a>>,
    }
}
