//! When something must have happened in a classic group. Not logged: after a restart every member
//! has a new session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The member, or the holder of an id that was given out, must have been heard.
    Session(Arc<str>),
    /// A guest must have joined, or come for its assignment.
    Guest(Arc<str>),
    /// All members must have joined.
    Join,
    /// All members must have come for their assignments.
    Sync,
}

/// An alarm and its new time, `None` to take it away.
pub type AlarmChange = (Alarm, Option<Duration>);

type Key = (Arc<str>, Alarm);

/// By group and in order of time.
#[derive(Debug, Default)]
pub struct Alarms {
    times: BTreeMap<Key, Duration>,
    order: BTreeSet<(Duration, Key)>,
}

impl Alarms {
    /// Sets an alarm anew; `None` takes it away.
    pub fn set(&mut self, group: &Arc<str>, alarm: Alarm, at: Option<Duration>) {
        let key = (group.clone(), alarm);
        let old = match at {
            Some(at) => self.times.insert(key.clone(), at),
            None => self.times.remove(&key),
        };
        if let Some(old) = old {
            self.order.remove(&(old, key.clone()));
        }
        if let Some(at) = at {
            self.order.insert((at, key));
        }
    }

    pub fn forget(&mut self, group: &Arc<str>) {
        let first = (group.clone(), Alarm::Session(Arc::from("")));
        let of_group = self.times.range(first..);
        let of_group = of_group.take_while(|((id, _), _)| id == group);
        let all: Vec<Key> = of_group.map(|(key, _)| key.clone()).collect();
        for (group, alarm) in all {
            self.set(&group, alarm, None);
        }
    }

    pub fn is_set(&self, group: &Arc<str>, alarm: &Alarm) -> bool {
        self.times.contains_key(&(group.clone(), alarm.clone()))
    }

    pub fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Those whose time has come, by group, the earliest first.
    pub fn due(&self, now: Duration) -> BTreeMap<Arc<str>, Vec<Alarm>> {
        let mut groups: BTreeMap<Arc<str>, Vec<Alarm>> = BTreeMap::new();
        let due = self.order.iter().take_while(|(at, _)| *at <= now);
        for (_, (group, alarm)) in due {
            let alarms = groups.entry(group.clone()).or_default();
            alarms.push(alarm.clone());
        }
        groups
    }
}
