//! Groups and offsets: both protocols, old versions and new.

use std::path::Path;
use std::time::{Duration, Instant};

use levada::embedded::{Database, OpenOptions};
use levada::engine::NewTopic;
use levada::protocol::ApiKey;
use levada::protocol::messages::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
};
use levada::protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, RequestTopicPartitions,
};
use levada::protocol::messages::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use levada::protocol::messages::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
use levada::protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse,
};
use levada::protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use levada::protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use levada::protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity,
};
use levada::protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};
use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use levada::protocol::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use levada::types::TopicId;

use super::wire::{Broker, Wire};

/// A consumer's subscription to `t`, version 0.
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\0\0\0\0";
const UNASKED: i32 = i32::MIN;

/// A broker with topic `t` of two partitions, whose first rebalance waits for nobody.
pub fn broker() -> Broker {
    broker_in(":memory:")
}

/// The same on a data directory.
pub fn broker_in(dir: impl AsRef<Path>) -> Broker {
    let settings = [
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "100"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = OpenOptions {
        settings: settings.into(),
        ..OpenOptions::default()
    };
    let database = Database::open_with(dir, options).unwrap();
    let engine = database.engine();
    if engine.topic("t").is_err() {
        engine.create_topic(&NewTopic::new("t", 2)).unwrap();
    }
    Broker::on(database, &[])
}

/// The id of topic `t`, as clients learn it.
pub fn topic_id(wire: &mut Wire) -> TopicId {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    let answer = wire.call(12, &request);
    let response: MetadataResponse<'_> = answer.read();
    response.topics[0].topic_id
}

pub fn join<'a>(group: &'a str, member: &'a str) -> JoinGroupRequest<'a> {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: SUBSCRIPTION.into(),
        }],
        ..JoinGroupRequest::default()
    }
}

/// Asks until it is so, for a while.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::yield_now();
    }
}

/// What a member hears of its generation.
#[derive(Debug, PartialEq)]
pub struct Joined {
    pub code: i16,
    pub member: String,
    pub generation: i32,
    pub leads: bool,
    pub members: usize,
}

fn joined(wire: &mut Wire, version: i16, id: i32) -> Joined {
    let answer = wire.receive(ApiKey::JoinGroup, version, id);
    let response: JoinGroupResponse<'_> = answer.read();
    Joined {
        code: response.error_code,
        member: response.member_id.to_string(),
        generation: response.generation_id,
        leads: !response.leader.is_empty() && response.leader == response.member_id,
        members: response.members.len(),
    }
}

pub fn joins(wire: &mut Wire, version: i16, request: &JoinGroupRequest<'_>) -> Joined {
    let id = wire.send(version, request);
    joined(wire, version, id)
}

/// Joins as a new member, with the id that it is given first.
pub fn joins_anew(wire: &mut Wire, group: &str) -> Joined {
    let told = joins(wire, 9, &join(group, ""));
    assert_eq!(told.code, 79, "an id comes first");
    joins(wire, 9, &join(group, &told.member))
}

fn sync<'a>(
    group: &'a str,
    member: &'a str,
    generation: i32,
    given: &[&'a str],
) -> SyncGroupRequest<'a> {
    let given = given.iter().map(|member| SyncGroupRequestAssignment {
        member_id: (*member).into(),
        assignment: member.as_bytes().into(),
    });
    SyncGroupRequest {
        group_id: group.into(),
        generation_id: generation,
        member_id: member.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: given.collect(),
        ..SyncGroupRequest::default()
    }
}

pub fn synced(wire: &mut Wire, version: i16, id: i32) -> (i16, Vec<u8>) {
    let answer = wire.receive(ApiKey::SyncGroup, version, id);
    let response: SyncGroupResponse<'_> = answer.read();
    (response.error_code, response.assignment.to_vec())
}

/// The only member of a group, which leads and has what it gave itself.
pub fn alone(wire: &mut Wire, group: &str) -> Joined {
    let member = joins_anew(wire, group);
    let id = wire.send(
        5,
        &sync(group, &member.member, member.generation, &[&member.member]),
    );
    assert_eq!(synced(wire, 5, id).0, 0);
    member
}

pub fn beats(wire: &mut Wire, group: &str, member: &str, generation: i32) -> i16 {
    let request = HeartbeatRequest {
        group_id: group.into(),
        generation_id: generation,
        member_id: member.into(),
        ..HeartbeatRequest::default()
    };
    let answer = wire.call(4, &request);
    let response: HeartbeatResponse = answer.read();
    response.error_code
}

