//! Opening a partition's directory: what is there, what of it is sound, what must be made anew.

mod cut;
mod files;
mod load;
mod rebuild;
mod resync;
mod start;
mod tail;
mod unclean;

pub(super) use cut::cut;
pub(super) use load::{Loaded, load};
pub(super) use rebuild::{rebuild_indexes, rebuild_txn_index};
