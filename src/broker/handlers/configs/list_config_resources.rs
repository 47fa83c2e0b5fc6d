//! ListConfigResources, key 74, versions 0 and 1 (KIP-714, KIP-1142).
//!
//! Version 0 asks for subscriptions of client metrics, of which there are none.

use super::resource::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::{Code, Result};
use crate::protocol::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ListConfigResourcesRequest = call.request()?;
    let types = match (call.version(), request.resource_types.as_slice()) {
        (0, _) => &[CLIENT_METRICS][..],
        (_, []) => &ALL[..],
        (_, some) => some,
    };
    if types.iter().any(|kind| !ALL.contains(kind)) {
        return call.ready(&ListConfigResourcesResponse {
            error_code: Code::UnsupportedVersion.number(),
            ..ListConfigResourcesResponse::default()
        });
    }
    let engine = call.engine();
    let mut found = Vec::new();
    let named = |resource_type: i8, name: String| ConfigResource {
        resource_name: name.into(),
        resource_type,
    };
    for kind in ALL.into_iter().filter(|kind| types.contains(kind)) {
        match kind {
            TOPIC => {
                let topics = engine.topics()?;
                found.extend(topics.iter().map(|t| named(TOPIC, t.name().to_string())));
            }
            BROKER | BROKER_LOGGER => found.push(named(kind, engine.node_id().to_string())),
            _ => {}
        }
    }
    call.ready(&ListConfigResourcesResponse {
        config_resources: found,
        ..ListConfigResourcesResponse::default()
    })
}