fn leaves(wire: &mut Wire, version: i16, group: &str, member: &str) -> (i16, Vec<i16>) {
    let single = version < 3;
    let request = LeaveGroupRequest {
        group_id: group.into(),
        member_id: if single { member.into() } else { "".into() },
        members: match single {
            true => Vec::new(),
            false => vec![MemberIdentity {
                member_id: member.into(),
                ..MemberIdentity::default()
            }],
        },
    };
    let answer = wire.call(version, &request);
    let response: LeaveGroupResponse<'_> = answer.read();
    let members = response.members.iter().map(|member| member.error_code);
    (response.error_code, members.collect())
}

#[test]
fn the_broker_coordinates_every_group_and_transaction() {
    let broker = broker();
    let mut wire = broker.connect();
    let port: i32 = broker.server.listening().next().unwrap().port.into();
    for version in 0..=3 {
        let request = FindCoordinatorRequest {
            key: "g".into(),
            key_type: i8::from(version == 2),
            ..FindCoordinatorRequest::default()
        };
        let answer = wire.call(version, &request);
        let response: FindCoordinatorResponse<'_> = answer.read();
        assert_eq!((response.error_code, response.port), (0, port), "{version}");
        assert_eq!(response.host, "127.0.0.1");
    }
    let found = |wire: &mut Wire, key_type| -> Vec<(String, i16, i32)> {
        let request = FindCoordinatorRequest {
            key_type,
            coordinator_keys: vec!["a".into(), "b".into()],
            ..FindCoordinatorRequest::default()
        };
        let answer = wire.call(6, &request);
        let response: FindCoordinatorResponse<'_> = answer.read();
        let all = response.coordinators.iter();
        all.map(|c| (c.key.to_string(), c.error_code, c.port))
            .collect()
    };
    for key_type in [0, 1] {
        let both = [("a".into(), 0, port), ("b".into(), 0, port)];
        assert_eq!(found(&mut wire, key_type), both);
    }
    let refused = [("a".into(), 42, -1), ("b".into(), 42, -1)];
    assert_eq!(found(&mut wire, 9), refused);
    let offsets = broker.database.engine().topic("__consumer_offsets");
    assert_eq!(offsets.unwrap().partitions().len(), 50);
}

#[test]
fn two_members_share_out_and_rebalance_when_one_leaves() {
    let broker = broker();
    let (mut first, mut second) = (broker.connect(), broker.connect());
    let one = alone(&mut first, "pair");
    assert!(one.leads);
    assert_eq!((one.generation, one.members), (1, 1));
    assert_eq!(beats(&mut first, "pair", &one.member, 1), 0);

    let told = joins(&mut second, 9, &join("pair", ""));
    let waits = second.send(9, &join("pair", &told.member));
    until("the leader hears of it", || {
        beats(&mut first, "pair", &one.member, 1) == 27
    });
    let again = joins(&mut first, 9, &join("pair", &one.member));
    let two = joined(&mut second, 9, waits);
    assert_eq!((again.generation, again.members, again.leads), (2, 2, true));
    assert_eq!(
        (two.code, two.generation, two.members, two.leads),
        (0, 2, 0, false)
    );

    let waits = second.send(5, &sync("pair", &two.member, 2, &[]));
    let leads = first.send(
        5,
        &sync("pair", &one.member, 2, &[&one.member, &two.member]),
    );
    assert_eq!(
        synced(&mut first, 5, leads),
        (0, one.member.clone().into_bytes())
    );
    assert_eq!(
        synced(&mut second, 5, waits),
        (0, two.member.clone().into_bytes())
    );

    assert_eq!(leaves(&mut second, 5, "pair", &two.member), (0, vec![0]));
    assert_eq!(beats(&mut first, "pair", &one.member, 2), 27);
    let again = joins(&mut first, 9, &join("pair", &one.member));
    assert_eq!((again.code, again.generation, again.members), (0, 3, 1));
}

