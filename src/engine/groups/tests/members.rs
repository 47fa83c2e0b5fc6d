//! Stories of members: joining, sharing, leaving, stalling, coming back.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::groups::testing::{GROUP, REBALANCE, World, code_of};
use crate::engine::groups::*;
use crate::error::Code;

#[test]
fn one_member_gets_everything_at_once() {
    let mut w = World::new(&[("orders", 4)]);
    let answer = w.join("ann", &["orders"]);
    assert_eq!(answer.epoch, 2);
    assert_eq!(
        w.holds("ann"),
        ["orders-0", "orders-1", "orders-2", "orders-3"]
    );
    assert_eq!(w.state(), GroupState::Stable);
    // A quiet heartbeat writes nothing and says nothing.
    let written = w.log.len();
    assert_eq!(w.beat("ann").unwrap().assignment, None);
    assert_eq!(w.log.len(), written);
    w.check();
}

#[test]
fn a_second_member_gets_its_share_only_after_the_first_gave_it_up() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    let answer = w.join("bob", &["orders"]);
    assert_eq!((answer.epoch, w.holds("bob").len()), (3, 0));
    assert_eq!(w.state(), GroupState::Reconciling);

    // Ann hears that she must give up two. She stays in her epoch until she has.
    let answer = w.beat("ann").unwrap();
    assert_eq!((answer.epoch, w.holds("ann").len()), (2, 2));
    assert_eq!(w.beat("bob").unwrap().assignment, None);
    // She confirms; only now Bob gets them.
    assert_eq!(w.beat("ann").unwrap().epoch, 3);
    w.beat("bob").unwrap();
    assert_eq!(w.holds("ann"), ["orders-0", "orders-1"]);
    assert_eq!(w.holds("bob"), ["orders-2", "orders-3"]);
    assert_eq!(w.state(), GroupState::Stable);
    w.check();
}

#[test]
fn what_a_leaver_held_goes_to_the_others() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.join("bob", &["orders"]);
    w.settle();
    w.leave("bob", false);
    assert_eq!(w.state(), GroupState::Assigning);
    assert_eq!(w.beat("ann").unwrap().epoch, 4);
    assert_eq!(w.holds("ann").len(), 4);
    w.leave("ann", false);
    assert_eq!(w.state(), GroupState::Empty);
    assert_eq!(w.groups.next_deadline(), None);
    w.check();
}

#[test]
fn a_silent_member_is_put_out_when_its_session_ends() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.join("bob", &["orders"]);
    w.settle();
    w.pass(Duration::from_secs(40));
    w.beat("ann").unwrap();
    assert!(w.expire().is_empty());
    w.pass(Duration::from_secs(5));
    let evicted = w.expire();
    assert_eq!(evicted.len(), 1);
    assert_eq!(
        (evicted[0].member.as_ref(), evicted[0].held_on),
        ("bob", false)
    );
    w.beat("ann").unwrap();
    assert_eq!(code_of(w.beat("bob")), Some(Code::UnknownMemberId));
    assert_eq!(w.holds("ann").len(), 4);
    w.check();
}

#[test]
fn a_member_that_holds_on_past_its_rebalance_timeout_is_put_out() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.clients.get_mut("ann").unwrap().stalls = true;
    w.join("bob", &["orders"]);
    for _ in 0..6 {
        w.beat("ann").unwrap();
        w.beat("bob").unwrap();
        assert!(w.expire().is_empty());
        w.pass(Duration::from_secs(5));
    }
    let evicted = w.expire();
    assert_eq!(
        (evicted[0].member.as_ref(), evicted[0].held_on),
        ("ann", true)
    );
    assert_eq!(code_of(w.beat("ann")), Some(Code::UnknownMemberId));
    w.beat("bob").unwrap();
    assert_eq!(w.holds("bob").len(), 4);
    w.check();
}

#[test]
fn a_static_member_finds_its_partitions_again() {
    let mut w = World::new(&[("orders", 4)]);
    let instance = |h: &mut Heartbeat| h.instance_id = Some(Arc::from("rack-1"));
    w.join_with("ann", &["orders"], instance).unwrap();
    w.join("bob", &["orders"]);
    w.settle();
    let held = w.holds("ann");

    // While it lives nobody else may take its name.
    let taken = w.join_with("eve", &["orders"], instance);
    assert_eq!(code_of(taken), Some(Code::UnreleasedInstanceId));

    w.leave("ann", true);
    assert_eq!(w.state(), GroupState::Reconciling);
    assert_eq!(w.beat("bob").unwrap().assignment, None);
    let answer = w.join_with("ann-2", &["orders"], instance).unwrap();
    assert_eq!((answer.epoch, w.holds("ann-2")), (3, held));
    assert_eq!(w.beat("bob").unwrap().assignment, None);

    // The old life is fenced.
    let mut old = Heartbeat::of(GROUP, "ann", 3);
    old.instance_id = Some(Arc::from("rack-1"));
    assert_eq!(code_of(w.send(&old)), Some(Code::FencedInstanceId));
    assert_eq!(w.state(), GroupState::Stable);
    w.check();
}

