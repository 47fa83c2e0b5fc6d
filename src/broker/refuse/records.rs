//! Produce, Fetch, ListOffsets.

use crate::protocol::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData,
};
use crate::protocol::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use crate::protocol::messages::produce::{
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceResponse,
};

/// From this version on a Fetch response says an error for all of it.
const FETCH_WHOLE_FROM: i16 = 13;

pub(super) fn wants_no_answer(request: &ProduceRequest<'_>) -> bool {
    request.acks == 0
}

pub(super) fn produce<'a>(request: &ProduceRequest<'a>, _: i16, code: i16) -> ProduceResponse<'a> {
    let topics = request.topic_data.iter().map(|topic| {
        let partitions = topic.partition_data.iter();
        TopicProduceResponse {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partition_responses: partitions
                .map(|partition| PartitionProduceResponse {
                    index: partition.index,
                    error_code: code,
                    base_offset: -1,
                    ..PartitionProduceResponse::default()
                })
                .collect(),
        }
    });
    ProduceResponse {
        responses: topics.collect(),
        ..ProduceResponse::default()
    }
}

pub(super) fn fetch<'a>(request: &FetchRequest<'a>, version: i16, code: i16) -> FetchResponse<'a> {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        FetchableTopicResponse {
            topic: topic.topic.clone(),
            topic_id: topic.topic_id,
            partitions: partitions
                .map(|partition| PartitionData {
                    partition_index: partition.partition,
                    error_code: code,
                    high_watermark: -1,
                    ..PartitionData::default()
                })
                .collect(),
        }
    });
    FetchResponse {
        error_code: code,
        session_id: request.session_id,
        responses: match version {
            FETCH_WHOLE_FROM.. => Vec::new(),
            _ => topics.collect(),
        },
        ..FetchResponse::default()
    }
}

pub(super) fn list_offsets<'a>(
    request: &ListOffsetsRequest<'a>,
    _: i16,
    code: i16,
) -> ListOffsetsResponse<'a> {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        ListOffsetsTopicResponse {
            name: topic.name.clone(),
            partitions: partitions
                .map(|partition| ListOffsetsPartitionResponse {
                    partition_index: partition.partition_index,
                    error_code: code,
                    ..ListOffsetsPartitionResponse::default()
                })
                .collect(),
        }
    });
    ListOffsetsResponse {
        topics: topics.collect(),
        ..ListOffsetsResponse::default()
    }
}
