//! ElectLeaders, key 43, versions 0 to 2 (KIP-183, KIP-460).
//!
//! The one broker leads every partition: no election is ever needed (84).

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};

/// Preferred and unclean.
const ELECTION_TYPES: [i8; 2] = [0, 1];

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ElectLeadersRequest<'_> = call.request()?;
    let kind = request.election_type;
    let kind = match ELECTION_TYPES.contains(&kind) {
        true => Ok(()),
        false => {
            let message = format!("unknown election type {kind}");
            Err(Error::coded(Code::InvalidRequest, message))
        }
    };
    let engine = call.engine();
    let results = match &request.topic_partitions {
        Some(topics) => topics
            .iter()
            .map(|topic| ReplicaElectionResult {
                topic: topic.topic.clone(),
                partition_result: topic
                    .partitions
                    .iter()
                    .map(|number| refused(engine, &topic.topic, *number, &kind))
                    .collect(),
            })
            .collect(),
        // Asked for whatever needs one, Kafka names each topic and none of its partitions.
        None => engine
            .topics()?
            .iter()
            .map(|topic| ReplicaElectionResult {
                topic: topic.name().to_string().into(),
                ..ReplicaElectionResult::default()
            })
            .collect(),
    };
    call.ready(&ElectLeadersResponse {
        error_code: kind.err().map_or(0, |e| e.code().number()),
        replica_election_results: results,
        ..ElectLeadersResponse::default()
    })
}

fn refused(
    engine: &Engine,
    topic: &str,
    partition: i32,
    kind: &Result<()>,
) -> PartitionResult<'static> {
    let known = kind
        .clone()
        .and_then(|()| engine.partition(topic, partition).map(drop));
    let code = known
        .err()
        .map_or(Code::ElectionNotNeeded, |error| error.code());
    PartitionResult {
        partition_id: partition,
        error_code: code.number(),
        // The code says it all; a text for each number would make a huge answer to a short request.
        error_message: None,
    }
}
