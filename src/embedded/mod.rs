//! The Rust API that users import: a database of topics, producers, consumers, scans.

#[cfg(feature = "archive")]
pub mod arrow;
pub mod consumer;
mod database;
pub mod producer;
#[cfg(feature = "archive")]
mod scan;

pub use consumer::{
    Consumer, ConsumerOptions, GroupMetadata, Handed, OnRebalance, PolledBatch, Raw, Rebalance,
    SeekTo, Start,
};
pub use database::{Database, MEMORY, OpenOptions};
pub use producer::{
    Acks, Bulk, Delivery, Flush, Message, OnDelivered, Producer, ProducerOptions, RecordMetadata,
    Sent, TopicWriter,
};
#[cfg(feature = "archive")]
pub use scan::{Bound, Scan, ScanOptions};

// What the methods above take and give, so that users need no layer below this one.
pub use crate::disk::{Birth, Fork};
pub use crate::engine::groups::OffsetCommit;
pub use crate::engine::{
    COMMIT_TIMEOUT, CommitTicket, ConfigOp, Job, JobReport, MoveOut, NewTopic, TopicHandle,
};
pub use crate::record::RecordView;
