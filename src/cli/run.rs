//! From arguments to exit status.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::commands::COMMANDS;
use super::context::{Context, Target};
use super::output;
use super::stop::{Result, Stop};
use crate::error::Error;

/// The environment variable that names the data directory when `--dir` does not.
pub const DIR_VARIABLE: &str = "LEVADA_DIR";
/// The same for the brokers of a cluster.
pub const BOOTSTRAP_VARIABLE: &str = "LEVADA_BOOTSTRAP";

const EXAMPLES: &str = "\
Examples:
  levada --dir data topic create orders --partitions 4
  seq 1000 | levada --dir data produce orders
  levada --dir data consume orders --from earliest --max 10
  levada --dir data --json topic list
  levada --bootstrap localhost:9092 consume orders --follow

Exit status: 0 done, 2 wrong call, 3 not there or there already, 4 in use or outdated, 5 no rights,
6 not now, 7 damaged, 8 closed or a defect. One process at a time has a data directory open.";

/// Runs the command in `args` (the first is the program's name) and gives its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run(args))
}

/// The same for those who run inside another program: gives the status as a number.
///
/// Reads standard input and writes standard output and error of the process. Ends the
/// process only in `serve`, when a second signal asks for that.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let matches = match root().try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(error) => return refuse(&error, args.iter().any(|a| a == "--json")),
    };
    let json = matches.get_flag("json");
    match dispatch(&matches, json) {
        Ok(()) | Err(Stop::NobodyReads) => 0,
        Err(Stop::Failed(error)) => {
            output::report(&error, json);
            error.kind().exit_status()
        }
    }
}

fn dispatch(matches: &ArgMatches, json: bool) -> Result {
    let Some((name, inner)) = matches.subcommand() else {
        return Ok(());
    };
    let row = COMMANDS
        .iter()
        .find(|row| (row.command)().get_name() == name);
    let Some(row) = row else { return Ok(()) };
    let target = match row.not_for_clusters {
        None => target(matches)?,
        Some(why) => directory(matches, name, why)?,
    };
    (row.run)(&Context::new(target, json), inner)
}

/// What was named on the command line, else in the environment.
fn target(matches: &ArgMatches) -> Result<Target> {
    let dir = matches.get_one::<PathBuf>("dir");
    match (dir, matches.get_one::<String>("bootstrap")) {
        // One before the subcommand and one behind it, which clap does not see together.
        (Some(_), Some(_)) => {
            return Err(Stop::Failed(Error::invalid(
                "--dir and --bootstrap exclude each other: a directory or a cluster",
            )));
        }
        (Some(dir), None) => return Ok(Target::Dir(dir.clone())),
        (None, Some(addresses)) => return Ok(Target::Cluster(addresses.clone())),
        (None, None) => {}
    }
    let dir = std::env::var_os(DIR_VARIABLE).map(PathBuf::from);
    let bootstrap = std::env::var(BOOTSTRAP_VARIABLE).ok();
    match (dir, bootstrap.filter(|b| !b.is_empty())) {
        (Some(_), Some(_)) => Err(Stop::Failed(Error::invalid(format!(
            "{DIR_VARIABLE} and {BOOTSTRAP_VARIABLE} are both set: say which with --dir or --bootstrap"
        )))),
        (Some(dir), None) => Ok(Target::Dir(dir)),
        (None, Some(addresses)) => Ok(Target::Cluster(addresses)),
        (None, None) => Ok(Target::Nothing),
    }
}

/// For a command that a cluster has no use for: the environment may name one for the others.
fn directory(matches: &ArgMatches, name: &str, why: &str) -> Result<Target> {
    if matches.get_one::<String>("bootstrap").is_some() {
        return Err(Stop::Failed(Error::invalid(format!(
            "{name} does not work on a cluster: {why}; leave --bootstrap out"
        ))));
    }
    let dir = matches.get_one::<PathBuf>("dir").cloned();
    let dir = dir.or_else(|| std::env::var_os(DIR_VARIABLE).map(PathBuf::from));
    Ok(dir.map_or(Target::Nothing, Target::Dir))
}

/// The whole command line.
pub(super) fn root() -> Command {
    let dir = Arg::new("dir")
        .long("dir")
        .value_name("DIR")
        .global(true)
        .value_parser(value_parser!(PathBuf))
        .help("The data directory; without it the one in the environment variable LEVADA_DIR");
    let bootstrap = Arg::new("bootstrap")
        .long("bootstrap")
        .value_name("HOST:PORT,…")
        .global(true)
        .conflicts_with("dir")
        .help("A cluster instead of a directory: one or more of its brokers, Levada's or Kafka's; without it those in LEVADA_BOOTSTRAP");
    let json = Arg::new("json")
        .long("json")
        .global(true)
        .action(ArgAction::SetTrue)
        .help("Answer in JSON: one document, or a line for each record");
    Command::new("levada")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "A Kafka-compatible streaming engine that you can import: its data directory by hand",
        )
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100)
        .arg(dir)
        .arg(bootstrap)
        .arg(json)
        .subcommands(COMMANDS.iter().map(|row| (row.command)()))
}

/// Help and version were asked for, or the arguments make no command.
fn refuse(error: &clap::Error, json: bool) -> u8 {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if asked || !json {
        // Styled where a terminal is; where nobody reads there is nothing to say.
        let _ = error.print();
    } else {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        output::report(&Error::invalid(message), true);
    }
    let _ = std::io::stdout().flush();
    if asked { 0 } else { 2 }
}
