//! The state machine as transcripts, and against a simple model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::records::*;
use super::*;
use crate::config::Overrides;
use crate::error::Code;
use crate::types::{ProducerId, Timestamp, TopicId};

fn node() -> LocalNode {
    LocalNode {
        id: 1,
        directory_id: TopicId([7; 16]),
        config: Overrides::from([("num.partitions".to_owned(), "3".to_owned())]),
    }
}

fn id(n: u8) -> TopicId {
    TopicId([n; 16])
}

fn new_topic(name: &str, partitions: i32, n: u8) -> NewTopic {
    NewTopic {
        id: id(n),
        ..NewTopic::new(name, partitions)
    }
}

fn apply(image: &mut MetadataImage, records: Vec<MetadataRecord>, at: i64) {
    for record in records {
        let decoded = MetadataRecord::decode(&record.encode()).unwrap();
        assert_eq!(decoded.as_ref(), Some(&record));
        image.apply(record, Timestamp(at)).unwrap();
    }
}

fn with_topic(name: &str, partitions: i32) -> MetadataImage {
    let mut image = MetadataImage::default();
    let records = image.create_topic(&new_topic(name, partitions, 9), &node());
    apply(&mut image, records.unwrap(), 1);
    image
}

fn code<T>(result: crate::Result<T>) -> Code {
    result.err().expect("refused").code()
}

fn set(name: &str, value: &str) -> (String, ConfigOp) {
    (name.to_owned(), ConfigOp::Set(value.to_owned()))
}

#[test]
fn a_topic_lives_from_creation_to_removal() {
    let mut image = MetadataImage::default();
    apply(&mut image, MetadataImage::bootstrap(), 0);
    assert_eq!(image.feature("metadata.version"), 25);

    let mut orders = new_topic("orders", 2, 1);
    orders.config = vec![("retention.ms".to_owned(), "1000".to_owned())];
    let records = image.create_topic(&orders, &node()).unwrap();
    assert_eq!(records.len(), 4, "topic, setting, two partitions");
    apply(&mut image, records, 17);
    let topic = image.topic("orders").unwrap();
    assert_eq!((topic.id, topic.created), (id(1), Timestamp(17)));
    assert_eq!(topic.partition_count(), 2);
    assert_eq!(topic.config["retention.ms"], "1000");
    assert_eq!(topic.partitions[&1].replicas, [1]);

    let records = image.add_partitions("orders", 5, &node()).unwrap();
    apply(&mut image, records, 18);
    assert_eq!(image.topic("orders").unwrap().partition_count(), 5);

    let records = image.delete_topic("orders").unwrap();
    apply(&mut image, records, 19);
    assert!(image.topic("orders").is_none() && image.topic_by_id(id(1)).is_none());
    assert_eq!(image.deleting().map(|t| t.id).collect::<Vec<_>>(), [id(1)]);

    let records = image.create_topic(&new_topic("orders", 1, 2), &node());
    apply(&mut image, records.unwrap(), 20);
    assert_eq!(image.topic("orders").unwrap().id, id(2), "another id");
    assert!(image.topic("orders").unwrap().config.is_empty());
    image.deletion_done(id(1));
    assert_eq!(image.deleting().count(), 0);
}

