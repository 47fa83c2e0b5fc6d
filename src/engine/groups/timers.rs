//! When members must have been heard, and when they must have given up partitions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::member::{Member, MemberState};
use super::plan::Now;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    Session,
    Rebalance,
}

type Who = (Arc<str>, Arc<str>);

#[derive(Clone, Copy, Debug, Default)]
struct Deadlines {
    session: Option<Duration>,
    /// With the epoch for which it runs: as long as the member stays in it, the time is not renewed.
    rebalance: Option<(Duration, i32)>,
}

/// Deadlines by member, and in order. Not recorded: a restart gives everybody a new session.
#[derive(Debug, Default)]
pub struct Timers {
    members: HashMap<Who, Deadlines>,
    order: BTreeSet<(Duration, Who, Limit)>,
}

impl Timers {
    pub fn start_session(&mut self, group: &Arc<str>, member: &Arc<str>, until: Duration) {
        let who = (group.clone(), member.clone());
        let deadlines = self.members.entry(who.clone()).or_default();
        if let Some(old) = deadlines.session.replace(until) {
            self.order.remove(&(old, who.clone(), Limit::Session));
        }
        self.order.insert((until, who, Limit::Session));
    }

    /// Starts, keeps or stops the rebalance timeout by the member's state.
    pub fn set_rebalance(&mut self, group: &Arc<str>, id: &Arc<str>, member: &Member, now: Now) {
        let who = (group.clone(), id.clone());
        let timeout = u64::try_from(member.metadata.rebalance_timeout_ms).ok();
        let revoking = member.current.state == MemberState::UnrevokedPartitions;
        let wanted = timeout.filter(|_| revoking && !member.is_away());
        let deadlines = self.members.entry(who.clone()).or_default();
        match (wanted, deadlines.rebalance) {
            (Some(_), Some((_, epoch))) if epoch == member.epoch() => {}
            (wanted, old) => {
                if let Some((until, _)) = old {
                    self.order.remove(&(until, who.clone(), Limit::Rebalance));
                }
                let until = wanted.map(|ms| now.monotonic + Duration::from_millis(ms));
                deadlines.rebalance = until.map(|until| (until, member.epoch()));
                if let Some(until) = until {
                    self.order.insert((until, who, Limit::Rebalance));
                }
            }
        }
    }

    pub fn forget(&mut self, group: &Arc<str>, member: &Arc<str>) {
        let who = (group.clone(), member.clone());
        let Some(deadlines) = self.members.remove(&who) else {
            return;
        };
        if let Some(until) = deadlines.session {
            self.order.remove(&(until, who.clone(), Limit::Session));
        }
        if let Some((until, _)) = deadlines.rebalance {
            self.order.remove(&(until, who, Limit::Rebalance));
        }
    }

    pub fn next(&self) -> Option<Duration> {
        self.order.first().map(|(until, _, _)| *until)
    }

    /// Those whose time is over, the earliest first.
    pub fn due(&self, now: Duration) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, Limit)> {
        self.order
            .iter()
            .take_while(move |(until, _, _)| *until <= now)
            .map(|(_, (group, member), limit)| (group, member, *limit))
    }
}
