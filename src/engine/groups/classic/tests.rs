//! Stories of classic groups, as transcripts: who asks what when, and what is answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::testing::{REBALANCE, SESSION, fixed, request, subscription, world, world_with};
use super::*;
use crate::engine::groups::testing::{GROUP, World};
use crate::engine::groups::{GroupState, GroupType};
use crate::error::Code;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn one_member_joins_leads_and_shares_out() {
    let mut w = world();
    let answer = w.ask_now(&request("", "a"));
    assert!(answer.error.is_none());
    assert_eq!((&*answer.member, answer.generation), ("c-a", 1));
    assert_eq!(
        (answer.protocol.as_deref(), &*answer.leader),
        (Some("range"), "c-a")
    );
    assert_eq!(answer.members.len(), 1);
    assert_eq!(w.state(), GroupState::CompletingRebalance);
    assert_eq!(w.live("c-a", 1), None);
    let written = w.log.len();
    let token = w.bring("c-a", 1, &["c-a"]);
    assert_eq!(w.synced(token), Some(Ok("c-a".into())));
    assert_eq!((w.state(), w.log.len()), (GroupState::Stable, written + 1));
    assert_eq!(w.live("c-a", 1), None);
    let shown = w.groups.describe_classic(GROUP).unwrap();
    assert_eq!(
        (&*shown.protocol_type, &*shown.protocol),
        ("consumer", "range")
    );
    assert_eq!(&*shown.members[0].assignment, b"c-a");
    let listed = w.groups.list().remove(0);
    assert_eq!(
        (listed.kind, &*listed.protocol_type),
        (GroupType::Classic, "consumer")
    );
    w.check();
}

#[test]
fn the_first_rebalance_waits_while_members_come() {
    let mut w = world_with(|s| s.initial_rebalance_delay = MS(3000));
    let a = w.ask(&request("", "a"));
    w.pass(MS(2000));
    w.expire();
    let b = w.ask(&request("", "b"));
    w.pass(MS(1000));
    w.expire();
    // Somebody came in the first three seconds: three more.
    assert!(w.joined(a).is_none() && w.joined(b).is_none());
    assert_eq!(w.state(), GroupState::PreparingRebalance);
    w.pass(MS(3000));
    w.expire();
    let (a, b) = (w.joined(a).unwrap(), w.joined(b).unwrap());
    assert_eq!((a.generation, b.generation), (1, 1));
    assert_eq!((a.members.len(), b.members.len()), (2, 0));
    assert_eq!(&*b.leader, "c-a");
    w.check();
}

#[test]
fn the_first_wait_ends_with_the_rebalance_timeout() {
    let mut w = world_with(|s| s.initial_rebalance_delay = MS(3000));
    let hurried = |fresh: &str| JoinRequest {
        rebalance_timeout: MS(5000),
        ..request("", fresh)
    };
    let a = w.ask(&hurried("a"));
    for (at, name) in [(1, "b"), (2, "c"), (3, "d"), (4, "e"), (5, "f")] {
        w.pass(MS(1000));
        w.expire();
        if at < 5 {
            w.ask(&hurried(name));
        }
    }
    assert_eq!(w.joined(a).map(|a| a.generation), Some(1));
    w.check();
}

#[test]
fn a_member_is_told_its_id_before_it_joins() {
    let mut w = world();
    let mut first = request("", "a");
    first.needs_id_first = true;
    let told = w.ask_now(&first);
    assert_eq!(told.error.map(|e| e.code()), Some(Code::MemberIdRequired));
    assert_eq!((&*told.member, told.generation), ("c-a", -1));
    assert_eq!(w.state(), GroupState::Empty);
    assert_eq!(w.live("c-a", 0), Some(Code::UnknownMemberId));
    let joined = w.ask_now(&request("c-a", ""));
    assert_eq!((&*joined.member, joined.generation), ("c-a", 1));
    w.check();

    // An id that nobody joins with is forgotten after its session, and so is the group.
    let mut w = world();
    w.ask_now(&first);
    w.pass(SESSION);
    w.expire();
    assert_eq!(
        (w.state(), w.groups.next_deadline()),
        (GroupState::Dead, None)
    );
    assert_eq!(w.refused(&request("c-a", "")), Some(Code::UnknownMemberId));
    w.check();
}

