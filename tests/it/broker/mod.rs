//! The broker over real sockets, spoken to in Kafka's protocol.

mod consumer_groups;
mod groups;
mod members;
mod offsets;
mod records;
mod serving;
mod wire;