#[test]
fn a_topic_that_cannot_be_is_refused_with_kafkas_code() {
    let image = with_topic("a.b", 1);
    let create = |t: NewTopic| code(image.create_topic(&t, &node()));
    assert_eq!(create(new_topic("a.b", 1, 1)), Code::TopicAlreadyExists);
    assert_eq!(create(new_topic("a_b", 1, 1)), Code::InvalidTopic);
    assert_eq!(create(new_topic("", 1, 1)), Code::InvalidTopic);
    assert_eq!(create(new_topic("a/b", 1, 1)), Code::InvalidTopic);
    assert_eq!(create(new_topic("..", 1, 1)), Code::InvalidTopic);
    assert_eq!(create(new_topic("x", 0, 1)), Code::InvalidPartitions);
    assert_eq!(create(new_topic("x", -7, 1)), Code::InvalidPartitions);
    assert_eq!(create(new_topic("x", 10_001, 1)), Code::PolicyViolation);
    for internal in ["__consumer_offsets", "__cluster_metadata"] {
        assert_eq!(create(new_topic(internal, 1, 1)), Code::InvalidTopic);
    }
    let mut t = new_topic("x", 1, 1);
    t.replication_factor = Some(2);
    assert_eq!(create(t), Code::InvalidReplicationFactor);
    for (name, value) in [("no.such", "1"), ("retention.ms", "often")] {
        let mut t = new_topic("x", 1, 1);
        t.config = vec![(name.to_owned(), value.to_owned())];
        assert_eq!(create(t), Code::InvalidConfig);
    }
    let mut t = new_topic("x", 1, 1);
    t.config = vec![("retention.ms".to_owned(), "1".to_owned()); 2];
    assert_eq!(create(t), Code::InvalidConfig);
}

#[test]
fn a_topic_that_does_not_say_gets_the_default_partitions() {
    let image = MetadataImage::default();
    let mut t = new_topic("x", 1, 1);
    t.partitions = None;
    assert_eq!(image.create_topic(&t, &node()).unwrap().len(), 1 + 3);
}

#[test]
fn the_engine_itself_makes_internal_topics_whose_partitions_stay() {
    let mut image = MetadataImage::default();
    let mut t = new_topic("__consumer_offsets", 50, 1);
    t.internal = true;
    let records = image.create_topic(&t, &node()).unwrap();
    apply(&mut image, records, 1);
    let more = image.add_partitions("__consumer_offsets", 60, &node());
    assert_eq!(code(more), Code::InvalidTopic);
}

#[test]
fn partitions_only_grow() {
    let image = with_topic("t", 3);
    let add = |total| image.add_partitions("t", total, &node());
    assert_eq!(code(add(3)), Code::InvalidPartitions);
    assert_eq!(code(add(2)), Code::InvalidPartitions);
    assert_eq!(code(add(20_000)), Code::PolicyViolation);
    assert_eq!(add(4).unwrap().len(), 1);
    let unknown = image.add_partitions("u", 4, &node());
    assert_eq!(code(unknown), Code::UnknownTopicOrPartition);
    assert_eq!(code(image.delete_topic("u")), Code::UnknownTopicOrPartition);
}

#[test]
fn settings_are_set_deleted_appended_and_subtracted() {
    let mut image = with_topic("t", 1);
    let topic = ConfigResource::Topic("t".to_owned());
    let mut alter = |changes: &[(String, ConfigOp)]| {
        let records = image.alter_config(&topic, changes, &node()).unwrap();
        apply(&mut image, records.clone(), 2);
        (records.len(), image.topic("t").unwrap().config.clone())
    };
    let policy = |op: fn(String) -> ConfigOp, v: &str| ("cleanup.policy".to_owned(), op(v.into()));

    // Starts from the default, `delete`.
    let (_, config) = alter(&[policy(ConfigOp::Append, "compact")]);
    assert_eq!(config["cleanup.policy"], "delete,compact");
    let (written, _) = alter(&[policy(ConfigOp::Append, "compact,delete")]);
    assert_eq!(written, 0, "nothing to add");
    let (_, config) = alter(&[
        policy(ConfigOp::Subtract, "delete"),
        set("retention.ms", "5"),
    ]);
    assert_eq!(config["cleanup.policy"], "compact");
    let (_, config) = alter(&[("cleanup.policy".to_owned(), ConfigOp::Delete)]);
    assert_eq!(config.keys().collect::<Vec<_>>(), ["retention.ms"]);
}

