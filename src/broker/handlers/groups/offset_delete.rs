//! OffsetDelete, key 47, version 0 (KIP-496).
//!
//! Answered when it is durable. Offsets of topics that members read are refused.

use std::sync::Arc;

use super::shared::{code, durable, kept, must_wait, sent};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::CommitTicket;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

type Response = OffsetDeleteResponse<'static>;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    if must_wait(call) {
        return Ok(Answer::Blocking);
    }
    let request: OffsetDeleteRequest<'_> = call.request()?;
    let mut places = Vec::new();
    let topics = request.topics.iter().map(|topic| {
        let name = kept(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let index = partition.partition_index;
            let error_code = match call.engine().partition(&topic.name, index) {
                Ok(_) => {
                    places.push((name.clone(), index));
                    0
                }
                Err(error) => error.code().number(),
            };
            OffsetDeleteResponsePartition {
                partition_index: index,
                error_code,
            }
        });
        OffsetDeleteResponseTopic {
            name: sent(&topic.name),
            partitions: partitions.collect(),
        }
    });
    let mut response = Response {
        topics: topics.collect(),
        ..Response::default()
    };
    let ticket = match delete(call, &request, &places, &mut response) {
        Ok(ticket) => ticket,
        Err(error) => {
            return call.ready(&Response {
                error_code: code(&error),
                ..Response::default()
            });
        }
    };
    if ticket.is_none() {
        return call.ready(&response);
    }
    call.reply().later(async move {
        match durable(ticket).await {
            0 => response,
            error_code => Response {
                error_code,
                ..Response::default()
            },
        }
    })
}

/// Writes the outcomes into `response`.
fn delete(
    call: &Call<'_>,
    request: &OffsetDeleteRequest<'_>,
    places: &[(Arc<str>, i32)],
    response: &mut Response,
) -> Result<Option<CommitTicket>> {
    if request.group_id.is_empty() {
        return Err(Error::coded(Code::InvalidGroupId, "the group id is empty"));
    }
    if places.is_empty() {
        return Ok(None);
    }
    let group = kept(&request.group_id);
    let (outcomes, ticket) = call.engine().groups().delete_offsets(&group, places)?;
    let topics = response.topics.iter_mut();
    let all = topics.flat_map(|topic| &mut topic.partitions);
    let asked = all.filter(|partition| partition.error_code == 0);
    for (partition, outcome) in asked.zip(outcomes) {
        partition.error_code = outcome
            .result
            .map_or_else(|error| error.code().number(), |()| 0);
    }
    Ok(ticket)
}
