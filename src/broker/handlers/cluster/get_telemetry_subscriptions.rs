//! GetTelemetrySubscriptions, key 71, version 0 (KIP-714).
//!
//! This broker wants no metrics of its clients: it subscribes to none, so that clients ask again after
//! the interval and push nothing. The id of the subscription follows from that of the client, so that
//! nothing has to be remembered.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::codec::crc32c::crc32c;
use crate::error::Result;
use crate::protocol::Uuid;
use crate::protocol::messages::get_telemetry_subscriptions::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
};
use crate::types::TopicId;

/// By their numbers in a record batch: zstd, lz4, gzip, snappy, in Kafka's order.
const CODECS: [i8; 4] = [4, 3, 1, 2];
/// Kafka's default interval.
const PUSH_INTERVAL_MS: i32 = 300_000;
/// Kafka's default of `telemetry.max.bytes`.
pub(super) const METRICS_BYTES_MAX: usize = 1 << 20;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: GetTelemetrySubscriptionsRequest = call.request()?;
    let client = match TopicId(request.client_instance_id) {
        TopicId::NONE => TopicId::random().0,
        TopicId(id) => id,
    };
    call.ready(&GetTelemetrySubscriptionsResponse {
        client_instance_id: client,
        subscription_id: subscription_of(&client),
        accepted_compression_types: CODECS.to_vec(),
        push_interval_ms: PUSH_INTERVAL_MS,
        telemetry_max_bytes: METRICS_BYTES_MAX as i32,
        delta_temporality: true,
        ..GetTelemetrySubscriptionsResponse::default()
    })
}

pub(super) fn subscription_of(client: &Uuid) -> i32 {
    crc32c(client).cast_signed()
}