#[test]
fn a_rebalance_waits_for_an_id_that_was_given_out() {
    let mut w = world();
    let generation = w.stable(&["a"]);
    let mut late = request("", "b");
    late.needs_id_first = true;
    w.ask_now(&late);
    let a = w.ask(&request("c-a", ""));
    assert!(w.joined(a).is_none());
    let b = w.ask_now(&request("c-b", ""));
    assert_eq!(b.generation, generation + 1);
    assert_eq!(w.joined(a).map(|a| a.generation), Some(generation + 1));
    w.check();
}

#[test]
fn a_newcomer_makes_everybody_join_again() {
    let mut w = world();
    let old = w.stable(&["a", "b"]);
    let c = w.ask(&request("", "c"));
    assert_eq!(w.live("c-a", old), Some(Code::RebalanceInProgress));
    let late = w.bring("c-b", old, &[]);
    assert_eq!(w.synced(late), Some(Err(Code::RebalanceInProgress)));
    let a = w.ask(&request("c-a", ""));
    assert!(w.joined(a).is_none());
    let b = w.ask(&request("c-b", ""));
    let new = old + 1;
    for token in [a, b, c] {
        assert_eq!(w.joined(token).map(|a| a.generation), Some(new));
    }
    assert_eq!(w.live("c-b", old), Some(Code::IllegalGeneration));
    // The leader's answer sets the others free, the one who came before it too.
    let early = w.bring("c-c", new, &[]);
    assert_eq!(w.synced(early), None);
    w.bring("c-a", new, &["c-b", "c-c"]);
    assert_eq!(w.synced(early), Some(Ok("c-c".into())));
    let b = w.bring("c-b", new, &[]);
    assert_eq!(w.synced(b), Some(Ok("c-b".into())));
    let nothing = w.bring("c-a", new, &[]);
    assert_eq!(w.synced(nothing), Some(Ok(String::new())));
    w.check();
}

#[test]
fn who_does_not_join_in_time_is_out() {
    let mut w = world();
    let old = w.stable(&["a", "b"]);
    let c = w.ask(&request("", "c"));
    let b = w.ask(&request("c-b", ""));
    for _ in 0..8 {
        w.pass(MS(8000));
        w.live("c-a", old);
        w.expire();
    }
    // The leader of before is gone; another leads.
    let (b, c) = (w.joined(b).unwrap(), w.joined(c).unwrap());
    assert_eq!((b.generation, c.generation), (old + 1, old + 1));
    assert_eq!(b.leader, c.leader);
    assert_eq!(b.members.len() + c.members.len(), 2);
    assert_eq!(w.live("c-a", old), Some(Code::UnknownMemberId));
    w.check();
}

#[test]
fn who_does_not_fetch_its_assignment_in_time_is_out() {
    let mut w = world();
    w.stable(&["a", "b"]);
    let c = w.ask(&request("", "c"));
    w.ask(&request("c-a", ""));
    w.ask(&request("c-b", ""));
    let new = w.joined(c).unwrap().generation;
    w.bring("c-a", new, &["c-a", "c-b", "c-c"]);
    w.bring("c-b", new, &[]);
    for _ in 0..8 {
        w.pass(MS(8000));
        for member in ["c-a", "c-b", "c-c"] {
            w.live(member, new);
        }
        w.expire();
    }
    assert_eq!(w.live("c-c", new), Some(Code::UnknownMemberId));
    assert_eq!(w.live("c-a", new), Some(Code::RebalanceInProgress));
    w.check();
}

