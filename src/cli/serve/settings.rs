//! What counts: flags before the environment before the file.

use std::path::PathBuf;

use super::environment;
use super::file::{self, FileSettings};
use super::logging::Format;
use crate::config::{Overrides, Scope, check};
use crate::error::Result;

/// What the flags said.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub config: Option<PathBuf>,
    pub log_level: Option<String>,
    pub log_format: Option<Format>,
    pub broker: Overrides,
}

/// All layers in one.
#[derive(Debug)]
pub(super) struct Resolved {
    /// Of the file alone: flags and the environment were looked at before.
    pub dir: Option<PathBuf>,
    pub log_level: String,
    pub log_format: Format,
    pub broker: Overrides,
    /// To be said once logs are written.
    pub remarks: Vec<String>,
}

impl Resolved {
    /// Errors: Invalid, naming the layer; those of reading the file.
    pub fn new(flags: Flags, variables: &[(String, String)]) -> Result<Resolved> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| n == name);
            found
                .map(|(_, value)| value.clone())
                .filter(|v| !v.is_empty())
        };
        let path = flags
            .config
            .or_else(|| variable("LEVADA_CONFIG").map(PathBuf::from));
        let file = match &path {
            Some(path) => file::read(path)?,
            None => FileSettings::default(),
        };
        for (name, text) in &flags.broker {
            check(Scope::Broker, name, text)?;
        }
        let environment = environment::read(variables.iter().cloned())?;
        let mut remarks = environment.unknown;
        if !file.ignored.is_empty() {
            let names = file.ignored.join(", ");
            remarks.push(format!(
                "these settings of Kafka have no meaning here: {names}"
            ));
        }
        let mut broker = file.broker;
        broker.extend(environment.broker);
        broker.extend(flags.broker);
        let format = variable("LEVADA_LOG_FORMAT").or(file.log_format);
        Ok(Resolved {
            dir: file.dir,
            log_level: flags
                .log_level
                .or_else(|| variable("LEVADA_LOG"))
                .or(file.log_level)
                .unwrap_or_else(|| "info".to_owned()),
            log_format: match (flags.log_format, format) {
                (Some(format), _) => format,
                (None, Some(name)) => Format::parse(&name)?,
                (None, None) => Format::Text,
            },
            broker,
            remarks,
        })
    }
}
