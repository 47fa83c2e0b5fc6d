//! Topics made, grown, cut and removed over the wire.

use levada::embedded::{Database, OpenOptions};
use levada::engine::{ConfigOp, NewTopic};
use levada::protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopic,
};
use levada::protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
    CreateTopicsResponse,
};
use levada::protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
};
use levada::protocol::messages::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use levada::protocol::messages::describe_topic_partitions::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, RequestCursor, TopicRequest,
};
use levada::protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
    OffsetForLeaderTopic,
};
use levada::types::TopicId;

use crate::broker::records::{batch, produce};
use crate::broker::wire::{Broker, Wire};

fn topic(name: &str, partitions: i32, factor: i16) -> CreatableTopic<'_> {
    CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: factor,
        ..CreatableTopic::default()
    }
}

fn with<'a>(
    topic: CreatableTopic<'a>,
    settings: &[(&'a str, Option<&'a str>)],
) -> CreatableTopic<'a> {
    let setting = |(name, value): &(&'a str, Option<&'a str>)| CreatableTopicConfig {
        name: (*name).into(),
        value: value.map(Into::into),
    };
    CreatableTopic {
        configs: settings.iter().map(setting).collect(),
        ..topic
    }
}

fn assigned(name: &'static str, assignments: &[(i32, &[i32])]) -> CreatableTopic<'static> {
    let assignment = |(partition, brokers): &(i32, &[i32])| CreatableReplicaAssignment {
        partition_index: *partition,
        broker_ids: brokers.to_vec(),
    };
    CreatableTopic {
        assignments: assignments.iter().map(assignment).collect(),
        ..topic(name, -1, -1)
    }
}

/// The code and the number of partitions in the answer.
fn create(wire: &mut Wire, topic: CreatableTopic<'_>, validate_only: bool) -> (i16, i32) {
    let request = CreateTopicsRequest {
        topics: vec![topic],
        validate_only,
        ..CreateTopicsRequest::default()
    };
    let answer = wire.call(7, &request);
    let response: CreateTopicsResponse<'_> = answer.read();
    let made = &response.topics[0];
    assert_eq!(made.error_message.is_some(), made.error_code != 0);
    (made.error_code, made.num_partitions)
}

#[test]
fn topics_are_made_with_what_was_asked_for_or_refused_with_kafkas_code() {
    let options = OpenOptions {
        settings: [("num.partitions".to_owned(), "4".to_owned())].into(),
        ..OpenOptions::default()
    };
    let database = Database::open_with(":memory:", options).expect("open");
    let broker = Broker::on(database, &[]);
    let wire = &mut broker.connect();
    assert_eq!(create(wire, topic("t", 3, 1), false), (0, 3));
    assert_eq!(create(wire, topic("defaults", -1, -1), false), (0, 4));
    assert_eq!(
        create(wire, assigned("a", &[(1, &[1]), (0, &[1])]), false),
        (0, 2)
    );
    assert_eq!(create(wire, topic("a.b", 1, 1), false), (0, 1));
    let twice = [("retention.ms", Some("1")), ("retention.ms", Some("2"))];
    assert_eq!(
        create(wire, with(topic("last", 1, 1), &twice), false),
        (0, 1)
    );
    let last = broker.database.engine().topic("last").unwrap();
    assert_eq!(last.overrides()["retention.ms"], "2");

    let long = "a".repeat(250);
    let refused = [
        (36, topic("t", 1, 1)),
        (37, topic("x", 0, 1)),
        (37, topic("x", -2, 1)),
        (38, topic("x", 1, 0)),
        (38, topic("x", 1, 2)),
        (38, topic("x", 1, -2)),
        (17, topic("a b", 1, 1)),
        (17, topic("", 1, 1)),
        (17, topic("..", 1, 1)),
        (17, topic(&long, 1, 1)),
        (17, topic("a_b", 1, 1)),
        (17, topic("__consumer_offsets", 1, 1)),
        (44, topic("x", 20_000, 1)),
        (40, with(topic("x", 1, 1), &[("foo", Some("1"))])),
        (40, with(topic("x", 1, 1), &[("retention.ms", Some("abc"))])),
        (40, with(topic("x", 1, 1), &[("retention.ms", None)])),
        (39, assigned("x", &[(0, &[9])])),
        (39, assigned("x", &[(0, &[1, 1])])),
        (39, assigned("x", &[(0, &[])])),
        (39, assigned("x", &[(1, &[1])])),
        (39, assigned("x", &[(0, &[1]), (0, &[1])])),
    ];
    for (code, wanted) in refused {
        let shown = format!("{wanted:?}");
        assert_eq!(create(wire, wanted, true), (code, -1), "{shown}");
    }
    let both = CreatableTopic {
        num_partitions: 1,
        ..assigned("x", &[(0, &[1])])
    };
    assert_eq!(create(wire, both, false).0, 42);
    assert!(broker.database.engine().topic("x").is_err());
}

#[test]
fn a_topic_that_is_only_validated_is_not_made() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    assert_eq!(create(wire, topic("t", 3, 1), true), (0, 3));
    assert!(broker.database.engine().topics().unwrap().is_empty());
}