#[test]
fn a_change_of_settings_is_whole_or_refused() {
    let image = with_topic("t", 1);
    let topic = ConfigResource::Topic("t".to_owned());
    let alter = |changes: &[(String, ConfigOp)]| image.alter_config(&topic, changes, &node());
    let good = set("retention.ms", "5");
    assert_eq!(
        code(alter(&[good.clone(), set("segment.ms", "no")])),
        Code::InvalidConfig
    );
    assert_eq!(code(alter(&[set("no.such", "1")])), Code::InvalidConfig);
    let unknown = ("no.such".to_owned(), ConfigOp::Delete);
    assert_eq!(code(alter(&[unknown])), Code::InvalidConfig);
    assert_eq!(
        code(alter(&[good.clone(), good.clone()])),
        Code::InvalidRequest
    );
    let append = ("retention.ms".to_owned(), ConfigOp::Append("1".to_owned()));
    assert_eq!(code(alter(&[append])), Code::InvalidConfig);
    let together = [
        set("min.compaction.lag.ms", "10"),
        set("max.compaction.lag.ms", "5"),
    ];
    assert_eq!(code(alter(&together)), Code::InvalidConfig);
    let long = set(
        "follower.replication.throttled.replicas",
        &"1:1,".repeat(9000),
    );
    assert_eq!(code(alter(&[long])), Code::InvalidConfig);
    let nobody = ConfigResource::Topic("u".to_owned());
    let unknown = image.alter_config(&nobody, &[good], &node());
    assert_eq!(code(unknown), Code::UnknownTopicOrPartition);
}

#[test]
fn broker_settings_layer_over_those_of_the_start() {
    let mut image = MetadataImage::default();
    let mut alter = |id, changes: &[(String, ConfigOp)]| {
        let records = image.alter_config(&ConfigResource::Broker(id), changes, &node());
        apply(&mut image, records.unwrap(), 1);
        image.effective_broker_config(&node())
    };
    assert_eq!(alter(None, &[])["num.partitions"], "3");
    let all = alter(None, &[set("num.partitions", "4")]);
    assert_eq!(all["num.partitions"], "4");
    let own = alter(Some(1), &[set("num.partitions", "5")]);
    assert_eq!(own["num.partitions"], "5");
    let back = alter(Some(1), &[("num.partitions".to_owned(), ConfigOp::Delete)]);
    assert_eq!(back["num.partitions"], "4");
    let other = ConfigResource::Broker(Some(2));
    assert_eq!(
        code(image.alter_config(&other, &[], &node())),
        Code::InvalidRequest
    );
}

#[test]
fn producer_ids_are_given_out_once() {
    let mut image = MetadataImage::default();
    for expected in [0, 1000, 2000] {
        let (first, records) = image.allocate_producer_ids(1000, &node()).unwrap();
        assert_eq!(first, ProducerId(expected));
        apply(&mut image, records, 1);
    }
    assert!(image.allocate_producer_ids(0, &node()).is_err());
}

#[test]
fn an_event_that_does_not_follow_is_corrupt() {
    let mut image = with_topic("t", 1);
    let wrong: [MetadataRecord; 3] = [
        RemoveTopicRecord { topic_id: id(77) }.into(),
        TopicRecord {
            name: "t".to_owned(),
            topic_id: id(78),
        }
        .into(),
        ConfigRecord {
            resource_type: 2,
            resource_name: "unknown".to_owned(),
            name: "retention.ms".to_owned(),
            value: None,
        }
        .into(),
    ];
    for record in wrong {
        let e = image.apply(record, Timestamp(1)).unwrap_err();
        assert_eq!(e.kind(), crate::Kind::Corrupt, "{e}");
    }
}

#[test]
fn a_newer_level_of_our_own_feature_is_refused() {
    let record = FeatureLevelRecord {
        name: "levada.version".to_owned(),
        feature_level: 2,
    };
    let e = MetadataImage::default()
        .apply(record.into(), Timestamp(1))
        .unwrap_err();
    assert_eq!(e.kind(), crate::Kind::Invalid);
    assert!(
        e.message().contains("levada.version 2, newer than 1"),
        "{e}"
    );
}

/// A command of the model test.
#[derive(Clone, Debug)]
enum Command {
    Create(u8, i32, Option<i64>),
    Delete(u8),
    Grow(u8, i32),
    SetRetention(u8, Option<i64>),
    ProducerIds(i32),
}

