//! IncrementalAlterConfigs, key 44: request and response, versions 0 to 1.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(IncrementalAlterConfigsRequest<'a>: IncrementalAlterConfigs, 0..=1, flexible 1);

schema! {
    /// Versions 0 to 1, flexible from 1.
    pub struct IncrementalAlterConfigsRequest<'a> {
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
        config_operation: i8,
        value: Option<Str<'a>>,
    }
}

message!(IncrementalAlterConfigsResponse<'a>: IncrementalAlterConfigs, 0..=1, flexible 1);

schema! {
    /// Versions 0 to 1, flexible from 1.
    pub struct IncrementalAlterConfigsResponse<'a> {
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
