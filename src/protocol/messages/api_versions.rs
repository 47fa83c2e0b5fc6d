//! ApiVersions, key 18: request and response, versions 0 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(ApiVersionsRequest<'a>: ApiVersions, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct ApiVersionsRequest<'a> {
        [3..] client_software_name: Str<'a>,
        [3..] client_software_version: Str<'a>,
        [5..] cluster_id: Option<Str<'a>>,
        [5..] node_id: i32 = -1,
    }
}

message!(ApiVersionsResponse<'a>: ApiVersions, 0..=5, flexible 3);

schema! {
    /// Versions 0 to 5, flexible from 3.
    pub struct ApiVersionsResponse<'a> {
        error_code: i16,
        api_keys: Vec<ApiVersion>,
        [1..] throttle_time_ms: i32,
    } tagged {
        0: [3..] supported_features: Vec<SupportedFeatureKey<'a>>,
        1: [3..] finalized_features_epoch: i64 = -1,
        2: [3..] finalized_features: Vec<FinalizedFeatureKey<'a>>,
        3: [3..] zk_migration_ready: bool,
    }

    pub struct ApiVersion {
        api_key: i16,
        min_version: i16,
        max_version: i16,
    }

    pub struct SupportedFeatureKey<'a> {
        name: Str<'a>,
        min_version: i16,
        max_version: i16,
    }

    pub struct FinalizedFeatureKey<'a> {
        name: Str<'a>,
        max_version_level: i16,
        min_version_level: i16,
    }
}
