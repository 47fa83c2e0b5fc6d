//! The broker over real sockets, spoken to in Kafka's protocol.

mod admin;
mod child;
mod faults;
mod groups;
mod hostile;
mod hostile_batches;
mod list_offsets;
mod offsets;
pub mod operations;
mod records;
mod serving;
mod transactions;
pub mod wire;
