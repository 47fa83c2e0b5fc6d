//! The broker over real sockets, spoken to in Kafka's protocol.

mod faults;
mod list_offsets;
mod records;
mod serving;
mod wire;