#[test]
fn a_new_topic_answers_with_its_id_and_its_settings() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let request = CreateTopicsRequest {
        topics: vec![
            with(topic("t", 1, 1), &[("retention.ms", Some("5000"))]),
            topic("twice", 1, 1),
            topic("twice", 2, 1),
        ],
        ..CreateTopicsRequest::default()
    };
    let answer = wire.call(7, &request);
    let response: CreateTopicsResponse<'_> = answer.read();
    let [made, twice] = &response.topics[..] else {
        panic!("{response:?}");
    };
    assert_eq!((&*twice.name, twice.error_code), ("twice", 42));
    let held = broker.database.engine().topic("t").unwrap();
    assert_eq!((made.topic_id, made.replication_factor), (held.id(), 1));
    let configs = made.configs.as_ref().unwrap();
    let shown = |name: &str| {
        let one = configs.iter().find(|c| c.name == name).expect(name);
        (one.value.as_deref().unwrap_or("-"), one.config_source)
    };
    assert_eq!(shown("retention.ms"), ("5000", 1));
    assert_eq!(shown("segment.bytes"), ("1073741824", 5));
}

#[test]
fn one_request_makes_a_bounded_number_of_partitions() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let names: Vec<String> = (0..4).map(|n| format!("t{n}")).collect();
    for validate_only in [true, false] {
        let request = CreateTopicsRequest {
            topics: names.iter().map(|name| topic(name, 2501, 1)).collect(),
            validate_only,
            ..CreateTopicsRequest::default()
        };
        let answer = wire.call(7, &request);
        let response: CreateTopicsResponse<'_> = answer.read();
        assert!(response.topics.iter().all(|t| t.error_code == 44));
    }
    assert!(broker.database.engine().topics().unwrap().is_empty());
}

fn grow(
    wire: &mut Wire,
    name: &str,
    count: i32,
    assignments: Option<&[&[i32]]>,
    validate_only: bool,
) -> i16 {
    let assignment = |brokers: &&[i32]| CreatePartitionsAssignment {
        broker_ids: brokers.to_vec(),
    };
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: name.into(),
            count,
            assignments: assignments.map(|all| all.iter().map(assignment).collect()),
        }],
        validate_only,
        ..CreatePartitionsRequest::default()
    };
    let answer = wire.call(3, &request);
    let response: CreatePartitionsResponse<'_> = answer.read();
    response.results[0].error_code
}

#[test]
fn partitions_are_only_ever_added() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let engine = broker.database.engine();
    engine.create_topic(&NewTopic::new("t", 3)).unwrap();
    let count = || engine.topic("t").unwrap().partitions().len();
    for (code, wanted) in [(37, 2), (37, 3), (37, 0), (37, -1), (44, 20_000)] {
        assert_eq!(grow(wire, "t", wanted, None, false), code, "{wanted}");
    }
    assert_eq!(grow(wire, "nope", 5, None, false), 3);
    let refused: [&[&[i32]]; 5] = [
        &[&[9], &[1]],
        &[&[1]],
        &[&[1], &[1], &[1]],
        &[&[1, 1], &[1]],
        &[&[], &[1]],
    ];
    for assignments in refused {
        assert_eq!(
            grow(wire, "t", 5, Some(assignments), false),
            39,
            "{assignments:?}"
        );
    }
    assert_eq!(grow(wire, "t", 5, None, true), 0);
    assert_eq!(count(), 3);
    assert_eq!(grow(wire, "t", 5, None, false), 0);
    assert_eq!(grow(wire, "t", 6, Some(&[&[1]]), false), 0);
    assert_eq!(count(), 6);
}

