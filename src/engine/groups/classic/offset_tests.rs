//! Stories of offsets in classic groups.

use std::sync::Arc;
use std::time::Duration;

use super::testing::{request, subscription, world};
use crate::engine::groups::testing::{GROUP, code_of};
use crate::engine::groups::{GroupState, Heartbeat};
use crate::error::Code;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn commits_are_those_of_members_in_their_generation() {
    let mut w = world();
    let a = w.ask_now(&request("", "a"));
    assert_eq!(
        w.commit_as("c-a", a.generation),
        Some(Code::RebalanceInProgress)
    );
    w.bring("c-a", a.generation, &["c-a"]);
    assert_eq!(w.commit_as("c-a", a.generation), None);
    assert_eq!(w.commit_as("c-a", 0), Some(Code::IllegalGeneration));
    assert_eq!(
        w.commit_as("c-x", a.generation),
        Some(Code::UnknownMemberId)
    );
    assert_eq!(w.commit_as("", -1), Some(Code::UnknownMemberId));
    // During the next rebalance what was read before may still be committed.
    w.ask(&request("", "b"));
    assert_eq!(w.state(), GroupState::PreparingRebalance);
    assert_eq!(w.commit_as("c-a", a.generation), None);
    w.check();
    w.go(&[("c-a", None), ("c-b", None)]).unwrap();
    assert_eq!(w.state(), GroupState::Empty);
    assert_eq!(w.commit_as("", -1), None);
    assert_eq!(w.commit_as("c-a", 1), Some(Code::UnknownMemberId));
    w.check();
}

#[test]
fn offsets_of_topics_that_are_read_stay() {
    let mut w = world();
    w.commit("", -1, ("bills", 0), 5).unwrap();
    let generation = w.stable(&["a"]);
    assert_eq!(w.commit_as("c-a", generation), None);
    let places = [(Arc::from("orders"), 0), (Arc::from("bills"), 0)];
    let group = Arc::from(GROUP);
    let plan = w.groups.delete_offsets(&group, &places).unwrap();
    let codes: Vec<_> = plan
        .answer
        .iter()
        .map(|o| code_of(o.result.clone()))
        .collect();
    assert_eq!(codes, [Some(Code::GroupSubscribedToTopic), None]);

    w.pass(DAY * 8);
    for plan in w.groups.expire_offsets(w.now) {
        w.run(plan);
    }
    assert_eq!(w.committed(("orders", 0)), Some(7));
    assert_eq!(w.committed(("bills", 0)), None);
    assert_eq!(
        code_of(w.groups.delete_group(&group)),
        Some(Code::NonEmptyGroup)
    );

    // Once nobody reads, they age from that moment.
    w.go(&[("c-a", None)]).unwrap();
    w.pass(DAY * 6);
    assert!(w.groups.expire_offsets(w.now).is_empty());
    w.pass(DAY);
    for plan in w.groups.expire_offsets(w.now) {
        w.run(plan);
    }
    assert_eq!(w.state(), GroupState::Dead);
    w.check();
}

#[test]
fn nobody_guesses_what_members_that_are_no_consumers_read() {
    let mut w = world();
    let mut worker = request("", "a");
    worker.protocol_type = Arc::from("connect");
    worker.protocols[0].1 = Arc::from(*b"anything");
    w.ask_now(&worker);
    w.bring("c-a", 1, &["c-a"]);
    assert_eq!(w.commit_as("c-a", 1), None);
    let group = Arc::from(GROUP);
    let places = [(Arc::from("orders"), 0)];
    let refused = w.groups.delete_offsets(&group, &places);
    assert_eq!(code_of(refused), Some(Code::NonEmptyGroup));
    w.pass(DAY * 30);
    assert!(w.groups.expire_offsets(w.now).is_empty());

    // Consumers whose subscription cannot be read keep everything.
    let mut w = world();
    let mut odd = request("", "a");
    odd.protocols[0].1 = Arc::from(*b"\0\x01\0");
    w.ask_now(&odd);
    w.bring("c-a", 1, &["c-a"]);
    w.commit_as("c-a", 1);
    let plan = w.groups.delete_offsets(&group, &places).unwrap();
    assert_eq!(
        code_of(plan.answer[0].result.clone()),
        Some(Code::GroupSubscribedToTopic)
    );
}

#[test]
fn an_empty_group_is_deleted_and_may_change_its_protocol() {
    let mut w = world();
    w.stable(&["a"]);
    w.go(&[("c-a", None)]).unwrap();
    let group = Arc::from(GROUP);
    let plan = w.groups.delete_group(&group).unwrap();
    w.run(plan);
    assert_eq!(
        code_of(w.groups.delete_group(&group)),
        Some(Code::GroupIdNotFound)
    );
    w.check();

    // Classic, empty: members of the newer protocol take it over, and the other way round.
    w.stable(&["a"]);
    w.go(&[("c-a", None)]).unwrap();
    w.join("ann", &["orders"]);
    assert_eq!(w.holds("ann").len(), 4);
    w.check();
    let leave = Heartbeat::of(GROUP, "ann", -1);
    w.send(&leave).unwrap();
    w.clients.clear();
    let mut back = request("", "b");
    back.protocols[0].1 = subscription(&["bills"]);
    assert_eq!(w.ask_now(&back).generation, 1);
    w.bring("c-b", 1, &["c-b"]);
    w.check();
    assert!(w.groups.describe_classic(GROUP).is_ok());
}