#[test]
fn a_silent_member_is_put_out_and_its_partitions_shared_anew() {
    let mut w = world();
    let generation = w.stable(&["a", "b"]);
    w.pass(MS(9000));
    assert_eq!(w.live("c-a", generation), None);
    w.pass(MS(1000));
    let evicted = w.expire();
    assert_eq!(evicted.len(), 1);
    assert_eq!(&*evicted[0].member, "c-b");
    assert_eq!(w.live("c-a", generation), Some(Code::RebalanceInProgress));
    let a = w.ask_now(&request("c-a", ""));
    assert_eq!((a.generation, a.members.len()), (generation + 1, 1));
    w.check();
}

#[test]
fn a_group_without_members_is_empty_and_keeps_its_generation() {
    let mut w = world();
    let generation = w.stable(&["a", "b"]);
    let gone = w.go(&[("c-a", None), ("c-x", None), ("c-b", None)]);
    assert_eq!(gone.unwrap(), [None, Some(Code::UnknownMemberId), None]);
    assert_eq!(
        (w.state(), w.groups.next_deadline()),
        (GroupState::Empty, None)
    );
    w.check();
    assert_eq!(w.live("c-a", generation), Some(Code::UnknownMemberId));
    let again = w.ask_now(&request("", "a"));
    assert_eq!(again.generation, generation + 2);
    w.check();
}

#[test]
fn a_member_that_lost_its_answer_hears_it_again() {
    let mut w = world();
    let generation = w.stable(&["a", "b"]);
    let same = w.ask_now(&request("c-b", ""));
    assert_eq!((same.generation, same.members.len()), (generation, 0));
    assert_eq!(w.state(), GroupState::Stable);
    // A leader that comes again wants to share out anew.
    let a = w.ask(&request("c-a", ""));
    assert_eq!(w.state(), GroupState::PreparingRebalance);
    // So does whoever wants something else; a second request takes the place of the first.
    let mut other = request("c-b", "");
    other.protocols[0].1 = subscription(&["bills"]);
    let b = w.ask(&other);
    let (a, b) = (w.joined(a).unwrap(), w.joined(b).unwrap());
    assert_eq!(
        (a.generation, b.generation),
        (generation + 1, generation + 1)
    );
    let lost = w.ask_now(&request("c-a", ""));
    assert_eq!((lost.generation, lost.members.len()), (generation + 1, 2));
    w.check();
}

#[test]
fn a_request_that_a_later_one_replaced_is_answered() {
    let mut w = world();
    w.stable(&["a", "b"]);
    let first = w.ask(&request("c-a", ""));
    let second = w.ask(&request("c-a", ""));
    let answer = w.joined(first).unwrap();
    assert_eq!(
        answer.error.map(|e| e.code()),
        Some(Code::RebalanceInProgress)
    );
    assert!(w.joined(second).is_none());
    w.ask(&request("c-b", ""));
    assert!(w.joined(second).unwrap().error.is_none());
    let generation = w.joined(second).unwrap().generation;
    let first = w.bring("c-b", generation, &[]);
    let second = w.bring("c-b", generation, &[]);
    assert_eq!(w.synced(first), Some(Err(Code::RebalanceInProgress)));
    assert_eq!(w.synced(second), None);
    w.bring("c-a", generation, &["c-b"]);
    assert_eq!(w.synced(second), Some(Ok("c-b".into())));
    w.check();
}

#[test]
fn a_rebalance_during_sync_sends_everybody_back() {
    let mut w = world();
    w.stable(&["a", "b"]);
    let a = w.ask(&request("c-a", ""));
    w.ask(&request("c-b", ""));
    let generation = w.joined(a).unwrap().generation;
    let waits = w.bring("c-b", generation, &[]);
    w.ask(&request("", "c"));
    assert_eq!(w.synced(waits), Some(Err(Code::RebalanceInProgress)));
    assert_eq!(w.state(), GroupState::PreparingRebalance);
    w.check();
}

