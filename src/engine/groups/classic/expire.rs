//! Time passes: members fall silent, rebalances take too long.

use std::sync::Arc;

use super::alarms::Alarm;
use super::draft::Draft;
use super::rebalance::{after_leaving, go_on, join_time_over, sync_time_over};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::expire::Evicted;
use crate::engine::groups::plan::{Now, Plan};

impl Coordinator {
    /// What is due in classic groups: one plan a group.
    pub(in crate::engine::groups) fn expire_classic(&self, now: Now) -> Vec<Plan<Vec<Evicted>>> {
        let due = self.alarms.due(now.monotonic).into_iter();
        let plans = due.filter_map(|(id, mut alarms)| {
            alarms.retain(|alarm| !matches!(alarm, Alarm::Guest(_)));
            if alarms.is_empty() {
                return None;
            }
            let classic = self.groups.get(&id).and_then(|g| g.classic.as_ref());
            let mut draft = Draft::new(&id, classic, &self.settings, now);
            let before = classic.map(|c| c.members().clone()).unwrap_or_default();
            for alarm in alarms {
                draft.cancel(alarm.clone());
                ring(&mut draft, alarm);
            }
            let gone = before
                .into_keys()
                .filter(|id| draft.group().member(id).is_none());
            let evicted = gone.map(|member| Evicted {
                member,
                held_on: false,
            });
            let evicted = evicted.collect();
            Some(draft.finish(evicted))
        });
        plans.collect()
    }
}

fn ring(draft: &mut Draft<'_>, alarm: Alarm) {
    match alarm {
        Alarm::Join => join_time_over(draft),
        Alarm::Sync => sync_time_over(draft),
        Alarm::Session(member) => session_over(draft, &member),
        // Of consumer groups.
        Alarm::Guest(_) => {}
    }
}

fn session_over(draft: &mut Draft<'_>, id: &Arc<str>) {
    if draft.group().pending.contains(id) {
        draft.forget_pending(id);
        return go_on(draft);
    }
    let Some((_, member)) = draft.group().member(id) else {
        return;
    };
    // Who waits for us is not silent. But of a new member nobody knows whether it still waits: it
    // cannot send heartbeats before it hears its id.
    if member.waits() && !member.is_new {
        return;
    }
    draft.put_out(id);
    after_leaving(draft);
}
