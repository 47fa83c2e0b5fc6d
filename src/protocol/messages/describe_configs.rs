//! DescribeConfigs, key 32: request and response, versions 1 to 4.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DescribeConfigsRequest<'a>: DescribeConfigs, 1..=4, flexible 4);

schema! {
    /// Versions 1 to 4, flexible from 4.
    pub struct DescribeConfigsRequest<'a> {
        resources: Vec<DescribeConfigsResource<'a>>,
        include_synonyms: bool,
        [3..; strict] include_documentation: bool,
    }

    pub struct DescribeConfigsResource<'a> {
        resource_type: i8,
        resource_name: Str<'a>,
        configuration_keys: Option<Vec<Str<'a>>>,
    }
}

message!(DescribeConfigsResponse<'a>: DescribeConfigs, 1..=4, flexible 4);

schema! {
    /// Versions 1 to 4, flexible from 4.
    pub struct DescribeConfigsResponse<'a> {
        throttle_time_ms: i32,
        results: Vec<DescribeConfigsResult<'a>>,
    }

    pub struct DescribeConfigsResult<'a> {
        error_code: i16,
        error_message: Option<Str<'a>>,
        resource_type: i8,
        resource_name: Str<'a>,
        configs: Vec<DescribeConfigsResourceResult<'a>>,
    }

    pub struct DescribeConfigsResourceResult<'a> {
        name: Str<'a>,
        value: Option<Str<'a>>,
        read_only: bool,
        config_source: i8 = -1,
        is_sensitive: bool,
        synonyms: Vec<DescribeConfigsSynonym<'a>>,
        [3..] config_type: i8,
        [3..] documentation: Option<Str<'a>>,
    }

    pub struct DescribeConfigsSynonym<'a> {
        name: Str<'a>,
        value: Option<Str<'a>>,
        source: i8,
    }
}