#[test]
fn the_protocol_is_the_one_most_members_prefer_among_those_all_know() {
    let mut w = world_with(|s| s.initial_rebalance_delay = MS(3000));
    let with = |fresh: &str, names: &[&str]| {
        let protocols = names.iter().map(|n| (Arc::from(*n), subscription(&[])));
        JoinRequest {
            protocols: protocols.collect(),
            ..request("", fresh)
        }
    };
    let a = w.ask(&with("a", &["range", "sticky"]));
    w.ask(&with("b", &["sticky", "range"]));
    w.ask(&with("c", &["round", "sticky", "range"]));
    assert_eq!(
        w.refused(&with("d", &["round"])),
        Some(Code::InconsistentGroupProtocol)
    );
    let mut other = with("d", &["sticky"]);
    other.protocol_type = Arc::from("connect");
    assert_eq!(w.refused(&other), Some(Code::InconsistentGroupProtocol));
    w.pass(MS(6000));
    w.expire();
    w.pass(MS(3000));
    w.expire();
    let generation = w.joined(a).unwrap().generation;
    assert_eq!(w.joined(a).unwrap().protocol.as_deref(), Some("sticky"));
    let mut sync = SyncRequest {
        group: Arc::from(GROUP),
        member: Arc::from("c-a"),
        generation,
        protocol_type: Some(Arc::from("consumer")),
        protocol: Some(Arc::from("range")),
        ..SyncRequest::default()
    };
    let token = w.sync_as(&sync);
    assert_eq!(w.synced(token), Some(Err(Code::InconsistentGroupProtocol)));
    sync.protocol = Some(Arc::from("sticky"));
    let token = w.sync_as(&sync);
    assert_eq!(w.synced(token), Some(Ok(String::new())));
    w.check();
}

#[test]
fn wrong_requests_are_refused() {
    let mut w = world_with(|s| s.group_size_max = 1);
    let with = |change: fn(&mut JoinRequest)| {
        let mut request = request("", "a");
        change(&mut request);
        request
    };
    let refused = [
        (with(|r| r.group = Arc::from("")), Code::InvalidGroupId),
        (
            with(|r| r.session_timeout = MS(5999)),
            Code::InvalidSessionTimeout,
        ),
        (
            with(|r| r.session_timeout = MS(1_800_001)),
            Code::InvalidSessionTimeout,
        ),
        (
            with(|r| r.protocols.clear()),
            Code::InconsistentGroupProtocol,
        ),
        (
            with(|r| r.protocol_type = Arc::from("")),
            Code::InconsistentGroupProtocol,
        ),
        (with(|r| r.member = Arc::from("x")), Code::UnknownMemberId),
    ];
    for (request, code) in refused {
        assert_eq!(w.refused(&request), Some(code));
    }
    assert_eq!(w.state(), GroupState::Dead);
    assert_eq!(w.live("x", 1), Some(Code::UnknownMemberId));
    assert_eq!(w.go(&[("x", None)]).unwrap(), [Some(Code::UnknownMemberId)]);
    let token = w.bring("x", 1, &[]);
    assert_eq!(w.synced(token), Some(Err(Code::UnknownMemberId)));
    w.stable(&["a"]);
    assert_eq!(
        w.refused(&request("", "b")),
        Some(Code::GroupMaxSizeReached)
    );
    assert_eq!(
        w.refused(&request("y", "")),
        Some(Code::GroupMaxSizeReached)
    );
    w.check();
}

#[test]
fn a_long_client_name_makes_no_id_that_is_too_long() {
    let mut w = world();
    let long = JoinRequest {
        client_id: Arc::from("ü".repeat(16_383)),
        ..request("", "0123456789")
    };
    let answer = w.ask_now(&long);
    assert!(answer.member.len() <= 32_767 && answer.member.ends_with("-0123456789"));
    w.bring(&answer.member, 1, &[]);
    w.check();
}

