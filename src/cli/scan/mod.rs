//! `levada scan`: archive and live log as one table.

mod command;
mod rows;
mod write;

pub use command::Scan;
