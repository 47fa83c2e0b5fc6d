//! `levada import`: a table becomes records.

mod command;
mod csv;
mod jsonl;
mod parquet;
mod row;

pub use command::Import;
