//! IncrementalAlterConfigs, key 44, versions 0 and 1 (KIP-339).
//!
//! Sets, deletes, and for lists appends and subtracts; what the request does not name stays. To delete
//! a setting that there is none of is no error, as with Kafka. A broker setting that this broker does
//! not have is refused, where Kafka keeps it for a plugin that may read it.

use super::alter::{self, TWICE};
use super::resource::{TOPIC, refused};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::once::{self, once};
use crate::config::{Scope, find};
use crate::engine::{Alteration, ConfigOp};
use crate::error::Result;
use crate::protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: IncrementalAlterConfigsRequest<'_> = call.request()?;
    let all = once(&request.resources, |r| (r.resource_type, &*r.resource_name));
    let responses = all.map(|(wanted, twice)| {
        let outcome =
            once::check(twice, TWICE).and_then(|()| change(call, wanted, request.validate_only));
        let error = outcome.err();
        AlterConfigsResourceResponse {
            error_code: error.as_ref().map_or(0, |e| e.code().number()),
            error_message: error.map(|e| e.message().to_owned().into()),
            resource_type: wanted.resource_type,
            resource_name: wanted.resource_name.clone(),
        }
    });
    call.ready(&IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..IncrementalAlterConfigsResponse::default()
    })
}

fn change(call: &Call<'_>, wanted: &AlterConfigsResource<'_>, validate_only: bool) -> Result<()> {
    alter::check_distinct(wanted.configs.iter().map(|c| &*c.name))?;
    let mut changes = Vec::with_capacity(wanted.configs.len());
    for config in &wanted.configs {
        let op = operation(config)?;
        if op != ConfigOp::Delete || is_there(call, wanted, &config.name) {
            changes.push((config.name.to_string(), op));
        }
    }
    let how = Alteration::Each(changes);
    let (kind, name) = (wanted.resource_type, &wanted.resource_name);
    alter::alter(call.engine(), kind, name, &how, validate_only)
}

/// Whether a setting is known, or set all the same.
fn is_there(call: &Call<'_>, resource: &AlterConfigsResource<'_>, name: &str) -> bool {
    let engine = call.engine();
    let (scope, set) = match resource.resource_type {
        TOPIC => {
            let topic = engine.topic(&resource.resource_name);
            let set = topic.is_ok_and(|topic| topic.overrides().contains_key(name));
            (Scope::Topic, set)
        }
        _ => {
            let layers = engine.broker_layers();
            let set = layers.all.contains_key(name) || layers.own.contains_key(name);
            (Scope::Broker, set)
        }
    };
    set || find(scope, name).is_some()
}

fn operation(config: &AlterableConfig<'_>) -> Result<ConfigOp> {
    let value = || alter::value_of(&config.name, config.value.as_deref());
    match config.config_operation {
        0 => value().map(ConfigOp::Set),
        1 => Ok(ConfigOp::Delete),
        2 => value().map(ConfigOp::Append),
        3 => value().map(ConfigOp::Subtract),
        other => Err(refused(format!(
            "{}: there is no config operation {other}",
            config.name
        ))),
    }
}
