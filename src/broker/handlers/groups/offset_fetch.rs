//! OffsetFetch, key 9, versions 1 to 10 (KIP-88, KIP-320, KIP-447, KIP-709, KIP-848).
//!
//! From version 8 on it asks for several groups. No topics stand for all of them (version 2). A partition
//! without an offset is answered with -1; so is one that does not exist, unless its topic is named by an
//! id that is not known.

use std::sync::Arc;

use super::shared::{code, kept, sent};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::Engine;
use crate::engine::groups::{Committed, FetchAs, OffsetOutcome};
use crate::error::{Code, Result};
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

/// The first version with an error for the whole request.
const GROUP_ERRORS_FROM: i16 = 2;
/// The first version that asks for several groups.
const SEVERAL_FROM: i16 = 8;
/// The first version that names topics by their id.
const IDS_FROM: i16 = 10;

type Topics = Vec<OffsetFetchResponseTopics<'static>>;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: OffsetFetchRequest<'_> = call.request()?;
    let stable = request.require_stable;
    if call.version() >= SEVERAL_FROM {
        let groups = request.groups.iter();
        return call.ready(&OffsetFetchResponse {
            groups: groups.map(|group| fetch(call, group, stable)).collect(),
            ..OffsetFetchResponse::default()
        });
    }
    let fetched = fetch(call, &as_group(request), stable);
    let (error_code, topics) = (fetched.error_code, fetched.topics.into_iter());
    call.ready(&OffsetFetchResponse {
        error_code,
        topics: topics.map(single).collect(),
        ..OffsetFetchResponse::default()
    })
}

/// A request for one group in the words of one for several.
fn as_group(request: OffsetFetchRequest<'_>) -> OffsetFetchRequestGroup<'_> {
    let named = |topic: OffsetFetchRequestTopic<'_>| OffsetFetchRequestTopics {
        name: topic.name.into_owned().into(),
        partition_indexes: topic.partition_indexes,
        ..OffsetFetchRequestTopics::default()
    };
    let topics = request.topics;
    OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics: topics.map(|topics| topics.into_iter().map(named).collect()),
        ..OffsetFetchRequestGroup::default()
    }
}

fn fetch(
    call: &Call<'_>,
    request: &OffsetFetchRequestGroup<'_>,
    stable: bool,
) -> OffsetFetchResponseGroup<'static> {
    let topics = match &request.topics {
        None => fetch_all(call, request, stable),
        Some(wanted) => fetch_named(call, request, wanted, stable),
    };
    let (error_code, topics) = match (topics, &request.topics) {
        (Ok(topics), _) => (0, topics),
        (Err(error), Some(wanted)) if call.version() < GROUP_ERRORS_FROM => {
            let refused = wanted.iter().map(|topic| all_refused(topic, code(&error)));
            (0, refused.collect())
        }
        (Err(error), _) => (code(&error), Topics::new()),
    };
    OffsetFetchResponseGroup {
        group_id: sent(&request.group_id),
        topics,
        error_code,
    }
}

fn fetch_as(request: &OffsetFetchRequestGroup<'_>) -> FetchAs {
    match &request.member_id {
        None if request.member_epoch < 0 => FetchAs::Anyone,
        id => FetchAs::Member {
            id: kept(id.as_deref().unwrap_or_default()),
            epoch: request.member_epoch,
        },
    }
}

fn fetch_all(
    call: &Call<'_>,
    request: &OffsetFetchRequestGroup<'_>,
    stable: bool,
) -> Result<Topics> {
    let groups = call.engine().groups();
    let group = kept(&request.group_id);
    let found = groups.fetch_offsets(&group, &fetch_as(request), None, stable)?;
    let mut topics = Topics::new();
    for of_topic in found.chunk_by(|a, b| a.topic == b.topic) {
        let Some(name) = of_topic.first().map(|one| &one.topic) else {
            continue;
        };
        let mut topic = OffsetFetchResponseTopics {
            name: sent(name),
            partitions: of_topic.iter().map(answered).collect(),
            ..OffsetFetchResponseTopics::default()
        };
        if call.version() >= IDS_FROM {
            // One that was deleted a moment ago has no id to be named by.
            let Ok(handle) = call.engine().topic(name) else {
                continue;
            };
            topic.topic_id = handle.id();
        }
        topics.push(topic);
    }
    Ok(topics)
}

