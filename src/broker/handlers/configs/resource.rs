//! What a client names as having settings.

use crate::config::check_topic_name;
use crate::engine::{ConfigResource, Engine};
use crate::error::{Code, Error, Result};

/// Kafka's numbers of what has settings.
pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// A resource of which this broker keeps settings, or one of which there are none.
pub(super) enum Named {
    Kept(ConfigResource),
    /// Loggers, subscriptions of client metrics, groups.
    Empty,
}

/// Errors: InvalidRequest (another broker, an unknown type), InvalidTopic (an illegal name),
/// UnknownTopicOrPartition.
pub(super) fn find(engine: &Engine, kind: i8, name: &str) -> Result<Named> {
    match kind {
        TOPIC => {
            check_topic_name(name)?;
            engine.topic(name)?;
            Ok(Named::Kept(ConfigResource::Topic(name.to_owned())))
        }
        BROKER => broker(engine, name).map(|id| Named::Kept(ConfigResource::Broker(id))),
        BROKER_LOGGER => match broker(engine, name)? {
            Some(_) => Ok(Named::Empty),
            None => Err(refused("broker id must not be empty".to_owned())),
        },
        CLIENT_METRICS | GROUP if name.is_empty() => {
            Err(refused("resource name must not be empty".to_owned()))
        }
        CLIENT_METRICS | GROUP => Ok(Named::Empty),
        other => Err(refused(format!("unknown resource type {other}"))),
    }
}

fn broker(engine: &Engine, name: &str) -> Result<Option<i32>> {
    let here = engine.node_id();
    match name.parse() {
        _ if name.is_empty() => Ok(None),
        Ok(id) if id == here => Ok(Some(here)),
        Ok(other) => {
            let other: i32 = other;
            Err(refused(format!(
                "unexpected broker id, expected {here} or empty string, but received {other}"
            )))
        }
        Err(_) => Err(refused(format!(
            "broker id must be an integer, but it is: {name}"
        ))),
    }
}

pub(super) fn refused(message: String) -> Error {
    Error::coded(Code::InvalidRequest, message)
}