fn by_name(name: &str) -> DeleteTopicState<'_> {
    DeleteTopicState {
        name: Some(name.into()),
        topic_id: TopicId::NONE,
    }
}

fn by_id(topic_id: TopicId) -> DeleteTopicState<'static> {
    DeleteTopicState {
        name: None,
        topic_id,
    }
}

fn delete(wire: &mut Wire, topics: Vec<DeleteTopicState<'_>>) -> Vec<(i16, String)> {
    let request = DeleteTopicsRequest {
        topics,
        ..DeleteTopicsRequest::default()
    };
    let answer = wire.call(6, &request);
    let response: DeleteTopicsResponse<'_> = answer.read();
    let all = response.responses.iter();
    all.map(|one| (one.error_code, one.name.as_deref().unwrap_or("-").into()))
        .collect()
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let engine = broker.database.engine();
    for name in ["a", "b", "c"] {
        engine.create_topic(&NewTopic::new(name, 1)).unwrap();
    }
    let id = engine.topic("b").unwrap().id();
    assert_eq!(delete(wire, vec![by_name("a")]), [(0, "a".into())]);
    let both = DeleteTopicState {
        topic_id: id,
        ..by_name("b")
    };
    assert_eq!(delete(wire, vec![both])[0].0, 42);
    assert_eq!(
        delete(wire, vec![by_id(id), by_name("b")]),
        [(42, "-".into())]
    );
    assert_eq!(delete(wire, vec![by_name("c"), by_name("c")])[0].0, 42);
    assert_eq!(delete(wire, vec![by_id(TopicId::NONE)])[0].0, 42);
    assert_eq!(delete(wire, vec![by_id(TopicId::random())])[0].0, 100);
    assert_eq!(delete(wire, vec![by_name("nope")])[0].0, 3);
    assert_eq!(delete(wire, vec![by_id(id)]), [(0, "b".into())]);
    let left = engine.topics().unwrap();
    assert_eq!(left.iter().map(|t| &**t.name()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn deletion_can_be_disabled_and_spares_internal_topics() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let engine = broker.database.engine();
    engine.create_topic(&NewTopic::new("t", 1)).unwrap();
    let internal = NewTopic {
        internal: true,
        ..NewTopic::new("__consumer_offsets", 1)
    };
    engine.create_topic(&internal).unwrap();
    assert_eq!(delete(wire, vec![by_name("__consumer_offsets")])[0].0, 17);
    let off = [("delete.topic.enable".into(), ConfigOp::Set("false".into()))];
    engine.alter_broker(None, &off).unwrap();
    assert_eq!(delete(wire, vec![by_name("t")])[0].0, 73);
    let request = DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        ..DeleteTopicsRequest::default()
    };
    let answer = wire.call(1, &request);
    let response: DeleteTopicsResponse<'_> = answer.read();
    assert_eq!(response.responses[0].error_code, 42);
    assert!(engine.topic("t").is_ok());
}

fn cut(wire: &mut Wire, topic: &str, partition: i32, offset: i64) -> (i16, i64) {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.into(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: partition,
                offset,
            }],
        }],
        timeout_ms: 1000,
    };
    let answer = wire.call(2, &request);
    let response: DeleteRecordsResponse<'_> = answer.read();
    let one = &response.topics[0].partitions[0];
    (one.error_code, one.low_watermark)
}

#[test]
fn records_are_deleted_up_to_an_offset_or_the_high_watermark() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let engine = broker.database.engine();
    for (name, policy) in [
        ("t", "delete"),
        ("c", "compact"),
        ("both", "compact,delete"),
        ("none", ""),
    ] {
        let new = NewTopic {
            config: vec![("cleanup.policy".into(), policy.into())],
            ..NewTopic::new(name, 1)
        };
        engine.create_topic(&new).unwrap();
    }
    assert_eq!(produce(wire, "t", -1, &batch(5)), (0, 0));
    assert_eq!(cut(wire, "t", 0, 2), (0, 2));
    assert_eq!(cut(wire, "t", 0, 1), (0, 2), "never back");
    assert_eq!(cut(wire, "t", 0, 6), (1, -1));
    assert_eq!(cut(wire, "t", 0, -2), (1, -1));
    assert_eq!(cut(wire, "t", 1, 0), (3, -1));
    assert_eq!(cut(wire, "nope", 0, 0), (3, -1));
    assert_eq!(cut(wire, "t", 0, -1), (0, 5));
    assert_eq!(cut(wire, "c", 0, 0), (44, -1));
    assert_eq!(cut(wire, "both", 0, 0), (0, 0));
    assert_eq!(cut(wire, "none", 0, 0), (0, 0));
}

