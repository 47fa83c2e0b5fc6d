//! Groups of the classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.
//!
//! Members say what they read, one of them (the leader) shares out, and the coordinator only keeps
//! everybody in step. KIPs: 345 (static members), 394 (ids are given before joining), 559 (protocol
//! named in SyncGroup), 814 (a leader that came back need not share out again).
//!
//! JoinGroup and SyncGroup are answered later. A request carries a [`WaiterToken`] of the caller's;
//! each token is answered exactly once, by a [`Delivery`] of this plan or of a later one.
//!
//! What is logged is what Kafka logs: a group when its leader has shared out, when a static member
//! changed its id, and when it became empty. A rebalance that runs is not; after a restart the group
//! is as it was before.

mod admin;
mod alarms;
pub mod blobs;
mod commits;
mod draft;
mod expire;
mod group;
mod heartbeat;
mod join;
mod leave;
mod member;
mod rebalance;
mod requests;
mod seats;
mod stored;
mod sync;

#[cfg(test)]
mod model;
#[cfg(test)]
mod offset_tests;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use admin::{ClassicDescription, ClassicMemberDescription};
pub use alarms::{Alarm, AlarmChange, Alarms};
pub use draft::{Draft, rebalancing};
pub use group::{CONSUMER, ClassicGroup};
pub use join::fresh_id;
pub use member::ClassicMember;
pub use rebalance::start;
pub use requests::{
    ClassicHeartbeat, ClassicLeave, Delivery, JoinAnswer, JoinRequest, JoinedMember, Leaver,
    LeaverOutcome, SyncAnswer, SyncRequest, Waited, WaiterToken,
};
pub use seats::fenced;
