//! Settings shown and changed over the wire.

use levada::embedded::Database;
use levada::engine::NewTopic;
use levada::protocol::messages::alter_configs as whole;
use levada::protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse,
};
use levada::protocol::messages::incremental_alter_configs as each;
use levada::protocol::messages::list_config_resources::{
    ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};

use crate::broker::wire::{Broker, Wire};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const METRICS: i8 = 16;
const GROUP: i8 = 32;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// A broker with the topic `t`.
fn start() -> Broker {
    let broker = Broker::start();
    broker
        .database
        .engine()
        .create_topic(&NewTopic::new("t", 1))
        .unwrap();
    broker
}

#[test]
fn a_resource_is_not_described_without_end() {
    let broker = start();
    let wire = &mut broker.connect();
    let one = DescribeConfigsResource {
        resource_type: TOPIC,
        resource_name: "t".into(),
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest {
        resources: vec![one; 1000],
        ..DescribeConfigsRequest::default()
    };
    let answer = wire.call(4, &request);
    let response: DescribeConfigsResponse<'_> = answer.read();
    let codes = response.results.iter().map(|r| r.error_code);
    let refused = codes.filter(|code| *code == 42).count();
    assert_eq!((response.results.len(), refused), (1000, 984));
}

/// A setting: its value, its source, whether it is read-only, where else it is set.
type Setting = (String, Option<String>, i8, bool, Vec<(String, i8)>);

fn describe(wire: &mut Wire, kind: i8, name: &str, keys: &[&str]) -> (i16, Vec<Setting>) {
    let keys: Vec<_> = keys.iter().map(|key| (*key).into()).collect();
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.into(),
            configuration_keys: (!keys.is_empty()).then_some(keys),
        }],
        include_synonyms: true,
        include_documentation: true,
    };
    let answer = wire.call(4, &request);
    let response: DescribeConfigsResponse<'_> = answer.read();
    let result = &response.results[0];
    let settings = result.configs.iter().map(|c| {
        assert!(
            c.documentation.as_ref().is_some_and(|d| !d.is_empty()),
            "{}",
            c.name
        );
        assert!((1..=9).contains(&c.config_type), "{}", c.name);
        let synonyms = c.synonyms.iter();
        let synonyms = synonyms.map(|s| (s.value.as_deref().unwrap_or("-").to_owned(), s.source));
        (
            c.name.to_string(),
            c.value.as_deref().map(str::to_owned),
            c.config_source,
            c.read_only,
            synonyms.collect(),
        )
    });
    (result.error_code, settings.collect())
}

fn value(wire: &mut Wire, kind: i8, name: &str, key: &str) -> (String, i8) {
    let (code, settings) = describe(wire, kind, name, &[key]);
    assert_eq!(code, 0);
    let (_, value, source, ..) = settings.into_iter().next().expect(key);
    (value.unwrap_or_else(|| "-".into()), source)
}

fn replace_all(
    wire: &mut Wire,
    kind: i8,
    name: &str,
    settings: &[(&str, Option<&str>)],
    validate_only: bool,
) -> i16 {
    let request = whole::AlterConfigsRequest {
        resources: vec![whole::AlterConfigsResource {
            resource_type: kind,
            resource_name: name.into(),
            configs: settings
                .iter()
                .map(|(name, value)| whole::AlterableConfig {
                    name: (*name).into(),
                    value: value.map(Into::into),
                })
                .collect(),
        }],
        validate_only,
    };
    let answer = wire.call(2, &request);
    let response: whole::AlterConfigsResponse<'_> = answer.read();
    response.responses[0].error_code
}

fn resource<'a>(
    kind: i8,
    name: &'a str,
    changes: &[(&'a str, i8, &'a str)],
) -> each::AlterConfigsResource<'a> {
    let change = |(name, op, value): &(&'a str, i8, &'a str)| each::AlterableConfig {
        name: (*name).into(),
        config_operation: *op,
        value: (*value != "null").then(|| (*value).into()),
    };
    each::AlterConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configs: changes.iter().map(change).collect(),
    }
}

fn send(
    wire: &mut Wire,
    resources: Vec<each::AlterConfigsResource<'_>>,
    validate_only: bool,
) -> Vec<(i16, String)> {
    let request = each::IncrementalAlterConfigsRequest {
        resources,
        validate_only,
    };
    let answer = wire.call(1, &request);
    let response: each::IncrementalAlterConfigsResponse<'_> = answer.read();
    let all = response.responses.iter();
    all.map(|r| {
        (
            r.error_code,
            r.error_message.as_deref().unwrap_or("").into(),
        )
    })
    .collect()
}

