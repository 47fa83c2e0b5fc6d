//! Compaction: the last value of each key stays (KIP-58, KIP-280's offset strategy, KIP-534).
//!
//! One run: [`plan`] chooses what is dirty enough; a [`Cleaner`] reads the dirty part into a bounded
//! map from key to last offset and then writes the segments anew, a group at a time; the partition
//! swaps each group in with [`swap_in`]. A crash between leaves what [`finish_swaps`] completes or
//! undoes at the next open.

mod clean;
mod filter;
mod keymap;
mod output;
mod plan;
mod swap;
mod txns;

#[cfg(test)]
mod tests;

pub use clean::{CleanedGroup, Cleaner, Job};
pub use plan::{Plan, Situation, Source, plan};
pub use swap::{discard, finish_swaps, swap_in};
