//! The records of `__transaction_state`, in Kafka's format: the key is the transactional id, the value
//! the whole state of it behind its version. A value of nothing (a tombstone) takes the id away.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use encode::{key, value};
