//! From arguments to exit status.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, value_parser};

use super::commands::COMMANDS;
use super::context::Context;
use super::output;
use super::stop::Stop;
use crate::error::Error;

/// The environment variable that names the data directory when `--dir` does not.
pub const DIR_VARIABLE: &str = "LEVADA_DIR";

const EXAMPLES: &str = "\
Examples:
  levada --dir data topic create orders --partitions 4
  seq 1000 | levada --dir data produce orders
  levada --dir data consume orders --from earliest --max 10
  levada --dir data --json topic list

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
    let dir = matches.get_one::<PathBuf>("dir").cloned();
    let context = Context::new(
        dir.or_else(|| std::env::var_os(DIR_VARIABLE).map(PathBuf::from)),
        matches.get_flag("json"),
    );
    let outcome = match matches.subcommand() {
        Some((name, matches)) => {
            let row = COMMANDS
                .iter()
                .find(|row| (row.command)().get_name() == name);
            row.map_or(Ok(()), |row| (row.run)(&context, matches))
        }
        None => Ok(()),
    };
    match outcome {
        Ok(()) | Err(Stop::NobodyReads) => 0,
        Err(Stop::Failed(error)) => {
            output::report(&error, context.json());
            error.kind().exit_status()
        }
    }
}

/// The whole command line.
pub(super) fn root() -> Command {
    let dir = Arg::new("dir")
        .long("dir")
        .value_name("DIR")
        .global(true)
        .value_parser(value_parser!(PathBuf))
        .help("The data directory; without it the one in the environment variable LEVADA_DIR");
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
