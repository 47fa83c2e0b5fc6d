//! The producer: records gather in one batch a partition and are appended by size, by `linger.ms`
//! or by flush.

mod ack;
mod budget;
mod bulk;
mod delivery;
mod ending;
mod failures;
mod lane;
mod options;
mod partitioner;
mod producer;
mod sender;
mod topic;
mod transaction;

pub use bulk::Bulk;
pub use delivery::{Delivery, RecordMetadata};
pub use options::{Acks, ProducerOptions};
pub use partitioner::{murmur2, partition_for_key};
pub use producer::{Message, Producer, Sent};
pub use topic::TopicWriter;
