//! The consumer: partitions assigned by hand or by a group, positions, polling, commits.

mod assigned;
mod commit;
mod consumer;
mod decode;
mod options;
mod poll;
mod position;
mod rebalance;

#[cfg(feature = "archive")]
pub(super) use assigned::end_for;
pub use commit::GroupMetadata;
pub use consumer::Consumer;
pub use decode::{PolledBatch, Raw};
pub use options::{ConsumerOptions, Start};
