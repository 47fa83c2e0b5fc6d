//! Topics, partitions, produce, fetch, groups, metadata, background jobs: what every face calls.

#[cfg(feature = "archive")]
mod archives;
mod counters;
mod durable;
mod engine;
mod group_host;
pub mod groups;
pub mod metadata;
mod open;
mod partition;
mod parts;
mod quorum;
mod settings;
mod table;
mod topics;
pub mod txn;
mod txn_host;
mod upkeep;
mod wait;

#[cfg(feature = "archive")]
pub use archives::Archives;
pub use counters::Counters;
pub use durable::Reply;
pub use engine::{Engine, topic_pattern};
pub use group_host::{COMMIT_TIMEOUT, CommitTicket, GroupReply, Groups, Pulse, Written};
pub use metadata::{ConfigOp, ConfigResource, NewTopic};
pub use open::{EngineBuilder, Recovery};
pub use partition::{KnownEnds, PartitionHandle};
pub use parts::{ColdStores, NoColdStores, Parts};
pub use quorum::{LocalQuorum, Quorum};
pub use settings::{Alteration, BrokerLayers};
pub use table::TopicHandle;
pub use txn_host::{OffsetsRequest, Transactions};
pub use upkeep::{Job, JobReport, MoveOut, Upkeep};
pub use wait::{OnSignal, Signal, WaiterId, Wake};
