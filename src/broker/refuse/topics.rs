//! Metadata, and what changes topics.

use crate::protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopicResult,
};
use crate::protocol::messages::create_topics::{
    CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use crate::protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::protocol::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseTopic,
};

/// A name may be left out from this version on; before, it is empty.
const METADATA_NULL_NAME_FROM: i16 = 12;
/// Topics are named by states instead of names.
const DELETE_STATES_FROM: i16 = 6;

/// A request for all topics has no place for an error before version 13: it gives nothing.
pub(super) fn metadata<'a>(
    request: &MetadataRequest<'a>,
    version: i16,
    code: i16,
) -> MetadataResponse<'a> {
    let asked = request.topics.iter().flatten();
    let topics = asked.map(|topic| MetadataResponseTopic {
        error_code: code,
        name: match (&topic.name, version) {
            (None, ..METADATA_NULL_NAME_FROM) => Some("".into()),
            (name, _) => name.clone(),
        },
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    });
    MetadataResponse {
        topics: topics.collect(),
        error_code: code,
        ..MetadataResponse::default()
    }
}

pub(super) fn create_topics<'a>(
    request: &CreateTopicsRequest<'a>,
    _: i16,
    code: i16,
) -> CreateTopicsResponse<'a> {
    let topics = request.topics.iter().map(|topic| CreatableTopicResult {
        name: topic.name.clone(),
        error_code: code,
        configs: Some(Vec::new()),
        ..CreatableTopicResult::default()
    });
    CreateTopicsResponse {
        topics: topics.collect(),
        ..CreateTopicsResponse::default()
    }
}

pub(super) fn delete_topics<'a>(
    request: &DeleteTopicsRequest<'a>,
    version: i16,
    code: i16,
) -> DeleteTopicsResponse<'a> {
    let states = request.topics.iter().map(|topic| DeletableTopicResult {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        error_code: code,
        ..DeletableTopicResult::default()
    });
    let names = request.topic_names.iter().map(|name| DeletableTopicResult {
        name: Some(name.clone()),
        error_code: code,
        ..DeletableTopicResult::default()
    });
    DeleteTopicsResponse {
        responses: match version {
            DELETE_STATES_FROM.. => states.collect(),
            _ => names.collect(),
        },
        ..DeleteTopicsResponse::default()
    }
}

pub(super) fn create_partitions<'a>(
    request: &CreatePartitionsRequest<'a>,
    _: i16,
    code: i16,
) -> CreatePartitionsResponse<'a> {
    let results = request.topics.iter().map(|t| CreatePartitionsTopicResult {
        name: t.name.clone(),
        error_code: code,
        ..CreatePartitionsTopicResult::default()
    });
    CreatePartitionsResponse {
        results: results.collect(),
        ..CreatePartitionsResponse::default()
    }
}
