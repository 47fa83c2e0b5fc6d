//! Groups of the protocol of KIP-848.

use levada::protocol::messages::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
};
use levada::protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, RequestTopicPartitions,
};

use super::wire::Wire;

use super::members::*;

#[test]
fn a_member_of_a_consumer_group_lives_by_heartbeats_alone() {
    let broker = broker();
    let mut wire = broker.connect();
    let id = topic_id(&mut wire);
    // In version 0 the broker names the member.
    let nameless = ConsumerGroupHeartbeatRequest {
        member_id: "".into(),
        ..beat("modern")
    };
    assert_eq!(consumer(&mut wire, 1, &nameless).code, 42);
    let first = consumer(&mut wire, 0, &nameless);
    assert_eq!(first.code, 0);
    assert_eq!(first.partitions, Some(vec![(id, vec![0, 1])]));
    let second = consumer(&mut wire, 1, &beat("modern"));
    assert_eq!(second.partitions, Some(Vec::new()), "nothing is free yet");

    let plain = |member: &'static str, epoch| ConsumerGroupHeartbeatRequest {
        group_id: "modern".into(),
        member_id: member.into(),
        member_epoch: epoch,
        rebalance_timeout_ms: -1,
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let holds = |partitions: Vec<i32>| {
        Some(vec![RequestTopicPartitions {
            topic_id: id,
            partitions,
        }])
    };
    let of_first = |epoch, owned| ConsumerGroupHeartbeatRequest {
        member_id: first.member.clone().into(),
        topic_partitions: owned,
        ..plain("", epoch)
    };
    let mut told = None;
    until("it is to give one up", || {
        let beaten = consumer(&mut wire, 1, &of_first(first.epoch, None));
        told = beaten.partitions;
        told.is_some()
    });
    let kept = told.unwrap_or_default();
    assert_eq!(kept[0].1.len(), 1);
    let given_up = consumer(
        &mut wire,
        1,
        &of_first(first.epoch, holds(kept[0].1.clone())),
    );
    assert_eq!(given_up.epoch, second.epoch);
    let moved = consumer(&mut wire, 1, &plain("AAAAAAAAAAAAAAAAAAAAAg", second.epoch));
    assert_eq!(moved.partitions, Some(vec![(id, vec![1 - kept[0].1[0]])]));

    let described = describes_consumers(&mut wire, "modern");
    assert_eq!(
        described,
        (0, "Stable".into(), "uniform".into(), vec![1, 1])
    );
    // Who leaves is answered with the epoch that it left with.
    assert_eq!(consumer(&mut wire, 1, &of_first(-1, None)).epoch, -1);
    assert_eq!(
        consumer(&mut wire, 1, &of_first(given_up.epoch, None)).code,
        25
    );
}

#[test]
fn a_pattern_matches_internal_topics_that_it_names_alone() {
    let broker = broker();
    let mut wire = broker.connect();
    // The first group makes the topic in which groups are kept.
    assert_eq!(consumer(&mut wire, 1, &beat("first")).code, 0);
    let pattern = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some("__consumer_.*".into()),
        ..beat("patterns")
    };
    let given = consumer(&mut wire, 1, &pattern);
    let topics = given.partitions.unwrap_or_default();
    assert_eq!((given.code, topics.len()), (0, 1), "{topics:?}");
    let everything = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some(".*".into()),
        ..beat("everything")
    };
    let given = consumer(&mut wire, 1, &everything);
    let topics = given.partitions.unwrap_or_default();
    assert!(given.code == 0 && !topics.is_empty());
    let offsets = broker
        .database
        .engine()
        .topic("__consumer_offsets")
        .unwrap();
    assert!(
        topics.iter().all(|(id, _)| *id != offsets.id()),
        "{topics:?}"
    );
}

#[test]
fn heartbeats_that_make_no_sense_are_refused() {
    let broker = broker();
    let mut wire = broker.connect();
    assert_eq!(consumer(&mut wire, 1, &beat("sense")).code, 0);
    let epoch = |group: &'static str, member_epoch| ConsumerGroupHeartbeatRequest {
        member_epoch,
        ..beat(group)
    };
    let assignor = ConsumerGroupHeartbeatRequest {
        server_assignor: Some("mine".into()),
        ..beat("sense")
    };
    let pattern = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some("(".into()),
        ..beat("sense")
    };
    let nameless = ConsumerGroupHeartbeatRequest {
        member_id: "".into(),
        ..beat("sense")
    };
    let unknown = ConsumerGroupHeartbeatRequest {
        member_id: "BBBBBBBBBBBBBBBBBBBBBB".into(),
        ..epoch("sense", 3)
    };
    let cases = [
        (epoch("none", 3), 69),
        (epoch("", 0), 42),
        (epoch("sense", -3), 42),
        (epoch("sense", 99), 110),
        (unknown, 25),
        (nameless, 42),
        (assignor, 112),
        (pattern, 128),
    ];
    for (at, (request, code)) in cases.into_iter().enumerate() {
        assert_eq!(consumer(&mut wire, 1, &request).code, code, "case {at}");
    }
}

fn describes_consumers(wire: &mut Wire, group: &str) -> (i16, String, String, Vec<i8>) {
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![group.into()],
        include_authorized_operations: true,
    };
    let answer = wire.call(1, &request);
    let response: ConsumerGroupDescribeResponse<'_> = answer.read();
    let group = &response.groups[0];
    let asked = match group.error_code {
        0 => GROUP_OPERATIONS,
        _ => UNASKED,
    };
    assert_eq!(group.authorized_operations, asked);
    for member in &group.members {
        assert_eq!(member.client_host, "/127.0.0.1");
        assert_eq!(member.subscribed_topic_names, ["t"]);
        assert_eq!(member.assignment.topic_partitions[0].topic_name, "t");
        assert_eq!(member.assignment, member.target_assignment);
    }
    let kinds = group.members.iter().map(|member| member.member_type);
    let (state, assignor) = (
        group.group_state.to_string(),
        group.assignor_name.to_string(),
    );
    (group.error_code, state, assignor, kinds.collect())
}

#[test]
fn a_classic_group_is_no_consumer_group() {
    let broker = broker();
    let mut wire = broker.connect();
    alone(&mut wire, "old");
    for group in ["old", "none"] {
        let refused = describes_consumers(&mut wire, group);
        assert_eq!(
            refused,
            (69, String::new(), String::new(), vec![]),
            "{group}"
        );
    }
}
