//! DeleteTopics, key 20, versions 1 to 6 (KIP-516, KIP-599).
//!
//! A topic is gone before the answer leaves, so that the time limit of the request is not read. The
//! engine's own topics are refused (17), which Kafka would delete, offsets and transactions with them.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::once::{self, once};
use crate::config::is_internal_topic;
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::types::TopicId;

/// A topic that is to go: how the request names it, and what it is.
struct Wanted<'r, 'a> {
    state: &'r DeleteTopicState<'a>,
    found: Result<(String, TopicId)>,
}

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DeleteTopicsRequest<'_> = call.request()?;
    let engine = call.engine();
    let by_name = request.topic_names.iter().map(|name| DeleteTopicState {
        name: Some(name.clone()),
        topic_id: TopicId::NONE,
    });
    let states: Vec<DeleteTopicState<'_>> = request.topics.iter().cloned().chain(by_name).collect();
    let wanted: Vec<Wanted<'_, '_>> = once(&states, |s| (s.name.as_deref(), s.topic_id))
        .map(|(state, twice)| Wanted {
            state,
            found: once::check(twice, "duplicate topic name or id")
                .and_then(|()| find(engine, state)),
        })
        .collect();
    let allowed = is_allowed(engine, call.version());
    // By its name and by its id the same topic may come twice.
    let responses = once(&wanted, |w| match &w.found {
        Ok((_, id)) => (Some(*id), None),
        Err(_) => (None, Some((w.state.name.as_deref(), w.state.topic_id))),
    })
    .map(|(wanted, twice)| {
        let outcome = allowed.clone().and_then(|()| {
            let (name, id) = wanted.found.clone()?;
            once::check(twice, "the topic is given by its name and by its id")?;
            delete(engine, &name)?;
            Ok((name, id))
        });
        answered(wanted.state, outcome)
    });
    call.ready(&DeleteTopicsResponse {
        responses: responses.collect(),
        ..DeleteTopicsResponse::default()
    })
}

/// `delete.topic.enable`, whose own error came with version 3.
fn is_allowed(engine: &Engine, version: i16) -> Result<()> {
    let code = match version {
        ..3 => Code::InvalidRequest,
        _ => Code::TopicDeletionDisabled,
    };
    match engine.broker_config().delete_topics {
        true => Ok(()),
        false => Err(Error::coded(
            code,
            "topic deletion is disabled: set delete.topic.enable to true",
        )),
    }
}

fn find(engine: &Engine, state: &DeleteTopicState<'_>) -> Result<(String, TopicId)> {
    let refused = |why: &str| Err(Error::coded(Code::InvalidRequest, why));
    let topic = match (state.name.as_deref(), state.topic_id) {
        (None, TopicId::NONE) => return refused("neither topic name nor id were specified"),
        (Some(name), TopicId::NONE) => engine.topic(name)?,
        (None, id) => engine.topic_by_id(id)?,
        (Some(_), _) => return refused("you may not specify both topic name and topic id"),
    };
    Ok((topic.name().to_string(), topic.id()))
}

fn delete(engine: &Engine, name: &str) -> Result<()> {
    if is_internal_topic(name) {
        let message = format!("topic {name} is internal and cannot be deleted");
        return Err(Error::coded(Code::InvalidTopic, message));
    }
    engine.delete_topic(name)
}

fn answered(
    state: &DeleteTopicState<'_>,
    outcome: Result<(String, TopicId)>,
) -> DeletableTopicResult<'static> {
    match outcome {
        Ok((name, topic_id)) => DeletableTopicResult {
            name: Some(name.into()),
            topic_id,
            ..DeletableTopicResult::default()
        },
        Err(error) => DeletableTopicResult {
            name: state.name.as_deref().map(|name| name.to_owned().into()),
            topic_id: state.topic_id,
            error_code: error.code().number(),
            error_message: Some(error.message().to_owned().into()),
        },
    }
}
