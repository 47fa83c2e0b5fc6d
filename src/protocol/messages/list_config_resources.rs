//! ListConfigResources, key 74: request and response, versions 0 to 1.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ListConfigResourcesRequest: ListConfigResources, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct ListConfigResourcesRequest {
        [1..; strict] resource_types: Vec<i8>,
    }
}

message!(ListConfigResourcesResponse<'a>: ListConfigResources, 0..=1, flexible 0);

schema! {
    /// Versions 0 to 1, flexible from 0.
    pub struct ListConfigResourcesResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        config_resources: Vec<ConfigResource<'a>>,
    }

    pub struct ConfigResource<'a> {
        resource_name: Str<'a>,
        [1..] resource_type: i8 = 16,
    }
}
