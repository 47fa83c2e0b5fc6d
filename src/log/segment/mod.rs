//! One segment: a run of batches in a file, and the indexes beside it.

mod growth;
mod indexes;
mod one;

pub(super) use growth::{Growth, Tail};
pub(super) use indexes::{Found, Indexes, Place};
pub(super) use one::Segment;
