//! Settings: one table of keys, values checked against it, and the typed settings made of them.

mod broker;
mod client;
mod duration;
mod keys;
mod names;
mod reference;
mod resolve;
mod server;
mod suggest;
mod topic;
mod value;

pub use broker::{Assignor, BrokerConfig};
pub use client::{Acks, ConsumerConfig, OffsetReset, ProducerConfig};
pub use duration::{parse_duration_ms, parse_iso_duration_ms, parse_size_bytes};
pub use keys::{Effect, Key, Scope, Synonym, Type, Unit, Valid, find, keys};
pub use names::{
    CLUSTER_METADATA, CONSUMER_OFFSETS, TOPIC_NAME_CHARS_MAX, TRANSACTION_STATE, check_topic_name,
    is_internal_topic, names_collide,
};
pub use reference::reference;
pub use resolve::{Entry, Overrides, Source, check, effective};
pub use server::{ListenAddress, ServerConfig};
pub use suggest::suggest;
pub use topic::{Cleanup, Durability, TimestampType, TopicConfig};
pub use value::{Value, allowed, parse};
