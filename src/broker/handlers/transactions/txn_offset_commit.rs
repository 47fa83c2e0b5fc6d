//! TxnOffsetCommit, key 28, versions 0 to 6 (KIP-98, KIP-447, KIP-588, KIP-848, KIP-890, KIP-1050,
//! topic ids from version 6).
//!
//! From version 5 the group's partition is taken into the transaction by this request; before, the client
//! has sent AddOffsetsToTxn.

use std::sync::Arc;

use super::Asked;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::groups::{CommitRequest, OffsetCommit, OffsetOutcome, TransactionalCommit};
use crate::engine::txn::{TxnApi, answered_code};
use crate::engine::{Engine, OffsetsRequest};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TopicId};

/// The first version in which committing adds (KIP-890).
const IMPLICIT_FROM: i16 = 5;
/// The first version that names topics by their id.
const IDS_FROM: i16 = 6;
/// The first version whose clients know that a coordinator may be loading.
const LOADING_FROM: i16 = 2;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: TxnOffsetCommitRequest<'_> = call.request()?;
    let version = call.version();
    let (mut response, offsets) = prepared(call.engine(), &request, version);
    if offsets.is_empty() {
        return call.ready(&response);
    }
    let commit = OffsetsRequest {
        transactional_id: (*request.transactional_id).into(),
        implicit: version >= IMPLICIT_FROM,
        commit: TransactionalCommit {
            commit: CommitRequest {
                group: (*request.group_id).into(),
                member: (*request.member_id).into(),
                instance_id: request.group_instance_id.as_deref().map(Arc::from),
                epoch: request.generation_id_or_member_epoch,
                offsets,
            },
            producer: ProducerId(request.producer_id),
            producer_epoch: ProducerEpoch(request.producer_epoch),
        },
    };
    let transactions = call.engine().transactions();
    let asked = Asked::new(|reply| transactions.commit_offsets(commit, reply));
    call.reply().later(async move {
        fill_in(&mut response, asked.answer().await, version);
        response
    })
}

/// The answer with the codes of what is refused at once, and the offsets of all other partitions in the
/// order of the answer.
fn prepared(
    engine: &Engine,
    request: &TxnOffsetCommitRequest<'_>,
    version: i16,
) -> (TxnOffsetCommitResponse<'static>, Vec<OffsetCommit>) {
    let mut offsets = Vec::new();
    let mut response = TxnOffsetCommitResponse::default();
    for topic in &request.topics {
        let named = name_of(engine, topic, version);
        let partitions = topic.partitions.iter().map(|wanted| {
            let error_code = match &named {
                Err(error) => error.code().number(),
                Ok(name) => {
                    offsets.push(offset(name, topic.topic_id, wanted));
                    0
                }
            };
            TxnOffsetCommitResponsePartition {
                partition_index: wanted.partition_index,
                error_code,
            }
        });
        let partitions = partitions.collect();
        response.topics.push(TxnOffsetCommitResponseTopic {
            name: topic.name.to_string().into(),
            topic_id: topic.topic_id,
            partitions,
        });
    }
    (response, offsets)
}

fn name_of(
    engine: &Engine,
    topic: &TxnOffsetCommitRequestTopic<'_>,
    version: i16,
) -> Result<Arc<str>> {
    match version {
        ..IDS_FROM => Ok((*topic.name).into()),
        _ => Ok(engine.topic_by_id(topic.topic_id)?.name().clone()),
    }
}

fn offset(
    topic: &Arc<str>,
    topic_id: TopicId,
    wanted: &TxnOffsetCommitRequestPartition<'_>,
) -> OffsetCommit {
    let offset = Offset(wanted.committed_offset);
    OffsetCommit {
        leader_epoch: LeaderEpoch(wanted.committed_leader_epoch),
        metadata: wanted.committed_metadata.as_deref().unwrap_or("").into(),
        ..OffsetCommit::new(topic.clone(), wanted.partition_index, offset).of_topic(topic_id)
    }
}

/// Gives every partition without a code its own.
fn fill_in(
    response: &mut TxnOffsetCommitResponse<'static>,
    outcome: Result<Vec<OffsetOutcome>>,
    version: i16,
) {
    let (outcomes, all) = match outcome {
        Ok(outcomes) => (outcomes, 0),
        Err(error) => (Vec::new(), code(&error, version)),
    };
    let mut outcomes = outcomes.iter();
    let topics = response.topics.iter_mut();
    let places = topics.flat_map(|topic| &mut topic.partitions);
    for place in places.filter(|place| place.error_code == 0) {
        place.error_code = match outcomes.next().map(|o| &o.result) {
            Some(Ok(())) => 0,
            Some(Err(error)) => code(error, version),
            None => all,
        };
    }
}

/// Clients of old versions retry what they know to be passing.
fn code(error: &Error, version: i16) -> i16 {
    let code = match answered_code(error, TxnApi::TxnOffsetCommit, version) {
        Code::ConcurrentTransactions if version < IMPLICIT_FROM => Code::CoordinatorNotAvailable,
        Code::CoordinatorLoadInProgress if version < LOADING_FROM => Code::CoordinatorNotAvailable,
        code => code,
    };
    code.number()
}
