//! A consumer group of which only guests are left becomes a classic group.

use std::sync::Arc;
use std::time::Duration;

use super::seats::assignment_bytes;
use crate::engine::groups::classic::{self, ClassicGroup, ClassicMember};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::group::{ConsumerGroup, GroupState};
use crate::engine::groups::join::remove;
use crate::engine::groups::leave::put_out;
use crate::engine::groups::member::Member;
use crate::engine::groups::plan::{Draft, Now, Plan};
use crate::engine::groups::records::What;
use crate::engine::groups::topics::TopicsView;

impl Coordinator {
    /// Takes members out of a consumer group. When only guests remain the group becomes a classic
    /// one, as the settings allow, and rebalances: the leavers' partitions are to be shared out.
    pub(in crate::engine::groups) fn without<T>(
        &self,
        id: &Arc<str>,
        group: &ConsumerGroup,
        leavers: &[Arc<str>],
        topics: &dyn TopicsView,
        now: Now,
        answer: T,
    ) -> Plan<T> {
        let mut draft = Draft::new(id.clone(), Some(group));
        if !self.becomes_classic(group, leavers) {
            put_out(&mut draft, leavers);
            return draft.finish(answer);
        }
        let classic = classic_of(group, leavers, topics, now);
        let members: Vec<Arc<str>> = group.members().keys().cloned().collect();
        let regexes: Vec<Arc<str>> = group.regexes().keys().cloned().collect();
        for member in &members {
            remove(&mut draft, member);
        }
        for regex in regexes {
            draft.push(What::Regex { regex, value: None });
        }
        draft.push(What::Target(None));
        draft.push(What::Group(None));
        let ended = draft.finish(());
        let mut draft = classic::Draft::new(id, Some(&classic), &self.settings, now);
        draft.write();
        for member in classic.members().keys() {
            draft.heard(member);
        }
        classic::start(&mut draft);
        let mut plan = draft.finish(answer);
        plan.changes.splice(0..0, ended.changes);
        plan
    }

    fn becomes_classic(&self, group: &ConsumerGroup, leavers: &[Arc<str>]) -> bool {
        let left = || {
            group
                .members()
                .iter()
                .filter(|(id, _)| !leavers.contains(id))
        };
        let count = left().count();
        self.settings.migration.downgrades()
            && (1..=self.settings.classic.group_size_max).contains(&count)
            && left().all(|(_, member)| member.metadata.classic.is_some())
            // Somebody of the newer protocol goes; a group of guests alone is left as it is.
            && leavers.iter().any(|id| {
                group
                    .member(id)
                    .is_some_and(|m| m.metadata.classic.is_none())
            })
    }
}

fn classic_of(
    group: &ConsumerGroup,
    leavers: &[Arc<str>],
    topics: &dyn TopicsView,
    now: Now,
) -> ClassicGroup {
    let mut classic = ClassicGroup::default();
    classic.protocol_type = Some(Arc::from(classic::CONSUMER));
    classic.generation = group.epoch();
    for (id, member) in group.members() {
        if !leavers.contains(id) {
            classic.insert(id.clone(), classic_member(member, topics));
        }
    }
    classic.protocol = classic.elected_protocol();
    classic.enter(GroupState::Stable, now.wall);
    classic.read_subscriptions();
    classic
}

fn classic_member(member: &Member, topics: &dyn TopicsView) -> ClassicMember {
    let ms = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    let said = member.metadata.classic.clone().unwrap_or_default();
    ClassicMember {
        instance_id: member.metadata.instance_id.clone(),
        client_id: member.metadata.client_id.clone(),
        client_host: member.metadata.client_host.clone(),
        session_timeout: ms(said.session_timeout_ms),
        rebalance_timeout: ms(member.metadata.rebalance_timeout_ms),
        assignment: assignment_bytes(member, topics),
        protocols: said.protocols.into(),
        joining: None,
        syncing: None,
        is_new: false,
        must_sync: false,
    }
}
