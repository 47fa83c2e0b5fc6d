//! The broker over real sockets, spoken to in Kafka's protocol.

mod records;
mod serving;
mod transactions;
mod wire;
