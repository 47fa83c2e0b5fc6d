//! The broker over real sockets, spoken to in Kafka's protocol.

pub mod operations;
mod records;
mod serving;
pub mod wire;
