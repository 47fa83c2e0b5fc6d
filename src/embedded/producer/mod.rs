//! The producer: records gather in one batch a partition and are appended by size, by `linger.ms`
//! or by flush.

mod ack;
mod budget;
mod bulk;
mod delivery;
mod ending;
mod failures;
mod flush;
mod lane;
mod later;
mod options;
mod producer;
mod sender;
mod split;
mod topic;
mod transaction;

#[cfg(test)]
mod tests;

pub use crate::record::{murmur2, partition_for_key};
pub use bulk::Bulk;
pub use delivery::{Delivery, OnDelivered, RecordMetadata};
pub use flush::Flush;
pub use options::{Acks, ProducerOptions};
pub use producer::{Message, Producer, Sent};
pub use topic::TopicWriter;
