//! PushTelemetry, key 72, version 0 (KIP-714).
//!
//! Nothing was subscribed to, so that what comes is checked and dropped. Clients that push too often
//! are not held back (Kafka: error 89), as it costs nothing.

use super::get_telemetry_subscriptions::{METRICS_BYTES_MAX, subscription_of};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::{Code, Result};
use crate::protocol::Uuid;
use crate::protocol::messages::push_telemetry::{PushTelemetryRequest, PushTelemetryResponse};

/// The numbers of codecs: none to zstd.
const CODECS: std::ops::RangeInclusive<i8> = 0..=4;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: PushTelemetryRequest<'_> = call.request()?;
    call.ready(&PushTelemetryResponse {
        error_code: refusal(&request).map_or(0, Code::number),
        ..PushTelemetryResponse::default()
    })
}

fn refusal(request: &PushTelemetryRequest<'_>) -> Option<Code> {
    let client = request.client_instance_id;
    if client == Uuid::default() {
        return Some(Code::InvalidRequest);
    }
    if request.subscription_id != subscription_of(&client) {
        return Some(Code::UnknownSubscriptionId);
    }
    if !CODECS.contains(&request.compression_type) {
        return Some(Code::UnsupportedCompressionType);
    }
    (request.metrics.len() > METRICS_BYTES_MAX).then_some(Code::TelemetryTooLarge)
}
