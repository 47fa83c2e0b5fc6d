//! The command line: one file a subcommand and one row a subcommand in `commands`.

mod archive;
mod backend;
mod base64;
mod bench;
mod check;
mod commands;
mod completions;
mod consume;
mod context;
mod dump;
mod group;
mod human;
mod import;
mod input;
mod names;
mod output;
mod position;
mod produce;
mod progress;
mod record_json;
mod reference;
mod run;
mod scan;
mod serve;
mod stop;
mod summary;
mod time;
mod topic;

pub use reference::reference;
pub use run::{main, run};
