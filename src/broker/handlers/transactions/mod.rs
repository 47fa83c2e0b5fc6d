//! Idempotent and transactional producers.

pub(super) mod add_offsets;
pub(super) mod add_partitions;
mod asked;
pub(super) mod describe_producers;
pub(super) mod describe_transactions;
pub(super) mod end_txn;
pub(super) mod init_producer_id;
pub(super) mod list_transactions;
pub(super) mod txn_offset_commit;
pub(super) mod write_txn_markers;

pub(super) use asked::Asked;
