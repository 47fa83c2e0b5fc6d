//! What members of the classic protocol ask, and what they hear.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};

/// Names a request that is answered later. The caller chooses it and never uses it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterToken(pub u64);

/// An answer that is due now.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub token: WaiterToken,
    pub answer: Waited,
}

#[derive(Clone, Debug)]
pub enum Waited {
    Join(JoinAnswer),
    Sync(Result<SyncAnswer>),
}

/// Name and subscription of an assignor that a member can work with.
pub type Protocol = (Arc<str>, Arc<[u8]>);

/// JoinGroup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinRequest {
    pub group: Arc<str>,
    /// Empty for a member that has no id yet.
    pub member: Arc<str>,
    /// Unique text from which such a member's id is made: see [`crate::engine::groups::new_member_id`].
    pub fresh: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub session_timeout: Duration,
    /// How long the member may take to join again. Version 0 has none: its session timeout.
    pub rebalance_timeout: Duration,
    pub protocol_type: Arc<str>,
    /// The preferred one first.
    pub protocols: Vec<Protocol>,
    /// A member without an id is told one first, and comes again with it (KIP-394, from version 4).
    pub needs_id_first: bool,
    /// The client understands `skip_assignment` (KIP-814, from version 9).
    pub may_skip_assignment: bool,
}

#[derive(Clone, Debug, Default)]
pub struct JoinAnswer {
    /// `MemberIdRequired` comes with the id to join with.
    pub error: Option<Error>,
    pub member: Arc<str>,
    /// -1 with an error.
    pub generation: i32,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub leader: Arc<str>,
    /// To a leader that came back: the others have their assignments.
    pub skip_assignment: bool,
    /// To the leader: everybody, to share out among.
    pub members: Vec<JoinedMember>,
}

impl JoinAnswer {
    pub fn refusing(error: Error, member: Arc<str>) -> JoinAnswer {
        JoinAnswer {
            error: Some(error),
            member,
            generation: -1,
            ..JoinAnswer::default()
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct JoinedMember {
    pub id: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub subscription: Arc<[u8]>,
}

/// SyncGroup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncRequest {
    pub group: Arc<str>,
    pub member: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub generation: i32,
    /// From version 5; must then be the group's.
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    /// The leader's, by member.
    pub assignments: BTreeMap<Arc<str>, Arc<[u8]>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SyncAnswer {
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub assignment: Arc<[u8]>,
}

/// Heartbeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicHeartbeat {
    pub group: Arc<str>,
    pub member: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    pub generation: i32,
}

/// LeaveGroup; before version 3 of one member, without an instance id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicLeave {
    pub group: Arc<str>,
    pub members: Vec<Leaver>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leaver {
    /// Empty when an administrator removes an instance, whoever it is.
    pub member: Arc<str>,
    pub instance_id: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub struct LeaverOutcome {
    pub leaver: Leaver,
    pub result: Result<()>,
}
