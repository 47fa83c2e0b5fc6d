//! The transaction coordinator's effects: its records in `__transaction_state`, the markers that end
//! transactions, its clock.
//!
//! Which thread does what: a request is decided and appended on its caller's thread (a page-cache write)
//! and answered on the thread that finds it durable, mostly one of the flusher's. The thread
//! `levada-txn`, started by the first request and at open where there is something to carry on, writes
//! markers once a decision is durable, completes transactions whose markers are durable, aborts those
//! whose time is over, and does what would make a caller wait: loading, making topics, new producer ids.
//! It sleeps until somebody has work for it or something is due.

mod adding;
mod blocking;
mod ending;
mod host;
mod marker;
mod offsets;
mod queue;
mod requests;
mod store;
mod worker;

pub use host::Transactions;
pub use offsets::OffsetsRequest;
