//! PushTelemetry, key 72: request and response, version 0.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Blob, Uuid};

message!(PushTelemetryRequest<'a>: PushTelemetry, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct PushTelemetryRequest<'a> {
        client_instance_id: Uuid,
        subscription_id: i32,
        terminating: bool,
        compression_type: i8,
        metrics: Blob<'a>,
    }
}

message!(PushTelemetryResponse: PushTelemetry, 0..=0, flexible 0);

schema! {
    /// Version 0, flexible from 0.
    pub struct PushTelemetryResponse {
        throttle_time_ms: i32,
        error_code: i16,
    }
}
