//! Members of groups as tests play them, in both protocols.

use std::path::Path;
use std::time::{Duration, Instant};

use levada::embedded::{Database, OpenOptions};
use levada::engine::NewTopic;
use levada::protocol::ApiKey;
use levada::protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use levada::protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use levada::protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use levada::protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity,
};
use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use levada::protocol::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use levada::types::TopicId;

use super::wire::{Broker, Wire};

/// A consumer's subscription to `t`, version 0.
pub const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\0\0\0\0";
pub const UNASKED: i32 = i32::MIN;

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
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
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

pub fn joined(wire: &mut Wire, version: i16, id: i32) -> Joined {
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

pub fn sync<'a>(
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

pub fn leaves(wire: &mut Wire, version: i16, group: &str, member: &str) -> (i16, Vec<i16>) {
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

/// Read, delete, describe, describe configs, alter configs.
pub const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// A joining member of a consumer group, which reads `t`.
pub fn beat(group: &str) -> ConsumerGroupHeartbeatRequest<'_> {
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
pub struct Beaten {
    pub code: i16,
    pub member: String,
    pub epoch: i32,
    /// `None`: as before.
    pub partitions: Option<Vec<(TopicId, Vec<i32>)>>,
}

pub fn consumer(
    wire: &mut Wire,
    version: i16,
    request: &ConsumerGroupHeartbeatRequest<'_>,
) -> Beaten {
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
