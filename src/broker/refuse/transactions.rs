//! Producer ids and transactions.

use crate::protocol::messages::add_offsets_to_txn::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
};
use crate::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
};
use crate::protocol::messages::end_txn::{EndTxnRequest, EndTxnResponse};
use crate::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
};

/// Transactions come several a request; an error stands for all of it.
const ADD_SEVERAL_FROM: i16 = 4;

pub(super) fn init_producer_id(
    _: &InitProducerIdRequest<'_>,
    _: i16,
    code: i16,
) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: code,
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    }
}

pub(super) fn add_partitions<'a>(
    request: &AddPartitionsToTxnRequest<'a>,
    version: i16,
    code: i16,
) -> AddPartitionsToTxnResponse<'a> {
    if version >= ADD_SEVERAL_FROM {
        return AddPartitionsToTxnResponse {
            error_code: code,
            ..AddPartitionsToTxnResponse::default()
        };
    }
    let topics = request.v3_and_below_topics.iter();
    let topics = topics.map(|topic| AddPartitionsToTxnTopicResult {
        name: topic.name.clone(),
        results_by_partition: (topic.partitions.iter())
            .map(|partition| AddPartitionsToTxnPartitionResult {
                partition_index: *partition,
                partition_error_code: code,
            })
            .collect(),
    });
    AddPartitionsToTxnResponse {
        results_by_topic_v3_and_below: topics.collect(),
        ..AddPartitionsToTxnResponse::default()
    }
}

pub(super) fn add_offsets(
    _: &AddOffsetsToTxnRequest<'_>,
    _: i16,
    code: i16,
) -> AddOffsetsToTxnResponse {
    AddOffsetsToTxnResponse {
        error_code: code,
        ..AddOffsetsToTxnResponse::default()
    }
}

pub(super) fn end(_: &EndTxnRequest<'_>, _: i16, code: i16) -> EndTxnResponse {
    EndTxnResponse {
        error_code: code,
        ..EndTxnResponse::default()
    }
}

pub(super) fn commit_offsets<'a>(
    request: &TxnOffsetCommitRequest<'a>,
    _: i16,
    code: i16,
) -> TxnOffsetCommitResponse<'a> {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        TxnOffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: partitions
                .map(|partition| TxnOffsetCommitResponsePartition {
                    partition_index: partition.partition_index,
                    error_code: code,
                })
                .collect(),
        }
    });
    TxnOffsetCommitResponse {
        topics: topics.collect(),
        ..TxnOffsetCommitResponse::default()
    }
}