// Static members.

fn static_pair(w: &mut World) -> i32 {
    let a = w.ask(&fixed("", "1", "ann"));
    let b = w.ask(&fixed("", "1", "bob"));
    let a = match w.joined(a) {
        Some(_) => w.ask(&fixed("ann-1", "", "ann")),
        None => a,
    };
    let generation = w.joined(b).unwrap().generation;
    assert_eq!(w.joined(a).unwrap().generation, generation);
    w.bring("ann-1", generation, &["ann-1", "bob-1"]);
    w.bring("bob-1", generation, &[]);
    generation
}

#[test]
fn a_static_member_comes_back_unnoticed() {
    let mut w = world();
    let generation = static_pair(&mut w);
    let written = w.log.len();
    let back = w.ask_now(&fixed("", "2", "bob"));
    assert_eq!((&*back.member, back.generation), ("bob-2", generation));
    assert_eq!((&*back.leader, back.skip_assignment), ("ann-1", false));
    assert_eq!((w.state(), w.log.len()), (GroupState::Stable, written + 1));
    let token = w.bring("bob-2", generation, &[]);
    assert_eq!(w.synced(token), Some(Ok("bob-1".into())));
    assert_eq!(w.live("ann-1", generation), None);
    // Its former life is fenced.
    let old = w.live_as("bob-1", Some("bob"), generation);
    assert_eq!(old, Some(Code::FencedInstanceId));
    assert_eq!(w.live("bob-1", generation), Some(Code::UnknownMemberId));
    assert_eq!(
        w.refused(&fixed("bob-1", "", "bob")),
        Some(Code::FencedInstanceId)
    );
    let commit = w.commit_as("bob-2", generation);
    assert_eq!(commit, None);
    w.check();
}

#[test]
fn a_static_leader_that_comes_back_does_not_share_out_again() {
    let mut w = world();
    let generation = static_pair(&mut w);
    let back = w.ask_now(&fixed("", "2", "ann"));
    // An older client is shown the id that its former life had.
    assert_eq!((&*back.member, &*back.leader), ("ann-2", "ann-1"));
    assert!(back.members.is_empty() && !back.skip_assignment);
    let newer = JoinRequest {
        may_skip_assignment: true,
        ..fixed("", "3", "ann")
    };
    let back = w.ask_now(&newer);
    assert_eq!((&*back.member, &*back.leader), ("ann-3", "ann-3"));
    assert_eq!((back.members.len(), back.skip_assignment), (2, true));
    let token = w.bring("ann-3", generation, &[]);
    assert_eq!(w.synced(token), Some(Ok("ann-1".into())));
    w.check();
}

#[test]
fn a_static_member_that_changes_the_choice_of_protocol_makes_a_rebalance() {
    let mut w = world();
    let names = |list: &[&str]| {
        let all = list
            .iter()
            .map(|n| (Arc::from(*n), subscription(&["orders"])));
        all.collect::<Vec<_>>()
    };
    let mut first = fixed("", "1", "ann");
    first.protocols = names(&["range", "sticky"]);
    w.ask_now(&first);
    w.bring("ann-1", 1, &["ann-1"]);
    let mut second = fixed("", "2", "ann");
    second.protocols = names(&["sticky", "range"]);
    let back = w.ask_now(&second);
    assert_eq!(back.generation, 2);
    assert_eq!(back.protocol.as_deref(), Some("sticky"));
    assert_eq!(w.state(), GroupState::CompletingRebalance);
    w.check();
}

