//! Metadata, key 3, versions 0 to 13 (KIP-516, KIP-526, KIP-700, KIP-1102).
//!
//! A topic that is not there is made when both the client and `auto.create.topics.enable` want it; it
//! is in the answer at once. Operations allowed are all, as there are no users yet.

use std::sync::Arc;

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::rights;
use crate::config::{check_topic_name, is_internal_topic};
use crate::engine::{Engine, NewTopic, TopicHandle};
use crate::error::{Code, Error, Kind, Result};
use crate::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use crate::types::TopicId;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: MetadataRequest<'_> = call.request()?;
    let engine = call.engine();
    // In version 0 an empty list stands for all.
    let wanted = request.topics.as_deref();
    let wanted = wanted.filter(|topics| call.version() > 0 || !topics.is_empty());
    let creates = request.allow_auto_topic_creation && engine.broker_config().auto_create_topics;
    if !call.may_block && creates && wanted.is_some_and(|topics| is_missing(engine, topics)) {
        return Ok(Answer::Blocking);
    }
    let shows = |topic: &TopicHandle| shown(engine.node_id(), topic, &request);
    let topics = match wanted {
        None => engine.topics()?.iter().map(|t| shows(t)).collect(),
        Some(wanted) => wanted
            .iter()
            .map(|topic| match find(engine, topic, creates) {
                Ok(found) => shows(&found),
                Err(error) => refused(topic, &error, call.version()),
            })
            .collect(),
    };
    let listener = &call.peer.listener;
    call.ready(&MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: engine.node_id(),
            host: listener.host.as_str().into(),
            port: i32::from(listener.port),
            rack: None,
        }],
        cluster_id: Some(engine.cluster_id().into()),
        controller_id: engine.node_id(),
        topics,
        cluster_authorized_operations: rights::when(
            request.include_cluster_authorized_operations,
            rights::CLUSTER,
        ),
        ..MetadataResponse::default()
    })
}

fn is_missing(engine: &Engine, topics: &[MetadataRequestTopic<'_>]) -> bool {
    let mut names = topics.iter().filter_map(|topic| topic.name.as_deref());
    names.any(|name| engine.topic(name).is_err())
}

fn find(
    engine: &Engine,
    wanted: &MetadataRequestTopic<'_>,
    creates: bool,
) -> Result<Arc<TopicHandle>> {
    let Some(name) = wanted.name.as_deref() else {
        return engine.topic_by_id(wanted.topic_id);
    };
    check_topic_name(name)?;
    match engine.topic(name) {
        Err(error) if error.kind() == Kind::NotFound && creates && !is_internal_topic(name) => {
            create(engine, name)
        }
        found => found,
    }
}

fn create(engine: &Engine, name: &str) -> Result<Arc<TopicHandle>> {
    let new = NewTopic {
        partitions: None,
        ..NewTopic::new(name, 1)
    };
    match engine.create_topic(&new) {
        Err(error) if error.kind() == Kind::Exists => {
            // Somebody else was faster, or a name that differs in `.` and `_` only is there.
            engine
                .topic(name)
                .map_err(|_| error.with_code(Code::InvalidTopic))
        }
        other => other,
    }
}

fn shown(
    node: i32,
    topic: &TopicHandle,
    request: &MetadataRequest<'_>,
) -> MetadataResponseTopic<'static> {
    let partition = |number: usize| MetadataResponsePartition {
        partition_index: number as i32,
        leader_id: node,
        leader_epoch: 0,
        replica_nodes: vec![node],
        isr_nodes: vec![node],
        ..MetadataResponsePartition::default()
    };
    MetadataResponseTopic {
        name: Some(topic.name().to_string().into()),
        topic_id: topic.id(),
        is_internal: is_internal_topic(topic.name()),
        partitions: (0..topic.partitions().len()).map(partition).collect(),
        topic_authorized_operations: rights::when(
            request.include_topic_authorized_operations,
            rights::TOPIC,
        ),
        ..MetadataResponseTopic::default()
    }
}

fn refused<'a>(
    wanted: &MetadataRequestTopic<'a>,
    error: &Error,
    version: i16,
) -> MetadataResponseTopic<'a> {
    let name = wanted.name.clone();
    MetadataResponseTopic {
        error_code: error.code().number(),
        // Before version 12 there is no null for a name that is not known.
        name: match version {
            ..12 => Some(name.unwrap_or_default()),
            _ => name,
        },
        topic_id: match wanted.name {
            Some(_) => TopicId::NONE,
            None => wanted.topic_id,
        },
        ..MetadataResponseTopic::default()
    }
}
