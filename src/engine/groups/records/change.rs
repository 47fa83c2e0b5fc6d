//! What a record says, as a value.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::groups::member::MemberState;
use crate::engine::groups::offsets::Committed;
use crate::engine::groups::partitions::{Assignment, Held};
use crate::types::Timestamp;

/// Kafka's numbers of the record kinds: the version at the start of a key.
/// Source: `CoordinatorRecordType` and the key definitions in its group coordinator.
pub mod kind {
    pub const OFFSET_COMMIT_LEGACY: i16 = 0;
    pub const OFFSET_COMMIT: i16 = 1;
    pub const CLASSIC_GROUP: i16 = 2;
    pub const CONSUMER_GROUP: i16 = 3;
    pub const PARTITION_METADATA: i16 = 4;
    pub const MEMBER_METADATA: i16 = 5;
    pub const TARGET_METADATA: i16 = 6;
    pub const TARGET_MEMBER: i16 = 7;
    pub const CURRENT_ASSIGNMENT: i16 = 8;
    pub const REGULAR_EXPRESSION: i16 = 16;
}

/// What happens to one group, as one record says it. `None` is the tombstone.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub group: Arc<str>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Offset {
        topic: Arc<str>,
        partition: i32,
        value: Option<Committed>,
    },
    Classic(Option<ClassicValue>),
    Group(Option<GroupMetadata>),
    /// Before Kafka 4.1; its content is not used any more, and no more written.
    PartitionMetadata,
    Member {
        member: Arc<str>,
        value: Option<MemberMetadata>,
    },
    Target(Option<TargetMetadata>),
    TargetMember {
        member: Arc<str>,
        value: Option<Assignment>,
    },
    Current {
        member: Arc<str>,
        value: Option<CurrentAssignment>,
    },
    Regex {
        regex: Arc<str>,
        value: Option<ResolvedRegex>,
    },
}

/// A group of the classic protocol as it was when its last rebalance ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicValue {
    /// Empty before the first member came, and for groups of offsets alone.
    pub protocol_type: Arc<str>,
    pub generation: i32,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<Arc<str>>,
    /// Since when it is in this state; [`Timestamp::NONE`] where an older record does not say.
    pub since: Timestamp,
    pub members: Vec<ClassicMemberValue>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicMemberValue {
    pub id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    /// What it said about the protocol that was chosen.
    pub subscription: Arc<[u8]>,
    pub assignment: Arc<[u8]>,
}

/// What a member of the classic protocol inside a consumer group said when it joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicMemberMetadata {
    pub session_timeout_ms: i32,
    /// Names with their subscriptions, the preferred one first.
    pub protocols: Vec<(Arc<str>, Arc<[u8]>)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupMetadata {
    pub epoch: i32,
    /// Changes when the topics that the group reads change (KIP-1101). The number itself is this
    /// implementation's own: Kafka opening our log would see another and rebalance once.
    pub hash: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MemberMetadata {
    pub instance_id: Option<Arc<str>>,
    pub rack_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub topics: BTreeSet<Arc<str>>,
    pub regex: Option<Arc<str>>,
    pub rebalance_timeout_ms: i32,
    pub assignor: Option<Arc<str>>,
    /// Of a member that speaks the classic protocol.
    pub classic: Option<ClassicMemberMetadata>,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        MemberMetadata {
            instance_id: None,
            rack_id: None,
            client_id: Arc::from(""),
            client_host: Arc::from(""),
            topics: BTreeSet::new(),
            regex: None,
            rebalance_timeout_ms: -1,
            assignor: None,
            classic: None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetMetadata {
    pub epoch: i32,
    /// When it was computed (KIP-1263); 0 when an older record does not say.
    pub computed_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurrentAssignment {
    pub epoch: i32,
    /// A member that did not hear of its new epoch comes again with this one.
    pub previous_epoch: i32,
    pub state: MemberState,
    pub assigned: Held,
    pub pending_revocation: Held,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedRegex {
    pub topics: BTreeSet<Arc<str>>,
    /// The version of the topic metadata against which it was resolved.
    pub version: i64,
    pub resolved_at: Timestamp,
}
