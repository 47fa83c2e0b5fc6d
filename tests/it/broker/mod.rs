//! The broker over real sockets, spoken to in Kafka's protocol.

mod operations;
mod records;
mod serving;
mod wire;