fn fetch_named(
    call: &Call<'_>,
    request: &OffsetFetchRequestGroup<'_>,
    wanted: &[OffsetFetchRequestTopics<'_>],
    stable: bool,
) -> Result<Topics> {
    let ids = call.version() >= IDS_FROM;
    let names: Vec<Option<Arc<str>>> = wanted
        .iter()
        .map(|topic| name_of(call.engine(), topic, ids))
        .collect();
    let named = wanted.iter().zip(&names);
    let places = named.flat_map(|(topic, name)| {
        let partitions = topic.partition_indexes.iter();
        let place = |partition: &i32| name.clone().map(|name| (name, *partition));
        partitions.filter_map(place)
    });
    let places: Vec<(Arc<str>, i32)> = places.collect();
    let group = kept(&request.group_id);
    let groups = call.engine().groups();
    let found = groups.fetch_offsets(&group, &fetch_as(request), Some(&places), stable)?;
    let mut found = found.iter();
    let topics = wanted.iter().zip(&names).map(|(topic, name)| match name {
        None => all_refused(topic, Code::UnknownTopicId.number()),
        Some(_) => OffsetFetchResponseTopics {
            name: sent(&topic.name),
            topic_id: topic.topic_id,
            partitions: found
                .by_ref()
                .take(topic.partition_indexes.len())
                .map(answered)
                .collect(),
        },
    });
    Ok(topics.collect())
}

/// `None` where the topic's id is not known.
fn name_of(engine: &Engine, topic: &OffsetFetchRequestTopics<'_>, ids: bool) -> Option<Arc<str>> {
    match ids {
        true => Some(engine.topic_by_id(topic.topic_id).ok()?.name().clone()),
        false => Some(kept(&topic.name)),
    }
}

fn answered(outcome: &OffsetOutcome<Option<Committed>>) -> OffsetFetchResponsePartitions<'static> {
    match &outcome.result {
        Ok(Some(committed)) => OffsetFetchResponsePartitions {
            partition_index: outcome.partition,
            committed_offset: committed.offset.get(),
            committed_leader_epoch: committed.leader_epoch.get(),
            metadata: Some(sent(&committed.metadata)),
            error_code: 0,
        },
        Ok(None) => nothing(outcome.partition, 0),
        Err(error) => nothing(outcome.partition, error.code().number()),
    }
}

fn all_refused(
    topic: &OffsetFetchRequestTopics<'_>,
    error_code: i16,
) -> OffsetFetchResponseTopics<'static> {
    let partitions = topic.partition_indexes.iter();
    OffsetFetchResponseTopics {
        name: sent(&topic.name),
        topic_id: topic.topic_id,
        partitions: partitions.map(|p| nothing(*p, error_code)).collect(),
    }
}

fn nothing(partition_index: i32, error_code: i16) -> OffsetFetchResponsePartitions<'static> {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some("".into()),
        error_code,
    }
}

/// The words of the versions before 8.
fn single(topic: OffsetFetchResponseTopics<'static>) -> OffsetFetchResponseTopic<'static> {
    let partitions = topic.partitions.into_iter();
    OffsetFetchResponseTopic {
        name: topic.name,
        partitions: partitions
            .map(|p| OffsetFetchResponsePartition {
                partition_index: p.partition_index,
                committed_offset: p.committed_offset,
                committed_leader_epoch: p.committed_leader_epoch,
                metadata: p.metadata,
                error_code: p.error_code,
            })
            .collect(),
    }
}
