//! How far groups have read.

mod commit;
mod committed;
mod fetch;
mod pending;
mod remove;
mod store;

pub use committed::{Committed, OffsetCommit, OffsetOutcome};
pub use pending::PendingOffsets;
pub use remove::tombstone;
pub use store::GroupOffsets;
