//! Who decides how far consumers may read.

use std::fmt::Debug;

use crate::config::Durability;
use crate::log::Ends;
use crate::types::Offset;

/// Decides the visible end of a partition from what is known of its copies.
///
/// Promise: never above the appended end, never back.
pub trait Quorum: Send + Sync + Debug {
    /// Where the visible end may move to.
    fn visible(&self, ends: &Ends, durability: Durability) -> Offset;
    /// Whether an append must be followed by a sync before it becomes visible.
    fn needs_sync(&self, durability: Durability) -> bool;
}

/// One copy, here: durable records are visible, or appended ones where the topic says `cache`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalQuorum;

impl Quorum for LocalQuorum {
    fn visible(&self, ends: &Ends, durability: Durability) -> Offset {
        match durability {
            Durability::Disk => ends.durable.min(ends.appended),
            Durability::Cache => ends.appended,
        }
    }

    fn needs_sync(&self, durability: Durability) -> bool {
        durability == Durability::Disk
    }
}