fn command() -> impl Strategy<Value = Command> {
    let name = 0u8..6;
    prop_oneof![
        (name.clone(), -1i32..6, proptest::option::of(-3i64..9))
            .prop_map(|(n, p, r)| Command::Create(n, p, r)),
        name.clone().prop_map(Command::Delete),
        (name.clone(), -1i32..9).prop_map(|(n, t)| Command::Grow(n, t)),
        (name, proptest::option::of(-3i64..9)).prop_map(|(n, r)| Command::SetRetention(n, r)),
        (-1i32..2000).prop_map(Command::ProducerIds),
    ]
}

fn decide(image: &MetadataImage, command: &Command, n: u8) -> crate::Result<Vec<MetadataRecord>> {
    let name = |n: &u8| format!("topic-{n}");
    match command {
        Command::Create(t, partitions, retention) => {
            let mut new = new_topic(&name(t), *partitions, n);
            new.config = retention
                .iter()
                .map(|r| ("retention.ms".to_owned(), r.to_string()))
                .collect();
            image.create_topic(&new, &node())
        }
        Command::Delete(t) => image.delete_topic(&name(t)),
        Command::Grow(t, total) => image.add_partitions(&name(t), *total, &node()),
        Command::SetRetention(t, value) => {
            let op = value.map_or(ConfigOp::Delete, |v| ConfigOp::Set(v.to_string()));
            let changes = [("retention.ms".to_owned(), op)];
            image.alter_config(&ConfigResource::Topic(name(t)), &changes, &node())
        }
        Command::ProducerIds(count) => image
            .allocate_producer_ids(*count, &node())
            .map(|(_, records)| records),
    }
}

/// The model: name to (partitions, retention), and the next producer id. `false`: refused.
type Model = (BTreeMap<u8, (i32, Option<i64>)>, i64);

fn on_model((topics, next): &mut Model, command: &Command) -> bool {
    let good = |r: &Option<i64>| r.is_none_or(|r| r >= -1);
    match command {
        Command::Create(t, p, r) => {
            let fine = !topics.contains_key(t) && *p >= 1 && good(r);
            if fine {
                topics.insert(*t, (*p, *r));
            }
            fine
        }
        Command::Delete(t) => topics.remove(t).is_some(),
        Command::Grow(t, total) => match topics.get_mut(t) {
            Some((has, _)) if *total > *has => {
                *has = *total;
                true
            }
            _ => false,
        },
        Command::SetRetention(t, r) => match topics.get_mut(t) {
            Some((_, retention)) if good(r) => {
                *retention = *r;
                true
            }
            _ => false,
        },
        Command::ProducerIds(count) => {
            *next += i64::from((*count).max(0));
            *count > 0
        }
    }
}

fn as_model(image: &MetadataImage) -> Model {
    let topics = image.topics().map(|t| {
        let n = t.name.strip_prefix("topic-").unwrap().parse().unwrap();
        let retention = t.config.get("retention.ms").map(|r| r.parse().unwrap());
        (n, (t.partition_count(), retention))
    });
    (topics.collect(), image.next_producer_id().get())
}

proptest! {
    #[test]
    fn commands_do_what_a_simple_model_does(commands in proptest::collection::vec(command(), 0..40)) {
        let (mut image, mut model) = (MetadataImage::default(), Model::default());
        let mut log = Vec::new();
        for (n, command) in commands.iter().enumerate() {
            let decided = decide(&image, command, n as u8 + 1);
            prop_assert_eq!(decided.is_ok(), on_model(&mut model, command), "{:?}", command);
            for record in decided.unwrap_or_default() {
                log.push((record.clone(), Timestamp(n as i64)));
                image.apply(record, Timestamp(n as i64)).unwrap();
            }
            prop_assert_eq!(&as_model(&image), &model);
        }
        // A replay, and a replay of what a snapshot would hold, give the same image.
        for records in [log, image.to_records(Timestamp(99))] {
            let mut again = MetadataImage::default();
            for (record, at) in records {
                let record = MetadataRecord::decode(&record.encode()).unwrap().unwrap();
                again.apply(record, at).unwrap();
            }
            prop_assert_eq!(&again, &image);
        }
    }
}
