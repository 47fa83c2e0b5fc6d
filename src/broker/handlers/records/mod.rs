//! Records in and out.

pub(super) mod fetch;
mod in_transaction;
pub(super) mod list_offsets;
pub(super) mod produce;