#[test]
fn a_static_member_that_does_not_return_loses_its_partitions() {
    let mut w = World::new(&[("orders", 4)]);
    let instance = |h: &mut Heartbeat| h.instance_id = Some(Arc::from("rack-1"));
    w.join_with("ann", &["orders"], instance).unwrap();
    w.join("bob", &["orders"]);
    w.settle();
    w.leave("ann", true);
    w.pass(Duration::from_secs(44));
    w.beat("bob").unwrap();
    w.pass(Duration::from_secs(2));
    assert_eq!(w.expire().len(), 1);
    w.beat("bob").unwrap();
    assert_eq!(w.holds("bob").len(), 4);
    w.check();
}

#[test]
fn a_pattern_picks_up_a_new_topic() {
    let mut w = World::new(&[("orders-eu", 1), ("other", 1)]);
    let pattern = |h: &mut Heartbeat| {
        h.topics = None;
        h.regex = Some(Arc::from("orders-.*"));
    };
    w.join_with("ann", &[], pattern).unwrap();
    assert_eq!(w.holds("ann"), ["orders-eu-0"]);
    w.topics.set("orders-us", 2);
    w.topics.set("my-orders-us", 2);
    w.beat("ann").unwrap();
    assert_eq!(
        w.holds("ann"),
        ["orders-eu-0", "orders-us-0", "orders-us-1"]
    );
    w.check();

    let bad = |h: &mut Heartbeat| h.regex = Some(Arc::from("orders-("));
    assert_eq!(
        code_of(w.join_with("bob", &[], bad)),
        Some(Code::InvalidRegularExpression)
    );
    // When the last one with the pattern goes, the pattern goes.
    w.leave("ann", false);
    assert_eq!(w.groups.consumer_group(GROUP).unwrap().regexes().len(), 0);
    w.check();
}

#[test]
fn partitions_come_and_go_with_their_topics() {
    let mut w = World::new(&[("orders", 2), ("bills", 1)]);
    w.join("ann", &["orders", "bills", "later"]);
    w.commit("ann", 2, ("bills", 0), 7).unwrap();
    w.topics.set("orders", 3);
    w.beat("ann").unwrap();
    assert_eq!(w.holds("ann").len(), 4);
    w.topics.set("later", 1);
    w.beat("ann").unwrap();
    assert_eq!(w.holds("ann").len(), 5);

    w.topics.delete("bills");
    for plan in w.groups.topics_deleted(&[Arc::from("bills")]) {
        w.run(plan);
    }
    assert_eq!(w.committed(("bills", 0)), None);
    w.settle();
    assert_eq!(w.holds("ann").len(), 4);
    // A topic made again under the old name is another one, with no offsets.
    w.topics.set("bills", 1);
    w.settle();
    assert_eq!(w.holds("ann").len(), 5);
    w.check();
}

#[test]
fn a_member_that_changes_its_mind_gives_up_the_old_topic() {
    let mut w = World::new(&[("orders", 2), ("bills", 2)]);
    w.join("ann", &["orders"]);
    w.join("bob", &["orders", "bills"]);
    w.settle();
    let client = w.clients["ann"].clone();
    let mut request = Heartbeat::of(GROUP, "ann", client.epoch);
    request.topics = Some([Arc::from("bills")].into());
    request.owned = Some(client.holds);
    w.send(&request).unwrap();
    w.clients.get_mut("ann").unwrap().holds.clear();
    w.settle();
    assert_eq!(w.holds("ann"), ["bills-0", "bills-1"]);
    assert_eq!(w.holds("bob"), ["orders-0", "orders-1"]);
    w.check();
}

#[test]
fn a_lost_answer_is_given_again_and_a_zombie_is_fenced() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.join("bob", &["orders"]);
    w.beat("ann").unwrap();
    let before = w.clients["ann"].clone();
    assert_eq!(w.beat("ann").unwrap().epoch, 3);
    // The answer was lost: Ann comes again with epoch 2, holding no more than she should.
    w.clients.insert("ann", before.clone());
    assert_eq!(w.beat("ann").unwrap().epoch, 3);
    // Coming with more than that, she is fenced.
    let mut zombie = Heartbeat::of(GROUP, "ann", 2);
    zombie.owned = Some([(w.topics.topics["orders"].id, [3].into())].into());
    assert_eq!(code_of(w.send(&zombie)), Some(Code::FencedMemberEpoch));
    let ahead = Heartbeat::of(GROUP, "ann", 9);
    assert_eq!(code_of(w.send(&ahead)), Some(Code::FencedMemberEpoch));
    // Fenced members join again under their id.
    let again = Heartbeat::join(GROUP, "ann", &["orders"], REBALANCE);
    assert_eq!(w.send(&again).unwrap().assignment, Some(before.holds));
    w.check();
}

