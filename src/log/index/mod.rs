//! The three indexes beside a segment, in Kafka's file formats: offset to position, time to offset,
//! and aborted transactions. All are derived: after an unclean stop they are made anew from the log.

mod offset;
mod table;
mod time;
mod txn;

pub use offset::OffsetIndex;
pub use time::TimeIndex;
pub use txn::{TxnIndex, TxnSearch};

#[cfg(test)]
mod tests;
