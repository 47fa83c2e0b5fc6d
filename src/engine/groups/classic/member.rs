//! A member of a classic group.

use std::sync::Arc;
use std::time::Duration;

use super::requests::{JoinRequest, Protocol, WaiterToken};

#[derive(Clone, Debug, PartialEq)]
pub struct ClassicMember {
    pub instance_id: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
    /// The preferred one first; never empty.
    pub protocols: Arc<[Protocol]>,
    /// Empty until a leader has shared out.
    pub assignment: Arc<[u8]>,
    /// Its JoinGroup, while it waits for the others.
    pub joining: Option<WaiterToken>,
    /// Its SyncGroup, while it waits for the leader's.
    pub syncing: Option<WaiterToken>,
    /// Its first JoinGroup is not answered yet.
    pub is_new: bool,
    /// It was told a generation and has not come for its assignment.
    pub must_sync: bool,
}

impl ClassicMember {
    pub fn of(request: &JoinRequest, token: WaiterToken) -> ClassicMember {
        ClassicMember {
            instance_id: request.instance_id.clone(),
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols.as_slice().into(),
            assignment: Arc::from([]),
            joining: Some(token),
            syncing: None,
            is_new: true,
            must_sync: false,
        }
    }

    /// What it said about a protocol; nothing when it does not know it.
    pub fn subscription(&self, protocol: &str) -> Arc<[u8]> {
        let mut all = self.protocols.iter();
        let found = all.find(|(name, _)| name.as_ref() == protocol);
        found.map_or_else(|| Arc::from([]), |(_, subscription)| subscription.clone())
    }

    /// Whether it is static: it keeps its place while it is away (KIP-345).
    pub fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    /// Whether it waits for an answer of ours and so cannot be silent.
    pub fn waits(&self) -> bool {
        self.joining.is_some() || self.syncing.is_some()
    }
}