#[test]
fn a_new_life_answers_what_the_old_one_waited_for() {
    let mut w = world();
    let generation = static_pair(&mut w);
    w.ask(&request("", "c"));
    let old = w.ask(&fixed("bob-1", "", "bob"));
    let new = w.ask(&fixed("", "2", "bob"));
    let answer = w.joined(old).unwrap();
    assert_eq!(answer.error.map(|e| e.code()), Some(Code::FencedInstanceId));
    w.ask(&fixed("ann-1", "", "ann"));
    assert_eq!(w.joined(new).unwrap().generation, generation + 1);
    // While it waits for its assignment, a new life makes a rebalance: the leader knows the old id.
    let waits = w.bring("bob-2", generation + 1, &[]);
    w.ask(&fixed("", "3", "bob"));
    assert_eq!(w.synced(waits), Some(Err(Code::FencedInstanceId)));
    assert_eq!(w.state(), GroupState::PreparingRebalance);
    w.check();
}

#[test]
fn a_static_member_that_is_away_keeps_its_place_until_its_session_ends() {
    let mut w = world();
    let generation = static_pair(&mut w);
    let c = w.ask(&request("", "c"));
    let a = w.ask(&fixed("ann-1", "", "ann"));
    // Bob does not come. His session ends before the time to join does.
    w.pass(SESSION);
    w.expire();
    assert_eq!(w.joined(a).unwrap().generation, generation + 1);
    assert_eq!(w.joined(c).unwrap().generation, generation + 1);
    assert_eq!(w.joined(a).unwrap().members.len(), 2);

    // With a longer session he is still counted when the time to join is over.
    let mut w = world();
    let long = |fresh: &str, name: &str| JoinRequest {
        session_timeout: REBALANCE * 3,
        ..fixed("", fresh, name)
    };
    w.ask_now(&long("1", "bob"));
    w.bring("bob-1", 1, &["bob-1"]);
    let ann = w.ask(&long("1", "ann"));
    w.pass(REBALANCE);
    w.expire();
    let answer = w.joined(ann).unwrap();
    assert_eq!((&*answer.leader, answer.members.len()), ("ann-1", 2));
    w.check();
}

#[test]
fn administrators_remove_static_members_by_instance() {
    let mut w = world();
    let generation = static_pair(&mut w);
    let outcomes = w.go(&[
        ("", Some("eve")),
        ("bob-9", Some("bob")),
        ("", Some("bob")),
        ("", None),
    ]);
    let expected = [
        Some(Code::UnknownMemberId),
        Some(Code::FencedInstanceId),
        None,
        Some(Code::UnknownMemberId),
    ];
    assert_eq!(outcomes.unwrap(), expected);
    assert_eq!(w.live("ann-1", generation), Some(Code::RebalanceInProgress));
    w.check();
}

// After a restart.

#[test]
fn a_restart_finds_the_group_as_it_was_before_its_last_rebalance() {
    let mut w = world();
    let generation = w.stable(&["a", "b"]);
    w.ask(&request("", "c"));
    let mut again = w.replayed();
    again.settings = w.groups.settings.clone();
    w.groups = again;
    w.groups.loaded(w.now);
    assert_eq!(w.state(), GroupState::Stable);
    assert_eq!(w.live("c-a", generation), None);
    assert_eq!(w.live("c-c", generation), Some(Code::UnknownMemberId));
    let token = w.bring("c-b", generation, &[]);
    assert_eq!(w.synced(token), Some(Ok("c-b".into())));
    let same = w.ask_now(&request("c-b", ""));
    assert_eq!(same.generation, generation);
    // Sessions start anew.
    w.pass(SESSION);
    assert_eq!(w.expire().len(), 2);
    assert_eq!(w.state(), GroupState::Empty);
    w.check();
}

#[test]
fn assignments_by_member_go_to_those_members() {
    let mut w = world();
    let generation = w.stable(&["a", "b"]);
    let shown = w.groups.describe_classic(GROUP).unwrap();
    assert_eq!(shown.generation, generation);
    let said: BTreeMap<&str, &[u8]> = shown
        .members
        .iter()
        .map(|m| (&*m.id, &*m.assignment))
        .collect();
    assert_eq!(said["c-a"], b"c-a");
    assert_eq!(said["c-b"], b"c-b");
}
