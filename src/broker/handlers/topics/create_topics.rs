//! CreateTopics, key 19, versions 2 to 7 (KIP-464, KIP-516, KIP-525).
//!
//! A topic is made before the answer leaves, so that the time limit of the request is not read. Topics
//! that the engine makes for itself are refused: Kafka lets a client make `__consumer_offsets` with
//! settings of its own, and its groups do not work from then on. Of a setting that is given twice the
//! last one counts.

use std::collections::{BTreeSet, HashMap};

use super::assignment;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::configs::shown::{self, Shown};
use crate::broker::handlers::once::{self, once};
use crate::config::Overrides;
use crate::engine::metadata::PARTITIONS_PER_COMMAND_MAX;
use crate::engine::{Engine, NewTopic};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};
use crate::types::TopicId;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: CreateTopicsRequest<'_> = call.request()?;
    let allowed = check_total(call.engine(), &request.topics);
    let topics = once(&request.topics, |topic| &*topic.name).map(|(topic, twice)| {
        let made = allowed
            .clone()
            .and_then(|()| once::check(twice, "duplicate topic name"))
            .and_then(|()| make(call, topic, request.validate_only));
        made.unwrap_or_else(|error| CreatableTopicResult {
            name: topic.name.clone(),
            error_code: error.code().number(),
            error_message: Some(error.message().to_owned().into()),
            configs: Some(Vec::new()),
            ..CreatableTopicResult::default()
        })
    });
    call.ready(&CreateTopicsResponse {
        topics: topics.collect(),
        ..CreateTopicsResponse::default()
    })
}

/// Bounds the whole request, as Kafka does, also where nothing would be made: each topic's settings are
/// in the answer.
fn check_total(engine: &Engine, topics: &[CreatableTopic<'_>]) -> Result<()> {
    let default = u64::from(engine.broker_config().num_partitions);
    let partitions = |topic: &CreatableTopic<'_>| match topic.assignments.len() {
        0 => u64::try_from(topic.num_partitions).unwrap_or(default),
        assigned => assigned as u64,
    };
    let total: u64 = topics.iter().map(partitions).sum();
    if total <= PARTITIONS_PER_COMMAND_MAX.unsigned_abs().into() {
        return Ok(());
    }
    let message = format!(
        "{total} partitions are too many for one request: at most {PARTITIONS_PER_COMMAND_MAX}"
    );
    Err(Error::coded(Code::PolicyViolation, message))
}

fn make<'a>(
    call: &Call<'_>,
    wanted: &CreatableTopic<'a>,
    validate_only: bool,
) -> Result<CreatableTopicResult<'a>> {
    let engine = call.engine();
    let new = new_topic(wanted, engine.node_id())?;
    let (id, count) = match validate_only {
        true => (TopicId::NONE, engine.check_topic(&new)?),
        false => {
            let topic = engine.create_topic(&new)?;
            (topic.id(), topic.partitions().len())
        }
    };
    let own: Overrides = new.config.into_iter().collect();
    let entries = shown::of_topic(&own, &shown::layers(call));
    Ok(CreatableTopicResult {
        name: wanted.name.clone(),
        topic_id: id,
        num_partitions: i32::try_from(count).unwrap_or(i32::MAX),
        replication_factor: 1,
        configs: Some(entries.into_iter().map(config).collect()),
        ..CreatableTopicResult::default()
    })
}

fn config(entry: Shown) -> CreatableTopicConfigs<'static> {
    CreatableTopicConfigs {
        name: entry.key.name.into(),
        value: entry.value.map(Into::into),
        read_only: entry.read_only,
        config_source: entry.source,
        is_sensitive: entry.sensitive,
    }
}

fn new_topic(wanted: &CreatableTopic<'_>, node: i32) -> Result<NewTopic> {
    let mut config: HashMap<&str, String> = HashMap::new();
    for setting in &wanted.configs {
        let name = &*setting.name;
        let value = setting.value.as_deref().ok_or_else(|| {
            let message = format!("null value not supported for topic configs: {name}");
            Error::coded(Code::InvalidConfig, message)
        })?;
        config.insert(name, value.to_owned());
    }
    let mut new = NewTopic {
        config: config
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..NewTopic::new(&*wanted.name, wanted.num_partitions)
    };
    if wanted.assignments.is_empty() {
        new.partitions = (wanted.num_partitions != -1).then_some(wanted.num_partitions);
        new.replication_factor =
            (wanted.replication_factor != -1).then_some(wanted.replication_factor);
    } else {
        new.partitions = Some(assigned(wanted, node)?);
    }
    Ok(new)
}

/// How many partitions were assigned by hand.
fn assigned(wanted: &CreatableTopic<'_>, node: i32) -> Result<i32> {
    let unset = |value: i32, what: &str| match value {
        -1 => Ok(()),
        _ => Err(Error::coded(
            Code::InvalidRequest,
            format!("a manual partition assignment was specified, but {what} was not set to -1"),
        )),
    };
    unset(i32::from(wanted.replication_factor), "replication factor")?;
    unset(wanted.num_partitions, "numPartitions")?;
    let assignments: &[CreatableReplicaAssignment] = &wanted.assignments;
    let refused = |message: String| Error::coded(Code::InvalidReplicaAssignment, message);
    let mut numbers = BTreeSet::new();
    for one in assignments {
        let number = one.partition_index;
        if !numbers.insert(number) {
            return Err(refused(format!(
                "found multiple manual partition assignments for partition {number}"
            )));
        }
        assignment::check(&one.broker_ids, node)?;
    }
    let count = i32::try_from(assignments.len()).unwrap_or(i32::MAX);
    match numbers.into_iter().eq(0..count) {
        true => Ok(count),
        false => Err(refused(
            "partitions should be a consecutive 0-based integer sequence".to_owned(),
        )),
    }
}