type Described = Vec<(String, i16, Vec<i32>)>;

/// Name, code and partitions of each topic, and where to go on.
fn describe(
    wire: &mut Wire,
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> (Described, Option<(String, i32)>) {
    let request = DescribeTopicPartitionsRequest {
        topics: names
            .iter()
            .map(|n| TopicRequest { name: (*n).into() })
            .collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(name, partition_index)| RequestCursor {
            topic_name: name.into(),
            partition_index,
        }),
    };
    let answer = wire.call(0, &request);
    let response: DescribeTopicPartitionsResponse<'_> = answer.read();
    let topics = response.topics.iter().map(|t| {
        let partitions = t.partitions.iter().map(|p| p.partition_index);
        let name = t.name.as_deref().unwrap_or_default();
        (name.to_owned(), t.error_code, partitions.collect())
    });
    let next = response.next_cursor.as_ref();
    (
        topics.collect(),
        next.map(|c| (c.topic_name.to_string(), c.partition_index)),
    )
}

#[test]
fn partitions_of_many_topics_are_described_in_parts() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    let engine = broker.database.engine();
    for (name, count) in [("t", 6), ("both", 1), ("comp", 1)] {
        engine.create_topic(&NewTopic::new(name, count)).unwrap();
    }
    let some = ["t", "comp", "nope", "both"];
    let one = |name: &str, code: i16, partitions: std::ops::Range<i32>| {
        (name.to_owned(), code, partitions.collect::<Vec<_>>())
    };
    let all = vec![
        one("both", 0, 0..1),
        one("comp", 0, 0..1),
        one("t", 0, 0..6),
    ];
    assert_eq!(describe(wire, &[], 2000, None), (all, None));
    let head = vec![
        one("both", 0, 0..1),
        one("comp", 0, 0..1),
        one("nope", 3, 0..0),
        one("t", 0, 0..2),
    ];
    assert_eq!(
        describe(wire, &some, 4, None),
        (head, Some(("t".into(), 2)))
    );
    let rest = vec![one("t", 0, 4..6)];
    assert_eq!(describe(wire, &some, 4, Some(("t", 4))), (rest, None));
    let first = vec![one("t", 0, 0..1)];
    let next = Some(("t".to_owned(), 1));
    assert_eq!(describe(wire, &["t"], 0, None), (first, next));
    let past = vec![one("t", 0, 0..0)];
    assert_eq!(describe(wire, &["t"], 4, Some(("t", 99))), (past, None));
    for cursor in [("c", 4), ("t", -1)] {
        let (topics, _) = describe(wire, &some, 4, Some(cursor));
        assert!(topics.iter().all(|t| t.1 == 42), "{topics:?}");
    }
}

#[test]
fn a_leader_epoch_ends_where_readers_do() {
    let broker = Broker::start();
    let wire = &mut broker.connect();
    broker
        .database
        .engine()
        .create_topic(&NewTopic::new("t", 1))
        .unwrap();
    let ask = |wire: &mut Wire, partition: i32, current: i32, epoch: i32| {
        let request = OffsetForLeaderEpochRequest {
            replica_id: -1,
            topics: vec![OffsetForLeaderTopic {
                topic: "t".into(),
                partitions: vec![OffsetForLeaderPartition {
                    partition,
                    current_leader_epoch: current,
                    leader_epoch: epoch,
                }],
            }],
        };
        let answer = wire.call(4, &request);
        let response: OffsetForLeaderEpochResponse<'_> = answer.read();
        let one = &response.topics[0].partitions[0];
        (one.error_code, one.leader_epoch, one.end_offset)
    };
    assert_eq!(ask(wire, 0, -1, 0), (0, 0, 0));
    assert_eq!(produce(wire, "t", -1, &batch(3)), (0, 0));
    assert_eq!(ask(wire, 0, 0, 0), (0, 0, 3));
    assert_eq!(ask(wire, 0, 5, 0), (75, -1, -1));
    assert_eq!(ask(wire, 0, -1, 7), (0, -1, -1));
    assert_eq!(ask(wire, 0, -1, -1), (0, -1, -1));
    assert_eq!(ask(wire, 7, -1, 0), (3, -1, -1));
}
