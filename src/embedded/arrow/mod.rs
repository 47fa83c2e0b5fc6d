//! Records as Arrow, out and in: what every binding shares, whatever its language.

mod cells;
mod headers;
mod plain;
mod polled;
mod reader;
mod rows;
mod send;

#[cfg(test)]
mod tests;

pub use cells::Cells;
pub use polled::record_batches;
pub use reader::ScanReader;
pub use rows::{Reached, Rows};
pub use send::source_error;
