//! CreatePartitions, key 37, versions 0 to 3 (KIP-195, KIP-599).
//!
//! Partitions are there before the answer leaves, so that the time limit of the request is not read.
//! The engine's own topics keep the count that they were made with.

use super::assignment;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::once::{self, once};
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopic, CreatePartitionsTopicResult,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: CreatePartitionsRequest<'_> = call.request()?;
    let results = once(&request.topics, |topic| &*topic.name).map(|(topic, twice)| {
        let outcome = once::check(twice, "duplicate topic name")
            .and_then(|()| add(call.engine(), topic, request.validate_only));
        let error = outcome.err();
        CreatePartitionsTopicResult {
            name: topic.name.clone(),
            error_code: error.as_ref().map_or(0, |e| e.code().number()),
            error_message: error.map(|e| e.message().to_owned().into()),
        }
    });
    call.ready(&CreatePartitionsResponse {
        results: results.collect(),
        ..CreatePartitionsResponse::default()
    })
}

fn add(engine: &Engine, wanted: &CreatePartitionsTopic<'_>, validate_only: bool) -> Result<()> {
    engine.check_partitions(&wanted.name, wanted.count)?;
    if let Some(assignments) = &wanted.assignments {
        let has = engine.topic(&wanted.name)?.partitions().len();
        let more = usize::try_from(wanted.count)
            .unwrap_or(0)
            .saturating_sub(has);
        check_assignments(assignments, more, engine.node_id())?;
    }
    match validate_only {
        true => Ok(()),
        false => engine.add_partitions(&wanted.name, wanted.count).map(drop),
    }
}

fn check_assignments(
    assignments: &[CreatePartitionsAssignment],
    more: usize,
    node: i32,
) -> Result<()> {
    if assignments.len() != more {
        return Err(Error::coded(
            Code::InvalidReplicaAssignment,
            format!(
                "attempted to add {more} additional partitions, but {} assignments were specified",
                assignments.len()
            ),
        ));
    }
    let mut all = assignments.iter();
    all.try_for_each(|one| assignment::check(&one.broker_ids, node))
}
