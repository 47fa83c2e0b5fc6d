//! What callers ask, in the coordinator's own words; the broker's messages and the in-process
//! consumer are both turned into these.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::offsets::OffsetCommit;
use super::partitions::Assignment;
use super::settings::AssignorKind;
use crate::types::{ProducerEpoch, ProducerId};

/// ConsumerGroupHeartbeat (KIP-848). `None` means "as before"; a member joins with epoch 0, all
/// wishes named and no partitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heartbeat {
    pub group: Arc<str>,
    /// Never empty: see [`super::new_member_id`].
    pub member: Arc<str>,
    /// 0 joins, -1 leaves, -2 leaves for a while (static members).
    pub epoch: i32,
    pub instance_id: Option<Arc<str>>,
    pub rack_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub rebalance_timeout: Option<Duration>,
    pub topics: Option<BTreeSet<Arc<str>>>,
    /// A regular expression over whole topic names; empty to give one up.
    pub regex: Option<Arc<str>>,
    pub assignor: Option<AssignorKind>,
    /// What the member holds now.
    pub owned: Option<Assignment>,
}

impl Heartbeat {
    /// A plain heartbeat of a member that changed nothing.
    pub fn of(group: impl Into<Arc<str>>, member: impl Into<Arc<str>>, epoch: i32) -> Heartbeat {
        Heartbeat {
            group: group.into(),
            member: member.into(),
            epoch,
            ..Heartbeat::default()
        }
    }

    /// A joining member: `topics` wanted, nothing held.
    pub fn join(
        group: impl Into<Arc<str>>,
        member: impl Into<Arc<str>>,
        topics: &[&str],
        rebalance_timeout: Duration,
    ) -> Heartbeat {
        Heartbeat {
            rebalance_timeout: Some(rebalance_timeout),
            topics: Some(topics.iter().map(|t| Arc::from(*t)).collect()),
            owned: Some(Assignment::new()),
            ..Heartbeat::of(group, member, 0)
        }
    }

    /// Whether the member said everything, and so wants to hear everything.
    pub(super) fn is_full(&self) -> bool {
        let wishes = self.topics.is_some() || self.regex.is_some();
        self.epoch == 0 || (self.rebalance_timeout.is_some() && wishes && self.owned.is_some())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct HeartbeatAnswer {
    pub member: Arc<str>,
    /// The epoch to heartbeat and commit with from now on.
    pub epoch: i32,
    pub heartbeat_interval: Duration,
    /// What the member should hold now: give up what is not in it, take what is new. `None`: as
    /// before.
    pub assignment: Option<Assignment>,
}

/// A member that goes, named by itself or by an administrator.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaveRequest {
    pub group: Arc<str>,
    pub member: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    /// It comes back under its instance id: keep its partitions until the session ends.
    pub for_a_while: bool,
}

/// OffsetCommit.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitRequest {
    pub group: Arc<str>,
    /// Empty for a reader outside group management.
    pub member: Arc<str>,
    pub instance_id: Option<Arc<str>>,
    /// The member's epoch; -1 for a reader outside group management.
    pub epoch: i32,
    pub offsets: Vec<OffsetCommit>,
}

/// TxnOffsetCommit: the offsets count once the producer's transaction commits (KIP-447).
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionalCommit {
    pub commit: CommitRequest,
    pub producer: ProducerId,
    pub producer_epoch: ProducerEpoch,
}

/// On whose behalf offsets are fetched.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FetchAs {
    /// An administrator, or a reader outside group management.
    #[default]
    Anyone,
    Member {
        id: Arc<str>,
        epoch: i32,
    },
}
