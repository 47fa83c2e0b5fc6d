//! The broker over real sockets, spoken to in Kafka's protocol.

mod faults;
mod records;
mod serving;
mod wire;
