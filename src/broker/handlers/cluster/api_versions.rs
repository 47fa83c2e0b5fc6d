//! ApiVersions, key 18, versions 0 to 5 (KIP-511, KIP-584, KIP-1242).
//!
//! Made from the table of handlers. A version that is not known is answered in version 0, error 35, so
//! that the client tries an older one. The cluster and node that a client says it expects (version 5)
//! are compared with this broker's.

use crate::broker::answer::{Answer, Reply};
use crate::broker::call::Call;
use crate::broker::handlers::table::TABLE;
use crate::error::{Code, Result};
use crate::protocol::ApiKey;
use crate::protocol::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};

/// Features that clients look for: their names and highest levels. `transaction.version` 2 is KIP-890,
/// `group.version` 1 KIP-848.
pub(in crate::broker) const FEATURES: &[(&str, i16, i16)] = &[
    ("group.version", 0, 1),
    ("metadata.version", 7, 25),
    ("transaction.version", 0, 2),
];

pub(in crate::broker) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ApiVersionsRequest<'_> = call.request()?;
    let names = [
        &request.client_software_name,
        &request.client_software_version,
    ];
    if call.version() >= 3 && !names.into_iter().all(|name| is_software_name(name)) {
        return call.ready(&refusal(Code::InvalidRequest));
    }
    if let Some(code) = elsewhere(call, &request) {
        return call.ready(&refusal(code));
    }
    call.ready(&ApiVersionsResponse {
        api_keys: versions(),
        supported_features: FEATURES.iter().map(supported).collect(),
        finalized_features_epoch: 0,
        finalized_features: FEATURES.iter().map(finalized).collect(),
        ..ApiVersionsResponse::default()
    })
}

/// The client looked for another cluster, or another broker of this one.
fn elsewhere(call: &Call<'_>, request: &ApiVersionsRequest<'_>) -> Option<Code> {
    let engine = call.engine();
    let cluster = request.cluster_id.as_deref();
    let other_cluster = cluster.is_some_and(|id| id != engine.cluster_id());
    let other_node = request.node_id >= 0 && request.node_id != engine.node_id();
    (other_cluster || other_node).then_some(Code::RebootstrapRequired)
}

fn refusal(code: Code) -> ApiVersionsResponse<'static> {
    ApiVersionsResponse {
        error_code: code.number(),
        ..ApiVersionsResponse::default()
    }
}

/// For a request of a version that this broker does not know.
pub(in crate::broker::handlers) fn unknown_version(correlation_id: i32) -> Result<Answer> {
    let api = ApiKey::ApiVersions;
    let response = ApiVersionsResponse {
        api_keys: vec![version_of(api)],
        ..refusal(Code::UnsupportedVersion)
    };
    let reply = Reply {
        api,
        version: 0,
        correlation_id,
    };
    reply.ready(&response)
}

fn versions() -> Vec<ApiVersion> {
    let told = TABLE.iter().filter(|row| is_advertised(row.api));
    told.map(|row| version_of(row.api)).collect()
}

/// A Kafka without a plugin for the metrics of clients does not say that it would take them: clients
/// that hear of it ask, and some log that they did.
const fn is_advertised(api: ApiKey) -> bool {
    !matches!(
        api,
        ApiKey::GetTelemetrySubscriptions | ApiKey::PushTelemetry
    )
}

fn version_of(api: ApiKey) -> ApiVersion {
    ApiVersion {
        api_key: api.number(),
        min_version: api.version_min_advertised(),
        max_version: api.version_max(),
    }
}

fn supported((name, min, max): &(&'static str, i16, i16)) -> SupportedFeatureKey<'static> {
    SupportedFeatureKey {
        name: (*name).into(),
        min_version: *min,
        max_version: *max,
    }
}

fn finalized((name, _, level): &(&'static str, i16, i16)) -> FinalizedFeatureKey<'static> {
    FinalizedFeatureKey {
        name: (*name).into(),
        max_version_level: *level,
        min_version_level: *level,
    }
}

/// KIP-511: letters, digits, `-` and `.`, which do not stand at either end.
fn is_software_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let outer = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.chars().all(inner) && outer(name.chars().next()) && outer(name.chars().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_software_are_those_of_kip_511() {
        for good in ["librdkafka", "v2.8.0", "a", "apache-kafka-java", "4.3.1-x"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a.", "a b", "é"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
