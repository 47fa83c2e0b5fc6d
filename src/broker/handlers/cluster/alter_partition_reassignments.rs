//! AlterPartitionReassignments, key 45, versions 0 and 1 (KIP-455, KIP-860).
//!
//! There is one broker. That a partition be where it is, is done at once; any other place is refused
//! (39), and there is nothing to cancel (85).

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::topics::assignment;
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignablePartitionResponse, ReassignableTopicResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: AlterPartitionReassignmentsRequest<'_> = call.request()?;
    let responses = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let error = reassign(call.engine(), &topic.name, wanted).err();
            ReassignablePartitionResponse {
                partition_index: wanted.partition_index,
                error_code: error.as_ref().map_or(0, |e| e.code().number()),
                error_message: error.map(|e| e.message().to_owned().into()),
            }
        });
        ReassignableTopicResponse {
            name: topic.name.clone(),
            partitions: partitions.collect(),
        }
    });
    call.ready(&AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses: responses.collect(),
        ..AlterPartitionReassignmentsResponse::default()
    })
}

fn reassign(engine: &Engine, topic: &str, wanted: &ReassignablePartition) -> Result<()> {
    engine.partition(topic, wanted.partition_index)?;
    match &wanted.replicas {
        Some(replicas) => assignment::check(replicas, engine.node_id()),
        None => Err(Error::coded(
            Code::NoReassignmentInProgress,
            "no reassignment is in progress",
        )),
    }
}