#[test]
fn old_clients_join_without_an_id_and_without_a_rebalance_timeout() {
    let broker = broker();
    let mut wire = broker.connect();
    for version in 0..4 {
        let group = format!("g{version}");
        let member = joins(&mut wire, version, &join(&group, ""));
        assert_eq!((member.code, member.generation), (0, 1), "{version}");
        assert!(member.member.starts_with("wire-"));
        let give = [&*member.member];
        let id = wire.send(0, &sync(&group, &member.member, 1, &give));
        assert_eq!(
            synced(&mut wire, 0, id),
            (0, member.member.clone().into_bytes())
        );
        assert_eq!(leaves(&mut wire, 0, &group, &member.member), (0, vec![]));
        assert_eq!(leaves(&mut wire, 2, &group, &member.member), (25, vec![]));
    }
}

#[test]
fn joins_and_syncs_are_refused_as_kafka_refuses_them() {
    let broker = broker();
    let mut wire = broker.connect();
    let brief = JoinGroupRequest {
        session_timeout_ms: 1,
        ..join("refusing", "")
    };
    let nothing = JoinGroupRequest {
        protocols: Vec::new(),
        ..join("refusing", "")
    };
    for version in [0, 5, 6, 7, 9] {
        assert_eq!(joins(&mut wire, version, &join("", "")).code, 24);
        assert_eq!(
            joins(&mut wire, version, &join("refusing", "nobody")).code,
            25
        );
        assert_eq!(joins(&mut wire, version, &brief).code, 26);
        assert_eq!(joins(&mut wire, version, &nothing).code, 23);
    }
    for version in 0..=5 {
        let id = wire.send(version, &sync("none", "nobody", 1, &[]));
        assert_eq!(synced(&mut wire, version, id).0, 25);
    }
    let unnamed = SyncGroupRequest {
        protocol_name: None,
        ..sync("refusing", "nobody", 1, &[])
    };
    let id = wire.send(5, &unnamed);
    assert_eq!(synced(&mut wire, 5, id).0, 23);
    assert_eq!(beats(&mut wire, "none", "nobody", 1), 25);
    assert_eq!(beats(&mut wire, "", "nobody", 1), 24);
    assert_eq!(leaves(&mut wire, 2, "none", "nobody"), (25, vec![]));
    assert_eq!(leaves(&mut wire, 5, "none", "nobody"), (0, vec![25]));
    let member = alone(&mut wire, "refusing");
    assert_eq!(beats(&mut wire, "refusing", &member.member, 7), 22);
    let id = wire.send(5, &sync("refusing", &member.member, 7, &[]));
    assert_eq!(synced(&mut wire, 5, id).0, 22);
}

fn describes(wire: &mut Wire, version: i16, group: &str) -> (i16, String, String, usize, i32) {
    let request = DescribeGroupsRequest {
        groups: vec![group.into()],
        include_authorized_operations: version >= 3,
    };
    let answer = wire.call(version, &request);
    let response: DescribeGroupsResponse<'_> = answer.read();
    let group = &response.groups[0];
    assert_eq!(group.error_message.is_some(), group.error_code != 0);
    for member in &group.members {
        assert_eq!(member.client_host, "/127.0.0.1");
        assert_eq!(member.client_id, "wire");
        assert_eq!(*member.member_metadata, *SUBSCRIPTION);
        assert_eq!(*member.member_assignment, *member.member_id.as_bytes());
    }
    let (state, protocol) = (
        group.group_state.to_string(),
        group.protocol_data.to_string(),
    );
    (
        group.error_code,
        state,
        protocol,
        group.members.len(),
        group.authorized_operations,
    )
}

