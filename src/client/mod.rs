//! A small blocking client of Kafka's protocol, for the command line: one call at a time, one
//! connection a broker. No engine below it: it speaks to any Kafka cluster.

mod admin;
mod cluster;
mod configs;
mod connection;
mod errors;
mod fetch;
mod groups;
mod member;
mod metadata;
mod offsets;
mod options;
mod producer;
mod retry;
mod sender;
#[cfg(test)]
mod tests;

pub use admin::{Created, NewTopic};
pub use cluster::Cluster;
pub use configs::{Change, Setting, SettingSource};
pub use fetch::{Fetcher, Polled};
pub use groups::{Committed, Group, GroupMember, ListedGroup};
pub use member::Member;
pub use metadata::{Topic, TopicPart};
pub use offsets::{At, Found};
pub use options::{Address, Options};
pub use producer::{Outgoing, Producer, ProducerOptions};