fn change(wire: &mut Wire, kind: i8, name: &str, changes: &[(&str, i8, &str)]) -> i16 {
    send(wire, vec![resource(kind, name, changes)], false)[0].0
}

#[test]
fn what_cannot_be_described_is_refused_with_kafkas_code() {
    let broker = start();
    let wire = &mut broker.connect();
    let refused = [
        (3, TOPIC, "nope"),
        (17, TOPIC, "a b"),
        (17, TOPIC, ""),
        (42, BROKER, "7"),
        (42, BROKER, "x"),
        (42, LOGGER, ""),
        (42, LOGGER, "7"),
        (42, GROUP, ""),
        (42, 0, "x"),
        (42, 99, "x"),
    ];
    for (code, kind, name) in refused {
        assert_eq!(
            describe(wire, kind, name, &[]),
            (code, vec![]),
            "{kind} {name}"
        );
    }
    for (kind, name) in [(BROKER, ""), (LOGGER, "1"), (METRICS, "m"), (GROUP, "g")] {
        assert_eq!(
            describe(wire, kind, name, &[]),
            (0, vec![]),
            "{kind} {name}"
        );
    }
    let (_, all) = describe(wire, TOPIC, "t", &[]);
    assert!(all.len() > 35, "{}", all.len());
    assert!(
        all.iter()
            .all(|(_, _, source, read_only, _)| *source == 5 && !read_only)
    );
    let (_, none) = describe(wire, TOPIC, "t", &["nonsense"]);
    assert_eq!(none, []);
    let (_, listeners) = describe(wire, BROKER, "1", &["listeners"]);
    let (_, shown, source, read_only, _) = &listeners[0];
    assert_eq!(
        (shown.as_deref(), *source, *read_only),
        (Some("127.0.0.1:0"), 4, true)
    );
}

#[test]
fn settings_of_a_topic_are_set_deleted_appended_and_subtracted() {
    let broker = start();
    let wire = &mut broker.connect();
    let policy = |wire: &mut Wire| value(wire, TOPIC, "t", "cleanup.policy");
    assert_eq!(
        change(wire, TOPIC, "t", &[("cleanup.policy", APPEND, "compact")]),
        0
    );
    assert_eq!(policy(wire), ("delete,compact".into(), 1));
    assert_eq!(
        change(wire, TOPIC, "t", &[("cleanup.policy", APPEND, "compact")]),
        0
    );
    assert_eq!(policy(wire), ("delete,compact".into(), 1));
    assert_eq!(
        change(wire, TOPIC, "t", &[("cleanup.policy", SUBTRACT, "delete")]),
        0
    );
    assert_eq!(policy(wire), ("compact".into(), 1));
    assert_eq!(
        change(wire, TOPIC, "t", &[("cleanup.policy", SUBTRACT, "compact")]),
        0
    );
    assert_eq!(policy(wire), (String::new(), 1));
    let back = [
        ("cleanup.policy", DELETE, "null"),
        ("segment.ms", DELETE, "ignored"),
    ];
    assert_eq!(change(wire, TOPIC, "t", &back), 0);
    assert_eq!(policy(wire), ("delete".into(), 5));
    assert_eq!(change(wire, TOPIC, "t", &[("no.such", DELETE, "null")]), 0);
    assert_eq!(change(wire, TOPIC, "t", &[("retention.ms", SET, "9")]), 0);
    let held = broker.database.engine().topic("t").unwrap();
    assert_eq!(held.overrides()["retention.ms"], "9");
    assert_eq!(held.config().retention_ms, Some(9));
}

