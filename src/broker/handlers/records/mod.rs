//! Records in and out.

pub(super) mod fetch;
mod in_transaction;
pub(super) mod list_offsets;
pub(super) mod offset_for_leader_epoch;
pub(super) mod produce;
