//! DescribeConfigs, key 32, versions 1 to 4 (KIP-133, KIP-226, KIP-569).
//!
//! Topics, this broker, and with an empty name what is set for all brokers. Loggers, client metrics and
//! groups have no settings of their own here: their lists are empty. A resource may be named several
//! times, with other keys, but not without end: a short request would have a huge answer.

use std::collections::HashMap;

use super::resource::{self, Named, refused};
use super::shown::{self, Shown};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::ConfigResource;
use crate::error::Result;
use crate::protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

/// How often one request may name one resource.
const TIMES_MAX: usize = 16;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeConfigsRequest<'_> = call.request()?;
    let mut times: HashMap<(i8, &str), usize> = HashMap::new();
    let results = request.resources.iter().map(|wanted| {
        let before = times
            .entry((wanted.resource_type, &*wanted.resource_name))
            .or_default();
        *before += 1;
        let found = match *before > TIMES_MAX {
            true => Err(refused(format!(
                "resource {} is named more than {TIMES_MAX} times",
                wanted.resource_name
            ))),
            false => settings(call, wanted),
        };
        let error = found.as_ref().err().cloned();
        let entries = found.unwrap_or_default().into_iter();
        let configs = entries.map(|entry| {
            described(
                entry,
                request.include_synonyms,
                request.include_documentation,
            )
        });
        DescribeConfigsResult {
            error_code: error.as_ref().map_or(0, |e| e.code().number()),
            error_message: error.map(|e| e.message().to_owned().into()),
            resource_type: wanted.resource_type,
            resource_name: wanted.resource_name.clone(),
            configs: configs.collect(),
        }
    });
    call.ready(&DescribeConfigsResponse {
        results: results.collect(),
        ..DescribeConfigsResponse::default()
    })
}

fn settings(call: &Call<'_>, wanted: &DescribeConfigsResource<'_>) -> Result<Vec<Shown>> {
    let engine = call.engine();
    let layers = shown::layers(call);
    let mut all = match resource::find(engine, wanted.resource_type, &wanted.resource_name)? {
        Named::Kept(ConfigResource::Topic(name)) => {
            shown::of_topic(engine.topic(&name)?.overrides(), &layers)
        }
        Named::Kept(ConfigResource::Broker(Some(_))) => shown::of_broker(&layers),
        Named::Kept(ConfigResource::Broker(None)) => shown::of_all_brokers(&layers),
        Named::Empty => Vec::new(),
    };
    // As with null, an empty list asks for all.
    if let Some(keys) = wanted.configuration_keys.as_ref().filter(|k| !k.is_empty()) {
        all.retain(|entry| keys.iter().any(|key| *key == entry.key.name));
    }
    Ok(all)
}

fn described(
    entry: Shown,
    with_synonyms: bool,
    with_documentation: bool,
) -> DescribeConfigsResourceResult<'static> {
    let synonyms = entry.synonyms.into_iter().filter(|_| with_synonyms);
    let synonyms = synonyms.map(|synonym| DescribeConfigsSynonym {
        name: synonym.name.into(),
        value: synonym.value.map(Into::into),
        source: synonym.source,
    });
    DescribeConfigsResourceResult {
        name: entry.key.name.into(),
        value: entry.value.map(Into::into),
        read_only: entry.read_only,
        config_source: entry.source,
        is_sensitive: entry.sensitive,
        synonyms: synonyms.collect(),
        config_type: entry.key.kind.number(),
        documentation: with_documentation.then(|| entry.key.doc.into()),
    }
}
