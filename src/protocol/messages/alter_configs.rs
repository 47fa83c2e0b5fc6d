//! AlterConfigs, key 33: request and response, versions 0 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(AlterConfigsRequest<'a>: AlterConfigs, 0..=2, flexible 2);

schema! {
    /// Versions 0 to 2, flexible from 2.
    pub struct AlterConfigsRequest<'a> {
        resources: Vec<AlterConfigsResource<'a>>,
        validate_only: bool,
    }

    pub struct AlterConfigsResource<'a> {
        resource_type: i8,
        resource_name: Str<'a>,
        configs: Vec<AlterableConfig<'a>>,
    }

    pub struct AlterableConfig<'a> {
        name: Str<'a>,
        value: Option<Str<'a>>,
    }
}

message!(AlterConfigsResponse<'a>: AlterConfigs, 0..=2, flexible 2);

schema! {
    /// Versions 0 to 2, flexible from 2.
    pub struct AlterConfigsResponse<'a> {
        throttle_time_ms: i32,
        responses: Vec<AlterConfigsResourceResponse<'a>>,
    }

    pub struct AlterConfigsResourceResponse<'a> {
        error_code: i16,
        error_message: Option<Str<'a>>,
        resource_type: i8,
        resource_name: Str<'a>,
    }
}