#[test]
fn bad_changes_are_refused_with_kafkas_code_and_change_nothing() {
    let broker = start();
    let wire = &mut broker.connect();
    type Changes = &'static [(&'static str, i8, &'static str)];
    let refused: [(i16, i8, &str, Changes); 13] = [
        (42, TOPIC, "t", &[("retention.ms", 9, "1")]),
        (40, TOPIC, "t", &[("retention.ms", APPEND, "1")]),
        (42, TOPIC, "t", &[("retention.ms", SET, "null")]),
        (42, TOPIC, "t", &[("cleanup.policy", APPEND, "null")]),
        (
            42,
            TOPIC,
            "t",
            &[("retention.ms", SET, "1"), ("retention.ms", DELETE, "null")],
        ),
        (
            40,
            TOPIC,
            "t",
            &[("retention.bytes", SET, "1"), ("retention.ms", SET, "x")],
        ),
        (40, TOPIC, "t", &[("foo", SET, "1")]),
        (3, TOPIC, "nope", &[("retention.ms", SET, "1")]),
        (42, TOPIC, "", &[]),
        (42, BROKER, "7", &[("num.partitions", SET, "1")]),
        (42, BROKER, "1", &[("log.retention.ms", SET, "x")]),
        (42, 99, "x", &[]),
        (42, GROUP, "g", &[("consumer.session.timeout.ms", SET, "1")]),
    ];
    for (code, kind, name, changes) in refused {
        assert_eq!(
            change(wire, kind, name, changes),
            code,
            "{name} {changes:?}"
        );
    }
    let twice = vec![
        resource(TOPIC, "t", &[]),
        resource(TOPIC, "t", &[("retention.ms", SET, "1")]),
    ];
    assert_eq!(send(wire, twice, false)[0].0, 42);
    let checked = vec![resource(TOPIC, "t", &[("retention.ms", SET, "123")])];
    assert_eq!(send(wire, checked, true), [(0, String::new())]);
    assert!(
        broker
            .database
            .engine()
            .topic("t")
            .unwrap()
            .overrides()
            .is_empty()
    );
}

#[test]
fn alter_configs_replaces_all_that_is_set() {
    let broker = start();
    let wire = &mut broker.connect();
    let before = [
        ("retention.ms", SET, "5"),
        ("cleanup.policy", SET, "compact"),
    ];
    assert_eq!(change(wire, TOPIC, "t", &before), 0);
    let new = [("retention.bytes", Some("77")), ("retention.ms", Some("6"))];
    assert_eq!(replace_all(wire, TOPIC, "t", &[], true), 0);
    assert_eq!(replace_all(wire, TOPIC, "t", &new, false), 0);
    let set = broker
        .database
        .engine()
        .topic("t")
        .unwrap()
        .overrides()
        .clone();
    let set: Vec<_> = set.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(set, [("retention.bytes", "77"), ("retention.ms", "6")]);
    type Settings = &'static [(&'static str, Option<&'static str>)];
    let bad: [(i16, Settings); 4] = [
        (40, &[("retention.bytes", Some("x"))]),
        (40, &[("foo", Some("x"))]),
        (42, &[("retention.ms", None)]),
        (
            42,
            &[("retention.ms", Some("1")), ("retention.ms", Some("2"))],
        ),
    ];
    for (code, settings) in bad {
        assert_eq!(
            replace_all(wire, TOPIC, "t", settings, false),
            code,
            "{settings:?}"
        );
    }
    assert_eq!(replace_all(wire, TOPIC, "nope", &[], false), 3);
    assert_eq!(
        change(wire, BROKER, "", &[("log.retention.ms", SET, "8")]),
        0
    );
    assert_eq!(replace_all(wire, BROKER, "", &[], false), 0);
    assert_eq!(
        value(wire, BROKER, "1", "log.retention.ms"),
        ("-".into(), 5)
    );
}

