//! What a partition knows of its producers: sequences for idempotence, open transactions, and the
//! last stable offset that follows from them.

mod check;
mod entry;
mod marker;
mod snapshot;
mod state;

#[cfg(test)]
mod tests;

pub use check::Verdict;
pub use entry::{BatchMeta, ProducerEntry};
pub use marker::Marker;
pub use snapshot::{list_snapshots, parse_snapshot_name, snapshot_path};
pub use state::{Completed, LastRecord, ProducerStates};
