//! A classic group in the making. Like the draft of a consumer group, the group is copied at the
//! first change only; members are shared pointers.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::alarms::{Alarm, AlarmChange};
use super::group::ClassicGroup;
use super::member::ClassicMember;
use super::requests::{Delivery, JoinAnswer, SyncAnswer, Waited, WaiterToken};
use crate::engine::groups::plan::{Now, Plan};
use crate::engine::groups::records::{Change, What};
use crate::engine::groups::settings::GroupSettings;
use crate::error::{Code, Error};

pub struct Draft<'a> {
    pub id: Arc<str>,
    pub settings: &'a GroupSettings,
    pub now: Now,
    group: Cow<'a, ClassicGroup>,
    changes: Vec<Change>,
    alarms: Vec<AlarmChange>,
    deliveries: Vec<Delivery>,
}

impl<'a> Draft<'a> {
    /// Starts from a group, or from nothing for one that is to be made.
    pub fn new(
        id: &Arc<str>,
        base: Option<&'a ClassicGroup>,
        settings: &'a GroupSettings,
        now: Now,
    ) -> Draft<'a> {
        Draft {
            id: id.clone(),
            settings,
            now,
            group: base.map_or_else(|| Cow::Owned(ClassicGroup::default()), Cow::Borrowed),
            changes: Vec::new(),
            alarms: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    pub fn group(&self) -> &ClassicGroup {
        &self.group
    }

    pub fn edit(&mut self) -> &mut ClassicGroup {
        self.group.to_mut()
    }

    /// The group goes to the log as it is now.
    pub fn write(&mut self) {
        self.edit().written = true;
        let value = self.group.value();
        self.record(What::Classic(Some(value)));
    }

    /// Another change of this group.
    pub fn record(&mut self, what: What) {
        self.changes.push(Change {
            group: self.id.clone(),
            what,
        });
    }

    pub fn alarm(&mut self, alarm: Alarm, after: Duration) {
        let at = self.now.monotonic.saturating_add(after);
        self.alarms.push((alarm, Some(at)));
    }

    pub fn cancel(&mut self, alarm: Alarm) {
        self.alarms.push((alarm, None));
    }

    /// The member was heard, or need not be heard for its session timeout from now.
    pub fn heard(&mut self, id: &Arc<str>) {
        if let Some((_, member)) = self.group.member(id) {
            let timeout = member.session_timeout;
            self.alarm(Alarm::Session(id.clone()), timeout);
        }
    }

    pub fn answer_join(&mut self, token: WaiterToken, answer: JoinAnswer) {
        self.deliveries.push(Delivery {
            token,
            answer: Waited::Join(answer),
        });
    }

    pub fn answer_sync(&mut self, token: WaiterToken, answer: Result<SyncAnswer, Error>) {
        self.deliveries.push(Delivery {
            token,
            answer: Waited::Sync(answer),
        });
    }

    /// The present generation, as `member` is told of it. Only a leader that is to share out hears
    /// of the others.
    pub fn generation_for(&self, member: &Arc<str>, with_roster: bool) -> JoinAnswer {
        let group = self.group();
        JoinAnswer {
            error: None,
            member: member.clone(),
            generation: group.generation,
            protocol_type: group.protocol_type.clone(),
            protocol: group.protocol.clone(),
            leader: group.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            members: match with_roster && group.is_leader(member) {
                true => group.roster(),
                false => Vec::new(),
            },
        }
    }

    pub fn assignment_of(&self, member: &ClassicMember) -> SyncAnswer {
        SyncAnswer {
            protocol_type: self.group.protocol_type.clone(),
            protocol: self.group.protocol.clone(),
            assignment: member.assignment.clone(),
        }
    }

    /// Whatever the member waits for is answered with `error`.
    pub fn refuse_waiting(&mut self, id: &Arc<str>, error: &Error) {
        let Some((_, member)) = self.group.member(id) else {
            return;
        };
        let (joining, syncing) = (member.joining, member.syncing);
        if let Some(token) = joining {
            // To one who must join as a new member, no id.
            let told = match error.code() {
                Code::UnknownMemberId => Arc::from(""),
                _ => id.clone(),
            };
            self.answer_join(token, JoinAnswer::refusing(error.clone(), told));
        }
        if let Some(token) = syncing {
            self.answer_sync(token, Err(error.clone()));
        }
        if joining.or(syncing).is_some() {
            self.edit().change(id, |member| {
                member.joining = None;
                member.syncing = None;
            });
        }
    }

    /// Takes a member out, and answers what it waits for.
    pub fn put_out(&mut self, id: &Arc<str>) {
        let error = unknown_member(&self.id, id);
        self.refuse_waiting(id, &error);
        self.cancel(Alarm::Session(id.clone()));
        self.edit().remove(id);
    }

    /// Forgets an id that was given out.
    pub fn forget_pending(&mut self, id: &Arc<str>) {
        self.cancel(Alarm::Session(id.clone()));
        self.edit().pending.remove(id);
    }

    pub fn finish<T>(self, answer: T) -> Plan<T> {
        let mut plan = Plan::of(self.id, self.changes, answer);
        plan.effects.alarms = self.alarms;
        plan.effects.deliveries = self.deliveries;
        if let Cow::Owned(group) = self.group {
            plan.effects.classic = Some(Box::new(group));
        }
        plan
    }
}

pub fn unknown_member(group: &str, member: &str) -> Error {
    crate::engine::groups::join::unknown_member(group, member)
}

pub fn rebalancing(group: &str) -> Error {
    Error::coded(
        Code::RebalanceInProgress,
        format!("group {group} is rebalancing: join it again"),
    )
}
