//! What AlterConfigs and IncrementalAlterConfigs share.

use std::collections::HashSet;

use super::resource::{self, Named, refused};
use crate::engine::{Alteration, ConfigResource, Engine};
use crate::error::{Code, Error, Result};

/// The error of settings for a resource that comes twice in one request.
pub(super) const TWICE: &str = "each resource must appear at most once";

/// Applies `how` to a resource, or only says what would come of it.
pub(super) fn alter(
    engine: &Engine,
    kind: i8,
    name: &str,
    how: &Alteration,
    validate_only: bool,
) -> Result<()> {
    if kind == resource::TOPIC && name.is_empty() {
        return Err(refused(
            "default topic resources are not allowed".to_owned(),
        ));
    }
    match resource::find(engine, kind, name)? {
        Named::Kept(resource) => engine
            .alter_config(&resource, how, validate_only)
            .map_err(|error| as_kafka(&resource, error)),
        Named::Empty if how.is_empty() => Ok(()),
        Named::Empty => Err(refused(format!(
            "settings of resource type {kind} are not kept by this broker"
        ))),
    }
}

/// Of a broker, a setting that is not good is an invalid request.
fn as_kafka(resource: &ConfigResource, error: Error) -> Error {
    match (resource, error.code()) {
        (ConfigResource::Broker(_), Code::InvalidConfig) => error.with_code(Code::InvalidRequest),
        _ => error,
    }
}

/// The value of a setting; InvalidRequest when it is null.
pub(super) fn value_of(name: &str, value: Option<&str>) -> Result<String> {
    let value = value.map(str::to_owned);
    value.ok_or_else(|| refused(format!("null value not supported for: {name}")))
}

/// Errors: InvalidRequest when a name comes twice.
pub(super) fn check_distinct<'n>(names: impl Iterator<Item = &'n str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(refused(format!("duplicate config key {name}")));
        }
    }
    Ok(())
}
