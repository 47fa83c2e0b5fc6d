//! DescribeTopicPartitions, key 75, version 0 (KIP-966).
//!
//! Topics come by name, at most 2000 partitions at once; the cursor says where the next answer goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::rights;
use crate::config::{check_topic_name, is_internal_topic};
use crate::engine::{Engine, TopicHandle};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::describe_topic_partitions::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic, RequestCursor,
    ResponseCursor,
};

/// Kafka's `max.request.partition.size.limit`.
const PARTITIONS_MAX: i32 = 2000;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeTopicPartitionsRequest<'_> = call.request()?;
    let names = match names(call.engine(), &request) {
        Ok(names) => names,
        Err(error) => {
            let topics = request
                .topics
                .iter()
                .map(|topic| DescribeTopicPartitionsResponseTopic {
                    error_code: error.code().number(),
                    name: Some(topic.name.clone()),
                    ..DescribeTopicPartitionsResponseTopic::default()
                });
            return call.ready(&DescribeTopicPartitionsResponse {
                topics: topics.collect(),
                ..DescribeTopicPartitionsResponse::default()
            });
        }
    };
    let limit = request.response_partition_limit.clamp(1, PARTITIONS_MAX);
    let limit = usize::try_from(limit).unwrap_or(1);
    call.ready(&described(
        call.engine(),
        &names,
        request.cursor.as_ref(),
        limit,
    ))
}

/// The topics from the cursor on, by name.
///
/// Errors: InvalidRequest for a cursor that does not belong to the request.
fn names(
    engine: &Engine,
    request: &DescribeTopicPartitionsRequest<'_>,
) -> Result<BTreeSet<Arc<str>>> {
    let cursor = request.cursor.as_ref();
    let mut names: BTreeSet<Arc<str>> = match request.topics.is_empty() {
        true => engine.topics()?.iter().map(|t| t.name().clone()).collect(),
        false => request.topics.iter().map(|t| t.name[..].into()).collect(),
    };
    if let Some(cursor) = cursor {
        let foreign = !request.topics.is_empty() && !names.contains(&*cursor.topic_name);
        if foreign || cursor.partition_index < 0 {
            let message = format!(
                "the cursor {}-{} is not one of this request",
                cursor.topic_name, cursor.partition_index
            );
            return Err(Error::coded(Code::InvalidRequest, message));
        }
        names = names.split_off(&*cursor.topic_name);
    }
    Ok(names)
}

fn described(
    engine: &Engine,
    names: &BTreeSet<Arc<str>>,
    cursor: Option<&RequestCursor<'_>>,
    limit: usize,
) -> DescribeTopicPartitionsResponse<'static> {
    let mut response = DescribeTopicPartitionsResponse::default();
    let mut left = limit;
    for name in names {
        let from = cursor.filter(|cursor| *cursor.topic_name == **name);
        let from = from.map_or(0, |c| usize::try_from(c.partition_index).unwrap_or(0));
        let found = check_topic_name(name).and_then(|()| engine.topic(name));
        let count = found.as_ref().map_or(0, |topic| topic.partitions().len());
        let until = count.min(from.saturating_add(left));
        if left == 0 {
            response.next_cursor = Some(next(name, 0));
            break;
        }
        let range = from.min(until)..until;
        left -= range.len();
        response.topics.push(match found {
            Ok(topic) => shown(engine.node_id(), &topic, range),
            Err(error) => DescribeTopicPartitionsResponseTopic {
                error_code: error.code().number(),
                name: Some(name.to_string().into()),
                topic_authorized_operations: rights::TOPIC,
                ..DescribeTopicPartitionsResponseTopic::default()
            },
        });
        if until < count {
            response.next_cursor = Some(next(name, until));
            break;
        }
    }
    response
}

fn next(name: &str, partition: usize) -> ResponseCursor<'static> {
    ResponseCursor {
        topic_name: name.to_owned().into(),
        partition_index: i32::try_from(partition).unwrap_or(i32::MAX),
    }
}

fn shown(
    node: i32,
    topic: &TopicHandle,
    range: std::ops::Range<usize>,
) -> DescribeTopicPartitionsResponseTopic<'static> {
    let partition = |number: usize| DescribeTopicPartitionsResponsePartition {
        partition_index: number as i32,
        leader_id: node,
        leader_epoch: 0,
        replica_nodes: vec![node],
        isr_nodes: vec![node],
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..DescribeTopicPartitionsResponsePartition::default()
    };
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name().to_string().into()),
        topic_id: topic.id(),
        is_internal: is_internal_topic(topic.name()),
        partitions: range.map(partition).collect(),
        topic_authorized_operations: rights::TOPIC,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}
