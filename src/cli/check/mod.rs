//! `levada check`: reads every file of a data directory, changes none, and says what is wrong where.

mod archive;
mod command;
mod data_dir;
mod files;
mod indexes;
mod partition;
mod repair;
mod report;
mod segment;

pub use command::Check;
