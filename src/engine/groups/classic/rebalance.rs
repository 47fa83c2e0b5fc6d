//! The course of a rebalance: everybody joins again, a leader and a protocol are elected, the leader
//! shares out.

use std::sync::Arc;
use std::time::Duration;

use super::alarms::Alarm;
use super::draft::{Draft, rebalancing};
use super::group::FirstWait;
use crate::engine::groups::group::GroupState;

/// When only static members are left and none of them came, they are waited for again; at least
/// this long.
const WAIT_AGAIN_MIN: Duration = Duration::from_secs(1);

/// The members or their wishes changed: a rebalance begins. One that runs may be over now.
pub fn start_or_go_on(draft: &mut Draft<'_>) {
    match draft.group().state {
        GroupState::PreparingRebalance => go_on(draft),
        _ => start(draft),
    }
}

/// After a member went.
pub fn after_leaving(draft: &mut Draft<'_>) {
    match draft.group().state {
        GroupState::Stable | GroupState::CompletingRebalance => start(draft),
        GroupState::PreparingRebalance => go_on(draft),
        _ => {}
    }
}

/// Ends the joining when everybody is there. The first rebalance waits out its time all the same:
/// more may come.
pub fn go_on(draft: &mut Draft<'_>) {
    let group = draft.group();
    let joins = group.state == GroupState::PreparingRebalance;
    if joins && group.first_wait.is_none() && group.all_joined() {
        complete(draft);
    }
}

pub fn start(draft: &mut Draft<'_>) {
    let before = draft.group().state;
    if before == GroupState::CompletingRebalance {
        give_up_sync(draft);
    }
    draft.cancel(Alarm::Sync);
    let wall = draft.now.wall;
    draft.edit().enter(GroupState::PreparingRebalance, wall);
    let timeout = draft.group().rebalance_timeout();
    if before != GroupState::Empty {
        return match draft.group().all_joined() {
            true => complete(draft),
            false => draft.alarm(Alarm::Join, timeout),
        };
    }
    let delay = draft.settings.classic.initial_rebalance_delay;
    draft.edit().first_wait = Some(FirstWait {
        delay,
        remaining: timeout.saturating_sub(delay),
        more_came: false,
    });
    match delay.is_zero() {
        true => complete(draft),
        false => draft.alarm(Alarm::Join, delay),
    }
}

/// The assignments that the leader was to send are not wanted any more.
fn give_up_sync(draft: &mut Draft<'_>) {
    let error = rebalancing(&draft.id);
    let waiting = draft.group().members().iter();
    let waiting = waiting.filter_map(|(id, m)| m.syncing.map(|token| (id.clone(), token)));
    for (id, token) in waiting.collect::<Vec<_>>() {
        draft.answer_sync(token, Err(error.clone()));
        draft.edit().change(&id, |member| member.syncing = None);
        draft.heard(&id);
    }
    let all: Vec<Arc<str>> = draft.group().members().keys().cloned().collect();
    for id in all {
        draft.edit().change(&id, |member| {
            member.assignment = Arc::from([]);
            member.must_sync = false;
        });
    }
}

/// The time to join is over.
pub fn join_time_over(draft: &mut Draft<'_>) {
    if draft.group().state != GroupState::PreparingRebalance {
        return;
    }
    let delay_max = draft.settings.classic.initial_rebalance_delay;
    if let Some(wait) = draft.group().first_wait.clone()
        && wait.more_came
        && !wait.remaining.is_zero()
    {
        let delay = delay_max.min(wait.remaining);
        draft.edit().first_wait = Some(FirstWait {
            delay,
            remaining: wait.remaining.saturating_sub(wait.delay),
            more_came: false,
        });
        return draft.alarm(Alarm::Join, delay);
    }
    complete(draft);
}

/// Ends the joining: who did not come is out, unless it is static; the others hear of the new
/// generation.
fn complete(draft: &mut Draft<'_>) {
    draft.cancel(Alarm::Join);
    let gone = draft.group().members().iter();
    let gone = gone.filter(|(_, m)| !m.is_static() && m.joining.is_none());
    for id in gone.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
        draft.put_out(&id);
    }
    let wall = draft.now.wall;
    let group = draft.edit();
    group.first_wait = None;
    let led = group.elect_leader();
    if !led && !group.members().is_empty() {
        let again = group.rebalance_timeout().max(WAIT_AGAIN_MIN);
        return draft.alarm(Alarm::Join, again);
    }
    group.generation = group.generation.saturating_add(1);
    if !led {
        group.protocol = None;
        group.leader = None;
        group.subscribed = None;
        group.enter(GroupState::Empty, wall);
        return draft.write();
    }
    group.protocol = group.elected_protocol();
    group.read_subscriptions();
    group.enter(GroupState::CompletingRebalance, wall);
    tell_generation(draft);
    let timeout = draft.group().rebalance_timeout();
    draft.alarm(Alarm::Sync, timeout);
}

fn tell_generation(draft: &mut Draft<'_>) {
    let all = draft.group().members().iter();
    let all: Vec<_> = all.map(|(id, m)| (id.clone(), m.joining)).collect();
    for (id, token) in all {
        if let Some(token) = token {
            let answer = draft.generation_for(&id, true);
            draft.answer_join(token, answer);
        }
        draft.edit().change(&id, |member| {
            member.joining = None;
            member.is_new = false;
            member.must_sync = true;
        });
        draft.heard(&id);
    }
}

/// The time in which members must come for their assignments is over: who did not is out.
pub fn sync_time_over(draft: &mut Draft<'_>) {
    let state = draft.group().state;
    let runs = matches!(state, GroupState::CompletingRebalance | GroupState::Stable);
    if !runs || draft.group().unsynced() == 0 {
        return;
    }
    let late = draft.group().members().iter();
    let late = late.filter(|(_, m)| m.must_sync).map(|(id, _)| id.clone());
    for id in late.collect::<Vec<_>>() {
        draft.put_out(&id);
    }
    start(draft);
}
