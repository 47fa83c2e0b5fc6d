//! A member of a consumer group: what it wants, what it holds, and how far its change has come.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::partitions::Held;
use super::records::{CurrentAssignment, MemberMetadata};

/// The epoch with which a member leaves.
pub const LEAVE_EPOCH: i32 = -1;
/// The epoch with which a static member leaves for a while: its partitions wait for its return.
pub const STATIC_LEAVE_EPOCH: i32 = -2;

/// A fresh member id, as KIP-848 wants it: a random UUID in Kafka's text form.
///
/// The only random thing about groups, and it stands outside the state machine: whoever asks on
/// behalf of a member without an id calls this first.
pub fn new_member_id() -> String {
    crate::types::TopicId::random().to_string()
}

/// How far a member's assignment has come towards its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It holds its target.
    #[default]
    Stable,
    /// It must give up partitions first.
    UnrevokedPartitions,
    /// It waits for partitions that others still hold.
    UnreleasedPartitions,
    /// Written by a newer version; it must join anew.
    Unknown,
}

impl MemberState {
    pub const fn number(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown => 127,
        }
    }

    pub const fn from_number(number: i8) -> MemberState {
        match number {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Unknown,
        }
    }
}

/// One member. Built only by replaying its two records: metadata and current assignment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    pub metadata: MemberMetadata,
    pub current: CurrentAssignment,
}

impl Member {
    pub fn instance_id(&self) -> Option<&Arc<str>> {
        self.metadata.instance_id.as_ref()
    }

    pub fn epoch(&self) -> i32 {
        self.current.epoch
    }

    pub fn topics(&self) -> &BTreeSet<Arc<str>> {
        &self.metadata.topics
    }

    /// The regular expression, `None` also for Kafka's empty one.
    pub fn regex(&self) -> Option<&Arc<str>> {
        self.metadata.regex.as_ref().filter(|r| !r.is_empty())
    }

    pub fn assigned(&self) -> &Held {
        &self.current.assigned
    }

    pub fn pending_revocation(&self) -> &Held {
        &self.current.pending_revocation
    }

    /// Whether the member has arrived at the target of `epoch`.
    pub fn is_reconciled_to(&self, epoch: i32) -> bool {
        self.current.state == MemberState::Stable && self.current.epoch == epoch
    }

    /// Whether it is a static member that left for a while.
    pub fn is_away(&self) -> bool {
        self.current.epoch == STATIC_LEAVE_EPOCH
    }
}
