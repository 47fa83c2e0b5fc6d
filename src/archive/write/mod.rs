//! Sealed segments to one Parquet file.

mod encode;
mod file;
mod plan;
mod rows;
mod sums;

pub(crate) use file::{WriteRequest, write_file};
pub use plan::Segment;
pub(crate) use plan::{Plan, missing};
