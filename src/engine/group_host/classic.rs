//! The classic protocol as the broker calls it. No call blocks longer than an append to the page
//! cache takes; JoinGroup and SyncGroup are answered through a [`GroupReply`].
//!
//! Answers do not wait until the group's record is durable. What a power cut takes away with it is
//! taken from everybody: members with a generation that the log does not know are refused and join
//! again, and no later commit can be durable without it, as it lies behind it in the same partition.

use super::host::Groups;
use super::waiting::{GroupReply, Waiter, refuse_all};
use crate::engine::groups::{
    ClassicDescription, ClassicHeartbeat, ClassicLeave, Coordinator, JoinAnswer, JoinRequest,
    LeaverOutcome, Now, Plan, SyncAnswer, SyncRequest, TopicsView, WaiterToken, new_member_id,
};
use crate::error::{Error, Result};

impl Groups {
    /// JoinGroup. `reply` is called once: at once, when the rebalance ends, or when the engine
    /// closes. Where the request has no `fresh` text for a new member's id, it gets one.
    pub fn join(&self, mut request: JoinRequest, reply: GroupReply<JoinAnswer>) {
        if request.fresh.is_empty() {
            request.fresh = new_member_id().into();
        }
        self.answer_later(Waiter::Join(reply), |coordinator, token, topics, now| {
            coordinator.join(&request, token, topics, now)
        });
    }

    /// SyncGroup. `reply` is called once, as that of [`Groups::join`].
    pub fn sync(&self, request: &SyncRequest, reply: GroupReply<Result<SyncAnswer>>) {
        self.answer_later(Waiter::Sync(reply), |coordinator, token, topics, now| {
            coordinator.sync(request, token, topics, now)
        });
    }

    /// Heartbeat of the classic protocol.
    ///
    /// Errors: `RebalanceInProgress` (join again), `IllegalGeneration`, `UnknownMemberId`,
    /// `FencedInstanceId`, `InvalidGroupId`.
    pub fn heartbeat_classic(&self, request: &ClassicHeartbeat) -> Result<()> {
        let decided =
            self.decide(|coordinator, _, now| coordinator.heartbeat_classic(request, now));
        decided.and_then(|(answer, _)| answer)
    }

    /// LeaveGroup; each member has an outcome.
    ///
    /// Errors, for all: `InvalidGroupId`. Before version 3 the outcome of the one member is that of
    /// the request.
    pub fn leave_classic(&self, request: &ClassicLeave) -> Result<Vec<LeaverOutcome>> {
        self.decide(|coordinator, view, now| coordinator.leave_classic(request, view, now))
            .map(|(outcomes, _)| outcomes)
    }

    /// DescribeGroups. Errors: `GroupIdNotFound`, also for a consumer group.
    pub fn describe_classic(&self, group: &str) -> Result<ClassicDescription> {
        self.enter()?.1.coordinator.describe_classic(group)
    }

    fn answer_later(
        &self,
        waiter: Waiter,
        plan: impl FnOnce(&Coordinator, WaiterToken, &dyn TopicsView, Now) -> Plan<()>,
    ) {
        let token = self.state.lock().waiting.add(waiter);
        let decided = self.decide(|coordinator, view, now| Ok(plan(coordinator, token, view, now)));
        if let Err(error) = decided {
            let waiter = self.state.lock().waiting.take(token);
            refuse_all(waiter, &error);
        }
        // It may have closed in between, after everybody who waited was told.
        if self.engine().is_err() {
            self.refuse_waiting();
        }
    }

    /// Who still waits hears that the engine closes.
    pub(super) fn refuse_waiting(&self) {
        let waiters = self.state.lock().waiting.take_all();
        let error = Error::closed("the engine is closed: open it again");
        refuse_all(waiters, &error);
    }
}
