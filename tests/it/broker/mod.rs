//! The broker over real sockets, spoken to in Kafka's protocol.

mod groups;
mod offsets;
mod records;
mod serving;
mod wire;
