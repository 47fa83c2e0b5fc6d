//! The group coordinator: who is in a consumer group, who reads which partition, and how far.
//!
//! Pure: no clock, disk, socket or thread. A request becomes a [`Plan`] (records and an answer);
//! the engine appends the records to the group's partition of `__consumer_offsets` and hands the
//! plan to [`Coordinator::apply`], which changes the state by the same function that replays the
//! log at start. So what runs and what a restart rebuilds are equal by construction.
//!
//! Protocol: KIP-848 (consumer groups), with KIP-1251 (older commits of partitions still held),
//! and the classic one (JoinGroup and what goes with it, in [`classic`]).
//! Format: Kafka's own records. Left out so far: share and streams groups (skipped, kept in the
//! log).

mod admin;
mod assignor;
mod classic;
mod coordinator;
mod expire;
mod group;
mod guests;
mod heartbeat;
mod join;
mod leave;
mod member;
mod offsets;
mod partitions;
mod plan;
mod reconcile;
mod records;
mod requests;
mod settings;
mod subscription;
mod target;
mod timers;
mod topics;

#[cfg(test)]
mod model;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use admin::{GroupDescription, GroupListing, MemberDescription};
pub use classic::{
    ClassicDescription, ClassicHeartbeat, ClassicLeave, ClassicMemberDescription, Delivery,
    JoinAnswer, JoinRequest, JoinedMember, Leaver, LeaverOutcome, SyncAnswer, SyncRequest, Waited,
    WaiterToken,
};
pub use coordinator::{Coordinator, Replayed};
pub use expire::Evicted;
pub use group::{GroupState, GroupType};
pub use member::{MemberState, new_member_id};
pub use offsets::{Committed, OffsetCommit, OffsetOutcome};
pub use partitions::{Assignment, offsets_partition};
pub use plan::{Now, Plan, RecordBytes};
pub use requests::{
    CommitRequest, FetchAs, Heartbeat, HeartbeatAnswer, LeaveRequest, TransactionalCommit,
};
pub use settings::{AssignorKind, ClassicSettings, GroupSettings, MigrationPolicy};
pub use topics::{TopicInfo, TopicsView};
