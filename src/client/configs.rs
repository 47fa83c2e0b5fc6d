//! Settings of topics: reading and changing them.

use std::time::Duration;

use super::cluster::{Again, Cluster, To};
use super::errors;
use crate::error::{Error, Result};
use crate::protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse,
};
use crate::protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

/// Kafka's number for the settings of a topic.
const TOPIC: i8 = 2;
const SET: i8 = 0;
const DELETE: i8 = 1;
const SHOWN_LIMIT: Duration = Duration::from_secs(5);

/// A setting of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    /// `None` also for what brokers do not tell.
    pub value: Option<String>,
    pub source: SettingSource,
}

/// Where a setting's value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// Set for this topic.
    Own,
    /// From the brokers' settings.
    Broker,
    Default,
}

/// What becomes of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set(String),
    /// Back to the default.
    Delete,
}

impl Cluster {
    /// The settings of each topic, in the order of `names`.
    ///
    /// Errors: NotFound.
    pub fn topic_configs(&mut self, names: &[&str]) -> Result<Vec<Vec<Setting>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let build = |_| DescribeConfigsRequest {
            resources: names.iter().map(|name| resource(name)).collect(),
            ..DescribeConfigsRequest::default()
        };
        let mut found = self.call(To::Any, Again::Always, build, |answer| {
            let response: DescribeConfigsResponse<'_> = answer.read()?;
            let mut found = Vec::new();
            for result in &response.results {
                let place = format_args!("settings of topic {}", result.resource_name);
                errors::check(result.error_code, result.error_message.as_deref(), place)?;
                let settings = result.configs.iter().map(|c| Setting {
                    name: c.name.to_string(),
                    value: c.value.as_ref().map(ToString::to_string),
                    source: source(c.config_source),
                });
                found.push((result.resource_name.to_string(), settings.collect()));
            }
            Ok(found)
        })?;
        let of = |name: &&str| {
            let at = found.iter().position(|(found, _)| found == name);
            at.map(|at| found.swap_remove(at).1)
                .ok_or_else(|| Error::corrupt(format!("the answer lacks the settings of {name}")))
        };
        names.iter().map(of).collect()
    }

    /// Changes settings of a topic, all or none.
    pub fn alter_topic(&mut self, name: &str, changes: &[(String, Change)]) -> Result<()> {
        let build = |_| {
            let configs = changes.iter().map(|(name, change)| AlterableConfig {
                name: name.as_str().into(),
                config_operation: match change {
                    Change::Set(_) => SET,
                    Change::Delete => DELETE,
                },
                value: match change {
                    Change::Set(value) => Some(value.as_str().into()),
                    Change::Delete => None,
                },
            });
            IncrementalAlterConfigsRequest {
                resources: vec![AlterConfigsResource {
                    resource_type: TOPIC,
                    resource_name: name.into(),
                    configs: configs.collect(),
                }],
                validate_only: false,
            }
        };
        // Setting the same twice is the same as once.
        self.call(To::Controller, Again::Always, build, |answer| {
            let response: IncrementalAlterConfigsResponse<'_> = answer.read()?;
            response.responses.iter().try_for_each(|r| {
                let place = format_args!("topic {name}");
                errors::check(r.error_code, r.error_message.as_deref(), place)
            })
        })?;
        self.shown(name, changes)
    }

    /// Waits until the settings show the changes: brokers learn of them one after the other. Not for
    /// long, because a broker may write a value in another way than it was given.
    fn shown(&mut self, name: &str, changes: &[(String, Change)]) -> Result<()> {
        let mut retry = self.retry();
        let end = self.clock.monotonic() + SHOWN_LIMIT;
        loop {
            let settings = self.topic_configs(&[name])?.pop().unwrap_or_default();
            let own = |key: &str| {
                let mut own = settings.iter().filter(|s| s.source == SettingSource::Own);
                own.find(|s| s.name == key).and_then(|s| s.value.as_deref())
            };
            let mut changes = changes.iter();
            let all = changes.all(|(key, change)| match change {
                Change::Set(value) => own(key) == Some(value),
                Change::Delete => own(key).is_none(),
            });
            if all || self.clock.monotonic() > end {
                return Ok(());
            }
            retry.wait(&*self.clock);
        }
    }
}

fn resource<'a>(name: &'a str) -> DescribeConfigsResource<'a> {
    DescribeConfigsResource {
        resource_type: TOPIC,
        resource_name: name.into(),
        configuration_keys: None,
    }
}

/// Kafka's numbers: 1 dynamic of the topic, 2 to 4 of brokers, 5 default.
fn source(number: i8) -> SettingSource {
    match number {
        1 => SettingSource::Own,
        2..=4 => SettingSource::Broker,
        _ => SettingSource::Default,
    }
}
