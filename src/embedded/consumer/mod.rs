//! The consumer: partitions assigned by hand or by a group, positions, polling, commits.

mod ahead;
mod assign;
mod assigned;
mod commit;
mod consumer;
mod decode;
mod listener;
mod options;
mod poll;
mod position;
mod rebalance;
mod start;
mod wishes;

pub use ahead::Handed;
#[cfg(feature = "archive")]
pub(super) use assigned::end_for;
pub use commit::GroupMetadata;
pub use consumer::Consumer;
pub use decode::{PolledBatch, Raw};
pub use listener::{OnRebalance, Rebalance};
pub use options::{ConsumerOptions, Start};
pub use start::SeekTo;
