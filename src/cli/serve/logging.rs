//! What happens, on standard error. The library only emits; here is the one subscriber.

use std::io::{self, IsTerminal as _};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::error::{Error, Result};

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// An object a line, for programs
    Json,
}

impl Format {
    pub fn parse(name: &str) -> Result<Format> {
        Format::from_str(name, true).map_err(|_| {
            Error::invalid(format!("log format {name} is unknown: write text or json"))
        })
    }
}

/// From now on events are written. Where somebody else in the process listens already, they stay his.
///
/// Errors: Invalid (a filter that cannot be read).
pub(super) fn start(filter: &str, format: Format) -> Result<()> {
    let filter = EnvFilter::builder().parse(filter).map_err(|e| {
        let message = format!(
            "log level {filter:?}: write error, warn, info, debug, trace or off, or a filter such as \
             info,levada::broker=debug"
        );
        Error::invalid(message).with_source(e)
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let installed = match format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    if let Err(error) = installed {
        tracing::debug!(error, "logs go where they went before");
    }
    Ok(())
}
