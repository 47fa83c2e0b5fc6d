//! A disk in memory: as it is, the ground of `:memory:` databases; with [`Faults`], a disk that
//! fails, fills up and loses what was not synced, by seed.
//!
//! | file | holds |
//! |---|---|
//! | `memory` | [`FaultyDisk`], its open files, the handle that tests turn |
//! | `tree`, `node`, `content` | names, files, bytes |
//! | `pending`, `names` | what is not synced yet, of a file and of directories, and what a power loss leaves of it |
//! | `faults`, `random` | which call fails, how full the disk is; the seeded numbers behind both |

mod content;
mod faults;
mod memory;
mod names;
mod node;
mod pending;
mod random;
#[cfg(test)]
mod tests;
mod tree;

pub use faults::{Fault, Faults};
pub use memory::FaultyDisk;