#[test]
fn a_restarted_coordinator_knows_its_members_and_gives_them_time() {
    let mut w = World::new(&[("orders", 4)]);
    w.join("ann", &["orders"]);
    w.join("bob", &["orders"]);
    w.settle();
    w.groups = w.replayed();
    assert_eq!(w.groups.next_deadline(), None);
    w.pass(Duration::from_secs(1000));
    w.groups.loaded(w.now);
    assert!(w.expire().is_empty());
    let written = w.log.len();
    assert_eq!(w.beat("ann").unwrap().assignment, None);
    assert_eq!(w.log.len(), written, "a restart alone moves nobody");
    w.pass(Duration::from_secs(45));
    assert_eq!(w.expire().len(), 2);
}

#[test]
fn wrong_heartbeats_are_refused() {
    let mut w = World::new(&[("orders", 1)]);
    let code = |w: &mut World, change: &dyn Fn(&mut Heartbeat)| {
        let mut request = Heartbeat::join(GROUP, "ann", &["orders"], REBALANCE);
        change(&mut request);
        code_of(w.send(&request))
    };
    let invalid = Some(Code::InvalidRequest);
    assert_eq!(code(&mut w, &|h| h.group = Arc::from("")), invalid);
    assert_eq!(code(&mut w, &|h| h.member = Arc::from("")), invalid);
    assert_eq!(code(&mut w, &|h| h.topics = None), invalid);
    assert_eq!(code(&mut w, &|h| h.rebalance_timeout = None), invalid);
    assert_eq!(code(&mut w, &|h| h.owned = None), invalid);
    assert_eq!(
        code(&mut w, &|h| h.instance_id = Some(Arc::from(""))),
        invalid
    );
    assert_eq!(code(&mut w, &|h| h.epoch = -3), invalid);
    assert_eq!(code(&mut w, &|h| h.epoch = -2), invalid);
    let missing = Some(Code::GroupIdNotFound);
    assert_eq!(code(&mut w, &|h| h.epoch = 1), missing);
    assert_eq!(code(&mut w, &|h| h.epoch = -1), missing);
    w.join("bob", &["orders"]);
    assert_eq!(code(&mut w, &|h| h.epoch = 1), Some(Code::UnknownMemberId));
    w.groups.settings.assignors = vec![AssignorKind::Uniform];
    let range = |h: &mut Heartbeat| h.assignor = Some(AssignorKind::Range);
    assert_eq!(code(&mut w, &range), Some(Code::UnsupportedAssignor));
    w.groups.settings.group_size_max = 1;
    assert_eq!(code(&mut w, &|_| {}), Some(Code::GroupMaxSizeReached));
}

#[test]
fn most_members_choose_the_assignor() {
    let mut w = World::new(&[("a", 2), ("b", 2)]);
    let range = |h: &mut Heartbeat| h.assignor = Some(AssignorKind::Range);
    w.join_with("ann", &["a", "b"], range).unwrap();
    w.join_with("bob", &["a", "b"], range).unwrap();
    w.settle();
    assert_eq!(w.holds("ann"), ["a-0", "b-0"]);
    assert_eq!(w.holds("bob"), ["a-1", "b-1"]);
    w.check();
}

#[test]
fn a_plan_that_is_dropped_changes_nothing() {
    let mut w = World::new(&[("orders", 1)]);
    let request = Heartbeat::join(GROUP, "ann", &["orders"], REBALANCE);
    drop(w.groups.heartbeat(&request, &w.topics, w.now).unwrap());
    assert_eq!(w.state(), GroupState::Dead);
    assert_eq!(w.groups.next_deadline(), None);
    w.join("ann", &["orders"]);
    w.check();
}

#[test]
fn having_more_to_give_up_gives_no_more_time() {
    let mut w = World::new(&[("bills", 1), ("orders", 4)]);
    w.join("ann", &["bills", "orders"]);
    w.clients.get_mut("ann").unwrap().stalls = true;
    w.join("bob", &["orders"]);
    w.beat("ann").unwrap();
    w.pass(Duration::from_secs(20));
    let client = w.clients["ann"].clone();
    let mut request = Heartbeat::of(GROUP, "ann", client.epoch);
    request.topics = Some([Arc::from("orders")].into());
    request.owned = Some(client.holds);
    let written = w.log.len();
    w.send(&request).unwrap();
    assert!(w.log.len() > written, "bills are to be given up as well");
    w.beat("bob").unwrap();
    w.pass(Duration::from_secs(10));
    assert_eq!(w.expire().len(), 1);
    w.check();
}
