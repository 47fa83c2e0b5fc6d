//! Changing settings as Kafka's IncrementalAlterConfigs does (KIP-339): set, delete, append to a list,
//! subtract from it.

use std::collections::BTreeSet;

use super::check;
use super::commands::LocalNode;
use super::image::{BROKER_RESOURCE, MetadataImage, TOPIC_RESOURCE, broker_resource_name};
use super::records::{ConfigRecord, MetadataRecord};
use crate::config::{Overrides, Scope};
use crate::error::{Code, Error, Result};

/// What has settings that can change while the engine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    Topic(String),
    /// One broker by number, or with `None` the default of all.
    Broker(Option<i32>),
}

impl ConfigResource {
    fn scope(&self) -> Scope {
        match self {
            ConfigResource::Topic(_) => Scope::Topic,
            ConfigResource::Broker(_) => Scope::Broker,
        }
    }
}

/// What to do with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOp {
    Set(String),
    /// Back to the default.
    Delete,
    /// Adds what is not in the list yet. Starts from the default when nothing was set.
    Append(String),
    /// Takes out of the list what is in it.
    Subtract(String),
}

impl MetadataImage {
    /// All the changes or none. NotFound for an unknown topic; Invalid for another broker than `node`,
    /// an unknown setting, an illegal value, a setting named twice, and for append and subtract where
    /// the setting is no list. What is as it was asked for already needs no record.
    pub fn alter_config(
        &self,
        resource: &ConfigResource,
        changes: &[(String, ConfigOp)],
        node: &LocalNode,
    ) -> Result<Vec<MetadataRecord>> {
        let (old, broker) = self.current(resource, node)?;
        let scope = resource.scope();
        let mut new = old.clone();
        let mut seen = BTreeSet::new();
        for (name, op) in changes {
            if !seen.insert(name) {
                return Err(Error::coded(
                    Code::InvalidRequest,
                    format!("setting {name} is given twice"),
                ));
            }
            match changed(scope, name, old.get(name), op, &broker)? {
                Some(value) => new.insert(name.clone(), value),
                None => new.remove(name),
            };
        }
        let (resource_type, resource_name) = match resource {
            ConfigResource::Topic(name) => {
                check::topic_config(&new, &broker)?;
                (TOPIC_RESOURCE, name.clone())
            }
            ConfigResource::Broker(id) => {
                let sets = match id {
                    None => [Some(&new), self.broker_config(Some(node.id))],
                    Some(_) => [self.broker_config(None), Some(&new)],
                };
                let effective = layered(&node.config, sets);
                check::broker_config(&new, &effective)?;
                // A default that some topic's own settings do not go with is refused here, not when that
                // topic is opened.
                for topic in self.topics() {
                    check::topic_config(&topic.config, &effective)
                        .map_err(|e| e.at(format_args!("topic {}", topic.name)))?;
                }
                (BROKER_RESOURCE, broker_resource_name(*id))
            }
        };
        let changed = seen.into_iter().filter(|n| old.get(*n) != new.get(*n));
        let record = |name: &String| ConfigRecord {
            resource_type,
            resource_name: resource_name.clone(),
            name: name.clone(),
            value: new.get(name).cloned(),
        };
        Ok(changed.map(|name| record(name).into()).collect())
    }

    /// As [`alter_config`](Self::alter_config), with `wanted` in place of all that is set now.
    pub fn replace_config(
        &self,
        resource: &ConfigResource,
        wanted: &[(String, String)],
        node: &LocalNode,
    ) -> Result<Vec<MetadataRecord>> {
        let (old, _) = self.current(resource, node)?;
        let mut changes: Vec<_> = wanted
            .iter()
            .map(|(name, value)| (name.clone(), ConfigOp::Set(value.clone())))
            .collect();
        let kept: BTreeSet<&String> = wanted.iter().map(|(name, _)| name).collect();
        let gone = old.keys().filter(|name| !kept.contains(name));
        changes.extend(gone.map(|name| (name.clone(), ConfigOp::Delete)));
        self.alter_config(resource, &changes, node)
    }

    /// The broker settings in force on `node`: its own over those of all brokers over those that the
    /// engine was opened with.
    pub fn effective_broker_config(&self, node: &LocalNode) -> Overrides {
        let sets = [self.broker_config(None), self.broker_config(Some(node.id))];
        layered(&node.config, sets)
    }

    /// What is set on the resource, and what counts on the broker.
    fn current(
        &self,
        resource: &ConfigResource,
        node: &LocalNode,
    ) -> Result<(Overrides, Overrides)> {
        let own = match resource {
            ConfigResource::Topic(name) => Some(&self.existing(name)?.config),
            ConfigResource::Broker(Some(other)) if *other != node.id => {
                return Err(Error::coded(
                    Code::InvalidRequest,
                    format!("broker {other} is not this one, which is {}", node.id),
                ));
            }
            ConfigResource::Broker(id) => self.broker_config(*id),
        };
        let own = own.cloned().unwrap_or_default();
        Ok((own, self.effective_broker_config(node)))
    }
}

/// `base` with what each of `sets` says over it, the last before all.
fn layered(base: &Overrides, sets: [Option<&Overrides>; 2]) -> Overrides {
    let mut all = base.clone();
    for set in sets.into_iter().flatten() {
        all.extend(set.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    all
}

/// The value after `op`; `None` is the default.
fn changed(
    scope: Scope,
    name: &str,
    old: Option<&String>,
    op: &ConfigOp,
    broker: &Overrides,
) -> Result<Option<String>> {
    let (given, append) = match op {
        ConfigOp::Set(value) => return Ok(Some(value.clone())),
        ConfigOp::Delete => {
            // What is set may be of an older version's table; it must be possible to get rid of it.
            if old.is_none() {
                check::known(scope, name)?;
            }
            return Ok(None);
        }
        ConfigOp::Append(given) => (given, true),
        ConfigOp::Subtract(given) => (given, false),
    };
    let default = check::list_default(scope, name, broker)?;
    let mut items: Vec<&str> = words(old.unwrap_or(&default)).collect();
    for word in words(given) {
        if !append {
            items.retain(|i| *i != word);
        } else if !items.contains(&word) {
            items.push(word);
        }
    }
    Ok(Some(items.join(",")))
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|w| !w.is_empty())
}
