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
    /// Why it does nothing for a cluster; `None` when it does.
    pub not_for_clusters: Option<&'static str>,
}

/// In the order of the help.
pub const COMMANDS: &[Row] = &[
    files::<serve::Serve>("it serves a data directory"),
    row::<topic::Topic>(),
    row::<produce::Produce>(),
    row::<consume::Consume>(),
    row::<group::Group>(),
    files::<archive::Archive>("the archive is files of a data directory"),
    files::<scan::Scan>("it reads files of a data directory as columns"),
    row::<import::Import>(),
    files::<check::Check>("it reads the files of a data directory"),
    files::<dump::Dump>("it reads single files, which no broker hands out"),
    row::<bench::Bench>(),
    files::<completions::Completions>("it writes a script for a shell"),
];

const fn row<T: Subcommand>() -> Row {
    Row {
        command: T::command,
        run: run::<T>,
        not_for_clusters: None,
    }
}

/// A command about what only files can tell.
const fn files<T: Subcommand>(why: &'static str) -> Row {
    Row {
        not_for_clusters: Some(why),
        ..row::<T>()
    }
}

fn run<T: Subcommand>(context: &Context, matches: &ArgMatches) -> Result {
    let command = T::from_arg_matches(matches);
    // The matches were made by this very command: it reads them.
    let command = command.map_err(|e| Stop::Failed(Error::invalid(e.to_string())))?;
    command.run(context)
}
