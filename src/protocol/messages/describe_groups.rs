//! DescribeGroups, key 15: request and response, versions 0 to 6.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Blob, Str};

message!(DescribeGroupsRequest<'a>: DescribeGroups, 0..=6, flexible 5);

schema! {
    /// Versions 0 to 6, flexible from 5.
    pub struct DescribeGroupsRequest<'a> {
        groups: Vec<Str<'a>>,
        [3..; strict] include_authorized_operations: bool,
    }
}

message!(DescribeGroupsResponse<'a>: DescribeGroups, 0..=6, flexible 5);

schema! {
    /// Versions 0 to 6, flexible from 5.
    pub struct DescribeGroupsResponse<'a> {
        [1..] throttle_time_ms: i32,
        groups: Vec<DescribedGroup<'a>>,
    }

    pub struct DescribedGroup<'a> {
        error_code: i16,
        [6..; strict] error_message: Option<Str<'a>>,
        group_id: Str<'a>,
        group_state: Str<'a>,
        protocol_type: Str<'a>,
        protocol_data: Str<'a>,
        members: Vec<DescribedGroupMember<'a>>,
        [3..; strict] authorized_operations: i32 = i32::MIN,
    }

    pub struct DescribedGroupMember<'a> {
        member_id: Str<'a>,
        [4..] group_instance_id: Option<Str<'a>>,
        client_id: Str<'a>,
        client_host: Str<'a>,
        member_metadata: Blob<'a>,
        member_assignment: Blob<'a>,
    }
}