fn lists(
    wire: &mut Wire,
    version: i16,
    states: &[&'static str],
    types: &[&'static str],
) -> Vec<[String; 4]> {
    let request = ListGroupsRequest {
        states_filter: states.iter().map(|name| (*name).into()).collect(),
        types_filter: types.iter().map(|name| (*name).into()).collect(),
    };
    let answer = wire.call(version, &request);
    let response: ListGroupsResponse<'_> = answer.read();
    assert_eq!(response.error_code, 0);
    let row = |group: &levada::protocol::messages::list_groups::ListedGroup<'_>| {
        [
            &group.group_id,
            &group.protocol_type,
            &group.group_state,
            &group.group_type,
        ]
        .map(ToString::to_string)
    };
    response.groups.iter().map(row).collect()
}

fn deletes(wire: &mut Wire, groups: &[&'static str]) -> Vec<i16> {
    let request = DeleteGroupsRequest {
        groups_names: groups.iter().map(|name| (*name).into()).collect(),
    };
    let answer = wire.call(3, &request);
    let response: DeleteGroupsResponse<'_> = answer.read();
    let results = response.results.iter();
    results.map(|result| result.error_code).collect()
}

#[test]
fn groups_are_described_listed_and_deleted() {
    let broker = broker();
    let mut wire = broker.connect();
    let member = alone(&mut wire, "classic");
    let young = beat("young");
    let modern = consumer(&mut wire, 1, &young);
    assert_eq!(modern.code, 0);
    for version in 0..=6 {
        let operations = if version >= 3 {
            GROUP_OPERATIONS
        } else {
            UNASKED
        };
        let stable = (0, "Stable".into(), "range".into(), 1, operations);
        assert_eq!(
            describes(&mut wire, version, "classic"),
            stable,
            "{version}"
        );
        let (code, operations) = match version {
            6 => (69, UNASKED),
            3..6 => (0, GROUP_OPERATIONS),
            _ => (0, UNASKED),
        };
        for absent in ["none", "young"] {
            let dead = (code, "Dead".into(), String::new(), 0, operations);
            assert_eq!(describes(&mut wire, version, absent), dead, "{version}");
        }
    }
    let names = |rows: Vec<[String; 4]>| -> Vec<String> {
        rows.into_iter().map(|[name, ..]| name).collect()
    };
    assert_eq!(names(lists(&mut wire, 0, &[], &[])), ["classic", "young"]);
    let rows = lists(&mut wire, 5, &[], &[]);
    assert_eq!(
        rows,
        [
            ["classic", "consumer", "Stable", "classic"],
            ["young", "consumer", "Stable", "consumer"],
        ]
    );
    assert_eq!(
        names(lists(&mut wire, 5, &["stable"], &["Consumer"])),
        ["young"]
    );
    assert!(lists(&mut wire, 5, &["Empty"], &[]).is_empty());
    assert!(lists(&mut wire, 5, &[], &["nonsense"]).is_empty());

    assert_eq!(deletes(&mut wire, &["classic", "none"]), [68, 69]);
    assert_eq!(
        leaves(&mut wire, 5, "classic", &member.member),
        (0, vec![0])
    );
    assert_eq!(names(lists(&mut wire, 4, &["Empty"], &[])), ["classic"]);
    assert_eq!(deletes(&mut wire, &["classic", "classic"]), [0, 69]);
    assert_eq!(names(lists(&mut wire, 5, &[], &[])), ["young"]);
}

/// Read, delete, describe, describe configs, alter configs.
const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// A joining member of a consumer group, which reads `t`.
fn beat(group: &str) -> ConsumerGroupHeartbeatRequest<'_> {
    ConsumerGroupHeartbeatRequest {
        group_id: group.into(),
        member_id: "AAAAAAAAAAAAAAAAAAAAAg".into(),
        rebalance_timeout_ms: 30_000,
        subscribed_topic_names: Some(vec!["t".into()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

#[derive(Debug, PartialEq)]
struct Beaten {
    code: i16,
    member: String,
    epoch: i32,
    /// `None`: as before.
    partitions: Option<Vec<(TopicId, Vec<i32>)>>,
}

fn consumer(wire: &mut Wire, version: i16, request: &ConsumerGroupHeartbeatRequest<'_>) -> Beaten {
    let answer = wire.call(version, request);
    let response: ConsumerGroupHeartbeatResponse<'_> = answer.read();
    assert_eq!(response.error_message.is_some(), response.error_code != 0);
    let given = response.assignment.map(|assignment| {
        let topics = assignment.topic_partitions.into_iter();
        topics
            .map(|topic| (topic.topic_id, topic.partitions))
            .collect()
    });
    Beaten {
        code: response.error_code,
        member: response.member_id.unwrap_or_default().into_owned(),
        epoch: response.member_epoch,
        partitions: given,
    }
}

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

#[test]
fn who_waits_for_others_is_answered_when_the_server_stops() {
    let mut broker = broker();
    let (mut first, mut second) = (broker.connect(), broker.connect());
    alone(&mut first, "ending");
    let told = joins(&mut second, 9, &join("ending", ""));
    let waits = second.send(9, &join("ending", &told.member));
    let engine = broker.database.engine().clone();
    let preparing = || {
        let group = engine.groups().describe_classic("ending").unwrap();
        group.state.name() == "PreparingRebalance"
    };
    until("the rebalance began", preparing);
    broker.server.stop(Duration::from_secs(10));
    assert_eq!(joined(&mut second, 9, waits).code, 16);
}
