//! GetTelemetrySubscriptions, key 71: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Str, Uuid};

message!(GetTelemetrySubscriptionsRequest: GetTelemetrySubscriptions, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct GetTelemetrySubscriptionsRequest {
        client_instance_id: Uuid,
    }
}

message!(GetTelemetrySubscriptionsResponse<'a>: GetTelemetrySubscriptions, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct GetTelemetrySubscriptionsResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        client_instance_id: Uuid,
        subscription_id: i32,
        accepted_compression_types: Vec<i8>,
        push_interval_ms: i32,
        telemetry_max_bytes: i32,
        delta_temporality: bool,
        requested_metrics: Vec<Str<'a>>,
    }
}