#[test]
fn topics_inherit_a_broker_setting_as_soon_as_it_is_changed() {
    let broker = start();
    let wire = &mut broker.connect();
    let engine = broker.database.engine();
    let version = engine.metadata_version();
    assert_eq!(
        change(wire, BROKER, "1", &[("log.retention.ms", SET, "111")]),
        0
    );
    assert_eq!(
        change(wire, BROKER, "", &[("log.retention.ms", SET, "222")]),
        0
    );
    let handle = engine.partition("t", 0).unwrap();
    assert_eq!(handle.config().retention_ms, Some(111));
    assert!(engine.metadata_version() > version);
    let (_, settings) = describe(wire, TOPIC, "t", &["retention.ms"]);
    let (_, value, source, _, synonyms) = &settings[0];
    assert_eq!((value.as_deref(), *source), (Some("111"), 2));
    let expected = [("111".into(), 2), ("222".into(), 3), ("168".into(), 5)];
    assert_eq!(synonyms[..], expected);
    assert_eq!(
        change(wire, BROKER, "1", &[("log.retention.ms", DELETE, "null")]),
        0
    );
    assert_eq!(handle.config().retention_ms, Some(222));
    let (_, all) = describe(wire, BROKER, "", &[]);
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn a_broker_setting_that_takes_a_restart_is_refused_and_shown_as_read_only() {
    let broker = start();
    let wire = &mut broker.connect();
    for name in ["listeners", "group.max.size", "offsets.retention.minutes"] {
        let (_, settings) = describe(wire, BROKER, "1", &[name]);
        assert!(settings[0].3, "{name} is read-only");
        for broker in ["1", ""] {
            let wanted = vec![resource(BROKER, broker, &[(name, SET, "5")])];
            let (code, message) = send(wire, wanted, false).remove(0);
            assert_eq!(code, 42);
            let expected = format!("cannot update these configs dynamically: [{name}]");
            assert!(message.contains(&expected), "{message}");
        }
        assert_eq!(
            replace_all(wire, BROKER, "1", &[(name, Some("5"))], false),
            42
        );
    }
}

#[test]
fn a_default_that_a_topic_does_not_go_with_is_refused() {
    let broker = start();
    let wire = &mut broker.connect();
    let lag = [("max.compaction.lag.ms", SET, "1000")];
    assert_eq!(change(wire, TOPIC, "t", &lag), 0);
    let later = [("log.cleaner.min.compaction.lag.ms", SET, "2000")];
    let (code, message) = send(wire, vec![resource(BROKER, "", &later)], false).remove(0);
    assert_eq!(code, 42);
    assert!(message.contains("topic t"), "{message}");
    assert_eq!(broker.database.engine().broker_layers().all.len(), 0);
}

/// Asks for a topic as a client does that wants it made.
fn look_up(wire: &mut Wire, name: &str) -> (i16, usize) {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name.into()),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: true,
        ..MetadataRequest::default()
    };
    let answer = wire.call(12, &request);
    let response: MetadataResponse<'_> = answer.read();
    let topic = &response.topics[0];
    (topic.error_code, topic.partitions.len())
}

#[test]
fn settings_that_the_broker_reads_are_live() {
    let broker = start();
    let wire = &mut broker.connect();
    assert_eq!(look_up(wire, "one"), (0, 1));
    assert_eq!(
        change(wire, BROKER, "1", &[("num.partitions", SET, "3")]),
        0
    );
    assert_eq!(look_up(wire, "three"), (0, 3));
    let off = [("auto.create.topics.enable", SET, "false")];
    assert_eq!(change(wire, BROKER, "", &off), 0);
    assert_eq!(look_up(wire, "none"), (3, 0));
    let back = [("auto.create.topics.enable", DELETE, "null")];
    assert_eq!(change(wire, BROKER, "", &back), 0);
    assert_eq!(look_up(wire, "again"), (0, 3));
}

#[test]
fn resources_are_listed_by_type() {
    let broker = start();
    let wire = &mut broker.connect();
    let mut list = |version: i16, types: &[i8]| {
        let request = ListConfigResourcesRequest {
            resource_types: types.to_vec(),
        };
        let answer = wire.call(version, &request);
        let response: ListConfigResourcesResponse<'_> = answer.read();
        let all = response.config_resources.iter();
        let all = all.map(|r| (r.resource_type, r.resource_name.to_string()));
        (response.error_code, all.collect::<Vec<_>>())
    };
    let topic = (TOPIC, "t".to_owned());
    let node = |kind| (kind, "1".to_owned());
    assert_eq!(list(0, &[]), (0, vec![]));
    let all = vec![topic.clone(), node(BROKER), node(LOGGER)];
    assert_eq!(list(1, &[]), (0, all));
    assert_eq!(list(1, &[TOPIC]), (0, vec![topic]));
    assert_eq!(list(1, &[METRICS, GROUP]), (0, vec![]));
    assert_eq!(list(1, &[77]), (35, vec![]));
    assert_eq!(list(1, &[0]), (35, vec![]));
}

#[test]
fn broker_settings_outlive_the_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || Broker::on(Database::open(dir.path()).expect("open"), &[]);
    let broker = open();
    let wire = &mut broker.connect();
    let wanted = [
        ("auto.create.topics.enable", SET, "false"),
        ("log.retention.ms", SET, "77"),
    ];
    assert_eq!(change(wire, BROKER, "1", &wanted), 0);
    drop(broker);
    let broker = open();
    let engine = broker.database.engine();
    assert!(!engine.broker_config().auto_create_topics);
    let topic = engine.create_topic(&NewTopic::new("t", 1)).unwrap();
    assert_eq!(topic.config().retention_ms, Some(77));
}
