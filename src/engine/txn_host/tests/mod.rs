//! Transactions over a whole engine, on a disk in memory.
