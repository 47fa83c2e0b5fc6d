//! The table of subcommands.

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use super::context::Context;
use super::stop::{Result, Stop};
use super::{
    archive, bench, check, completions, consume, dump, group, import, produce, scan, serve, topic,
};
use crate::error::Error;

/// A subcommand: its arguments and what it does with them.
pub trait Subcommand: CommandFactory + FromArgMatches {
    fn run(self, context: &Context) -> Result;
}

/// One subcommand, its type forgotten.
pub struct Row {
    pub command: fn() -> Command,
    pub run: fn(&Context, &ArgMatches) -> Result,
}

/// In the order of the help.
pub const COMMANDS: &[Row] = &[
    row::<serve::Serve>(),
    row::<topic::Topic>(),
    row::<produce::Produce>(),
    row::<consume::Consume>(),
    row::<group::Group>(),
    row::<archive::Archive>(),
    row::<scan::Scan>(),
    row::<import::Import>(),
    row::<check::Check>(),
    row::<dump::Dump>(),
    row::<bench::Bench>(),
    row::<completions::Completions>(),
];

const fn row<T: Subcommand>() -> Row {
    Row {
        command: T::command,
        run: run::<T>,
    }
}

fn run<T: Subcommand>(context: &Context, matches: &ArgMatches) -> Result {
    let command = T::from_arg_matches(matches);
    // The matches were made by this very command: it reads them.
    let command = command.map_err(|e| Stop::Failed(Error::invalid(e.to_string())))?;
    command.run(context)
}
