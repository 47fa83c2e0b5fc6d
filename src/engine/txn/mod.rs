//! The transaction coordinator: which producer writes under a transactional id, what its transaction
//! holds, and how it ends.
//!
//! Pure: no clock, disk, socket or thread. A request becomes a [`Plan`] (a record and an answer); the
//! engine appends the record to the id's partition of `__transaction_state` and hands the plan to
//! [`Coordinator::apply`], which changes the state by the same function that replays the log at start.
//!
//! Protocol: KIP-98 (transactions), KIP-360 (a producer goes on after an error), KIP-890 (version 2:
//! the epoch grows with each end, so nothing late touches a newer transaction). Format: Kafka's own
//! record. Left out: KIP-939 (two-phase commit with an outside coordinator), which is refused.

mod add;
mod coordinator;
mod end;
mod init;
mod list;
mod plan;
mod records;
mod requests;
mod state;
mod timeouts;
mod transaction;

#[cfg(test)]
mod tests;

pub use coordinator::{Coordinator, Replayed, TxnSettings};
pub use init::Decided;
pub use list::{TransactionDescription, TransactionFilter, TransactionListing};
pub use plan::Plan;
pub use requests::{AddRequest, ClientVersion, EndRequest, InitRequest, ProducerIdentity};
pub use requests::{TxnApi, answered_code};
pub use state::TxnState;
pub use transaction::{Transaction, state_partition};
