//! The broker over real sockets, spoken to in Kafka's protocol.

mod admin;
mod records;
mod serving;
mod wire;
