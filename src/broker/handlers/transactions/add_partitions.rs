//! AddPartitionsToTxn, key 24, versions 0 to 5 (KIP-98, KIP-588, KIP-890, KIP-1050).
//!
//! All partitions of a transaction or none: beside one that is unknown (3) the others are not attempted
//! (55). From version 4 a request holds several transactions, each answered by itself, and may only ask
//! whether partitions are in them. The broker's own topics are refused: AddOffsetsToTxn adds what it
//! needs of them.

use super::Asked;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::config::is_internal_topic;
use crate::engine::Transactions;
use crate::engine::txn::{AddRequest, ClientVersion, ProducerIdentity, TxnApi, answered_code};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult, AddPartitionsToTxnTopic, AddPartitionsToTxnTopicResult,
};
use crate::types::{ProducerEpoch, ProducerId, TopicPartition};

/// The first version with several transactions in a request.
const BATCHED_FROM: i16 = 4;

/// A transaction whose partitions are on their way into it.
struct Adding {
    /// Still without codes.
    answer: AddPartitionsToTxnResult<'static>,
    asked: Asked<Vec<Result<()>>>,
    version: i16,
}

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: AddPartitionsToTxnRequest<'_> = call.request()?;
    let version = call.version();
    let transactions = call.engine().transactions();
    let start = |id: &str, producer_id, epoch, only_verify, topics: &[_]| {
        let add = AddRequest {
            transactional_id: id.into(),
            producer: ProducerIdentity {
                id: ProducerId(producer_id),
                epoch: ProducerEpoch(epoch),
            },
            partitions: each_partition(topics),
            client: ClientVersion::of_add(version),
        };
        Adding {
            answer: AddPartitionsToTxnResult {
                transactional_id: id.to_owned().into(),
                topic_results: topics.iter().map(without_codes).collect(),
            },
            asked: Asked::new(|reply| ask(transactions, add, only_verify, reply)),
            version,
        }
    };
    if version < BATCHED_FROM {
        let adding = start(
            &request.v3_and_below_transactional_id,
            request.v3_and_below_producer_id,
            request.v3_and_below_producer_epoch,
            false,
            &request.v3_and_below_topics,
        );
        return call.reply().later(async move {
            AddPartitionsToTxnResponse {
                results_by_topic_v3_and_below: adding.answer().await.topic_results,
                ..AddPartitionsToTxnResponse::default()
            }
        });
    }
    let all = request.transactions.iter().map(|one| {
        start(
            &one.transactional_id,
            one.producer_id,
            one.producer_epoch,
            one.verify_only,
            &one.topics,
        )
    });
    let all: Vec<Adding> = all.collect();
    call.reply().later(async move {
        let mut results = Vec::with_capacity(all.len());
        for adding in all {
            results.push(adding.answer().await);
        }
        AddPartitionsToTxnResponse {
            results_by_transaction: results,
            ..AddPartitionsToTxnResponse::default()
        }
    })
}

fn each_partition(topics: &[AddPartitionsToTxnTopic<'_>]) -> Vec<TopicPartition> {
    let of_topic = |topic: &AddPartitionsToTxnTopic<'_>| {
        let name: std::sync::Arc<str> = (*topic.name).into();
        let partitions = topic.partitions.clone().into_iter();
        partitions.map(move |p| TopicPartition::new(name.clone(), p))
    };
    topics.iter().flat_map(of_topic).collect()
}

fn without_codes(topic: &AddPartitionsToTxnTopic<'_>) -> AddPartitionsToTxnTopicResult<'static> {
    let partitions = topic.partitions.iter();
    let results = partitions.map(|partition| AddPartitionsToTxnPartitionResult {
        partition_index: *partition,
        partition_error_code: 0,
    });
    AddPartitionsToTxnTopicResult {
        name: topic.name.to_string().into(),
        results_by_partition: results.collect(),
    }
}

fn ask(
    transactions: &Transactions,
    add: AddRequest,
    only_verify: bool,
    reply: crate::engine::Reply<Vec<Result<()>>>,
) {
    let is_internal = |p: &TopicPartition| is_internal_topic(&p.topic);
    if add.partitions.iter().any(is_internal) {
        let outcome = |p: &TopicPartition| match is_internal(p) {
            true => Err(Error::coded(
                Code::InvalidTopic,
                format!("{p} is the broker's own: no transaction of a client writes there"),
            )),
            false => Err(Error::coded(
                Code::OperationNotAttempted,
                format!("{p} was not added, because another partition of the request is refused"),
            )),
        };
        return reply(Ok(add.partitions.iter().map(outcome).collect()));
    }
    match only_verify {
        true => transactions.verify_partitions(add, reply),
        false => transactions.add_partitions(add, reply),
    }
}

impl Adding {
    async fn answer(self) -> AddPartitionsToTxnResult<'static> {
        let Adding {
            mut answer,
            asked,
            version,
        } = self;
        let code =
            |error: &Error| answered_code(error, TxnApi::AddPartitionsToTxn, version).number();
        let (outcomes, all) = match asked.answer().await {
            Ok(outcomes) => (outcomes, 0),
            Err(error) => (Vec::new(), code(&error)),
        };
        let mut outcomes = outcomes.iter();
        let topics = answer.topic_results.iter_mut();
        for place in topics.flat_map(|topic| &mut topic.results_by_partition) {
            place.partition_error_code = match outcomes.next() {
                Some(Err(error)) => code(error),
                Some(Ok(())) => 0,
                None => all,
            };
        }
        answer
    }
}
