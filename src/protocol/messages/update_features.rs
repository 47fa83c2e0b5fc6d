//! UpdateFeatures, key 57: request and response, versions 0 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(UpdateFeaturesRequest<'a>: UpdateFeatures, 0..=2, flexible 0);

schema! {
    /// Versions 0 to 2, flexible from 0.
    pub struct UpdateFeaturesRequest<'a> {
        timeout_ms: i32 = 60000,
        feature_updates: Vec<FeatureUpdateKey<'a>>,
        [1..; strict] validate_only: bool,
    }

    pub struct FeatureUpdateKey<'a> {
        feature: Str<'a>,
        max_version_level: i16,
        [..=0; strict] allow_downgrade: bool,
        [1..; strict] upgrade_type: i8 = 1,
    }
}

message!(UpdateFeaturesResponse<'a>: UpdateFeatures, 0..=2, flexible 0);

schema! {
    /// Versions 0 to 2, flexible from 0.
    pub struct UpdateFeaturesResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
        [..=1] results: Vec<UpdatableFeatureResult<'a>>,
    }

    pub struct UpdatableFeatureResult<'a> {
        feature: Str<'a>,
        error_code: i16,
        error_message: Option<Str<'a>>,
    }
}
