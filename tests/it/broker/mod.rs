//! The broker over real sockets, spoken to in Kafka's protocol.

mod child;
mod hostile;
mod hostile_batches;
mod records;
mod serving;
mod wire;
