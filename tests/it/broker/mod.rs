//! The broker over real sockets, spoken to in Kafka's protocol.

mod child;
mod hostile;
mod hostile_batches;
mod groups;
mod offsets;
mod admin;
mod records;
mod serving;
mod transactions;
mod wire;
