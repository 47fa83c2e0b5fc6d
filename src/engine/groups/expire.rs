//! Members that were not heard in time, or did not give up partitions in time, are put out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::classic::Alarm;
use super::coordinator::Coordinator;
use super::plan::{Now, Plan};
use super::topics::TopicsView;

/// A member that was put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evicted {
    pub member: Arc<str>,
    /// It was heard but held on to partitions past its rebalance timeout (in-process: past
    /// `max.poll.interval.ms`); otherwise it was not heard for the session timeout.
    pub held_on: bool,
}

impl Coordinator {
    /// When [`Coordinator::expire`] has something to do next, in monotonic time.
    pub fn next_deadline(&self) -> Option<Duration> {
        let both = [self.timers.next(), self.alarms.next()];
        both.into_iter().flatten().min()
    }

    /// Puts out the members whose time is over: one plan a group, to be appended and applied each.
    pub fn expire(&self, topics: &dyn TopicsView, now: Now) -> Vec<Plan<Vec<Evicted>>> {
        let mut groups: BTreeMap<Arc<str>, Vec<Evicted>> = BTreeMap::new();
        let mut put_out = |group: &Arc<str>, member: &Arc<str>, held_on: bool| {
            let evicted = groups.entry(group.clone()).or_default();
            if evicted.iter().all(|e| e.member != *member) {
                evicted.push(Evicted {
                    member: member.clone(),
                    held_on,
                });
            }
        };
        for (group, member, limit) in self.timers.due(now.monotonic) {
            put_out(group, member, limit == super::timers::Limit::Rebalance);
        }
        for (group, alarms) in self.alarms.due(now.monotonic) {
            for alarm in alarms {
                if let Alarm::Guest(member) = alarm {
                    put_out(&group, &member, true);
                }
            }
        }
        let plans = groups.into_iter().filter_map(|(id, evicted)| {
            let consumer = self.groups.get(&id)?.consumer.as_ref()?;
            let members: Vec<Arc<str>> = evicted.iter().map(|e| e.member.clone()).collect();
            Some(self.without(&id, consumer, &members, topics, now, evicted))
        });
        let classic = self.expire_classic(now);
        plans.chain(classic).collect()
    }
}
