//! Calls that are wrong: names, settings, sizes, offsets, times.

use levada::Kind::{Corrupt, Exists, Invalid, NotFound, OutOfRange};
use levada::embedded::{ConsumerOptions, Database, Message, Start};

use levada::engine::{ConfigOp, EngineBuilder, NewTopic};
use levada::error::Code;
use levada::log::{Append, Read};
use levada::record::{BatchBuilder, BuildOptions};
use levada::types::{IsolationLevel, LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};

use super::support::{check, earliest, producer, put, read, row, topic, value};

fn memory() -> Database {
    Database::open(":memory:").unwrap()
}

#[test]
fn illegal_topics_are_refused() {
    let db = memory();
    topic(&db, "a.b", 1, &[]);
    let long = "x".repeat(250);
    let make = |name: &str| db.engine().create_topic(&NewTopic::new(name, 1));
    let count = |count| db.engine().create_topic(&NewTopic::new("t", count));
    let copies = NewTopic {
        replication_factor: Some(2),
        ..NewTopic::new("t", 1)
    };
    let name = Code::InvalidTopic;
    check(vec![
        row("empty", make(""), Invalid, name, "empty"),
        row("dot", make("."), Invalid, name, "."),
        row("dots", make(".."), Invalid, name, ".."),
        row("space", make("a b"), Invalid, name, "a b"),
        row("slash", make("../a"), Invalid, name, "../a"),
        row("letters", make("ümlaut"), Invalid, name, "ümlaut"),
        row("nul", make("a\0b"), Invalid, name, "letters"),
        row("long", make(&long), Invalid, name, "249"),
        row("near", make("a_b"), Invalid, name, "collides"),
        row(
            "offsets",
            make("__consumer_offsets"),
            Invalid,
            name,
            "internal",
        ),
        row(
            "metadata",
            make("__cluster_metadata"),
            Invalid,
            name,
            "internal",
        ),
        row(
            "taken",
            make("a.b"),
            Exists,
            Code::TopicAlreadyExists,
            "exists",
        ),
        row("none", count(0), Invalid, Code::InvalidPartitions, "0"),
        row(
            "negative",
            count(-1),
            Invalid,
            Code::InvalidPartitions,
            "-1",
        ),
        row(
            "many",
            count(10_001),
            Invalid,
            Code::PolicyViolation,
            "10000",
        ),
        row(
            "copies",
            db.engine().create_topic(&copies),
            Invalid,
            Code::InvalidReplicationFactor,
            "2",
        ),
        row(
            "fewer",
            db.engine().add_partitions("a.b", 1),
            Invalid,
            Code::InvalidPartitions,
            "1",
        ),
    ]);
    assert_eq!(db.engine().topics().unwrap().len(), 1, "nothing was made");
}

#[test]
fn what_is_not_there_is_not_found() {
    let db = memory();
    topic(&db, "t", 2, &[]);
    let engine = db.engine();
    let producer = producer(&db);
    let consumer = db.consumer(earliest()).unwrap();
    let unknown = Code::UnknownTopicOrPartition;
    let partition = |p| TopicPartition::new("t", p);
    let to = |partition| {
        let message = Message {
            partition: Some(partition),
            ..value(b"v")
        };
        producer.send("t", message)
    };
    let settings = [("retention.ms".to_owned(), ConfigOp::Delete)];
    let id = TopicId::random();
    check(vec![
        row("topic", engine.topic("no"), NotFound, unknown, "no"),
        row(
            "id",
            engine.topic_by_id(id),
            NotFound,
            Code::UnknownTopicId,
            "id",
        ),
        row(
            "partition",
            engine.partition("t", 2),
            NotFound,
            unknown,
            "partition 2",
        ),
        row(
            "negative",
            engine.partition("t", -1),
            NotFound,
            unknown,
            "-1",
        ),
        row("delete", engine.delete_topic("no"), NotFound, unknown, "no"),
        row(
            "grow",
            engine.add_partitions("no", 3),
            NotFound,
            unknown,
            "no",
        ),
        row(
            "alter",
            engine.alter_topic("no", &settings),
            NotFound,
            unknown,
            "no",
        ),
        row(
            "send",
            producer.send("no", value(b"v")),
            NotFound,
            unknown,
            "create it",
        ),
        row("send to 2", to(2), NotFound, unknown, "0 to 1"),
        row("send to -1", to(-1), NotFound, unknown, "-1"),
        row(
            "assign",
            consumer.assign(&[partition(9)]),
            NotFound,
            unknown,
            "9",
        ),
        row(
            "seek",
            consumer.seek(&partition(0), Offset(0)),
            NotFound,
            unknown,
            "assigned",
        ),
        row(
            "pause",
            consumer.pause(&[partition(0)]),
            NotFound,
            unknown,
            "assigned",
        ),
        row(
            "bounds",
            consumer.bounds(&partition(7)),
            NotFound,
            unknown,
            "7",
        ),
        row(
            "group",
            engine.groups().describe("no"),
            NotFound,
            Code::GroupIdNotFound,
            "no",
        ),
        row(
            "delete group",
            engine.groups().delete("no"),
            NotFound,
            Code::GroupIdNotFound,
            "no",
        ),
    ]);
}

#[test]
fn wrong_settings_are_refused_by_name() {
    let db = memory();
    topic(&db, "t", 1, &[]);
    let with = |name: &str, value: &str| {
        let new = NewTopic {
            config: vec![(name.into(), value.into())],
            ..NewTopic::new("made", 1)
        };
        db.engine().create_topic(&new)
    };
    let set = |name: &str, op| db.engine().alter_topic("t", &[(name.to_owned(), op)]);
    let broker = |name: &str, value: &str| {
        EngineBuilder::new("/x")
            .disk(std::sync::Arc::new(levada::disk::FaultyDisk::new()))
            .setting(name, value)
            .open()
    };
    let code = Code::InvalidConfig;
    let append = ConfigOp::Append("x".into());
    check(vec![
        row(
            "typo",
            with("retention.mss", "1"),
            Invalid,
            code,
            "retention.ms",
        ),
        row(
            "no number",
            with("retention.ms", "week"),
            Invalid,
            code,
            "week",
        ),
        row(
            "low",
            with("retention.ms", "-2"),
            Invalid,
            code,
            "retention.ms",
        ),
        row(
            "small",
            with("segment.bytes", "1024"),
            Invalid,
            code,
            "1048576",
        ),
        row(
            "large",
            with("segment.bytes", "9999999999"),
            Invalid,
            code,
            "segment.bytes",
        ),
        row(
            "choice",
            with("cleanup.policy", "keep"),
            Invalid,
            code,
            "compact",
        ),
        row(
            "codec",
            with("compression.type", "rar"),
            Invalid,
            code,
            "zstd",
        ),
        row(
            "durability",
            with("levada.durability", "maybe"),
            Invalid,
            code,
            "cache",
        ),
        row(
            "ratio",
            with("min.cleanable.dirty.ratio", "1.5"),
            Invalid,
            code,
            "1",
        ),
        row(
            "alter typo",
            set("segment.byte", ConfigOp::Delete),
            Invalid,
            code,
            "segment.byte",
        ),
        row(
            "no list",
            set("segment.bytes", append),
            Invalid,
            code,
            "list",
        ),
        row(
            "broker typo",
            broker("num.partition", "1"),
            Invalid,
            code,
            "num.partitions",
        ),
        row(
            "broker range",
            broker("num.partitions", "0"),
            Invalid,
            code,
            "num.partitions",
        ),
    ]);
    assert!(db.engine().topic("made").is_err());
    assert!(db.engine().topic("t").unwrap().overrides().is_empty());
}

#[test]
fn records_that_a_topic_does_not_take_are_refused_alone() {
    let db = memory();
    topic(&db, "small", 1, &[("max.message.bytes", "1000")]);
    topic(&db, "keyed", 1, &[("cleanup.policy", "compact")]);
    topic(
        &db,
        "day",
        1,
        &[("message.timestamp.before.max.ms", "86400000")],
    );
    let producer = producer(&db);
    put(&producer, "small", b"before").unwrap();
    let at = |topic: &str, ms| {
        let message = Message {
            timestamp: Some(Timestamp(ms)),
            ..value(b"timed")
        };
        producer.send(topic, message)
    };
    let year_2300 = 10_413_792_000_000;
    let large = Code::MessageTooLarge;
    let time = Code::InvalidTimestamp;
    check(vec![
        row(
            "large",
            producer.send("small", value(&[b'x'; 1000])),
            Invalid,
            large,
            "max.message.bytes",
        ),
        row(
            "no key",
            producer.send("keyed", value(b"v")),
            Invalid,
            Code::InvalidRecord,
            "key",
        ),
        row(
            "2300",
            at("small", year_2300),
            Invalid,
            time,
            "message.timestamp.after.max.ms",
        ),
        row("before 1970", at("small", -1), Invalid, time, "1970"),
        row(
            "old",
            at("day", 0),
            Invalid,
            time,
            "message.timestamp.before.max.ms",
        ),
    ]);
    let first = at("small", 0).unwrap();
    producer.flush(super::support::WAIT).unwrap();
    let found = first.wait(super::support::WAIT).unwrap();
    assert_eq!((found.offset, found.timestamp), (Offset(1), Timestamp(0)));
    let records = read(&db, "small").0;
    assert_eq!(records, [(0, "before".into()), (1, "timed".into())]);
}

#[test]
fn bytes_that_are_no_batch_are_refused_by_the_log() {
    let db = memory();
    topic(&db, "t", 1, &[]);
    let handle = db.engine().partition("t", 0).unwrap();
    let mut builder = BatchBuilder::default();
    builder.push(Timestamp(1), None, Some(b"value"), &[]);
    let good = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    let append = |bytes: &[u8]| {
        handle.append(Append {
            batches: bytes,
            leader_epoch: LeaderEpoch::FIRST,
            internal: false,
            trusted: false,
        })
    };
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        append(&bytes)
    };
    let last = good.len() - 1;
    let (damaged, wrong) = (Code::CorruptMessage, Code::InvalidRecord);
    check(vec![
        row("nothing", append(b""), Invalid, wrong, "t-0"),
        row("short", append(&good[..last]), Invalid, wrong, "t-0"),
        row(
            "checksum",
            changed(last, b'?'),
            Corrupt,
            damaged,
            "checksum",
        ),
        row("old format", changed(16, 1), Invalid, wrong, "v1"),
        row("new format", changed(16, 7), Corrupt, damaged, "magic 7"),
    ]);
    assert_eq!(append(&good).unwrap().base_offset, Offset(0));
}

#[test]
fn offsets_outside_of_the_log_are_out_of_range() {
    let db = memory();
    topic(&db, "t", 1, &[]);
    let producer = producer(&db);
    for text in ["a", "b", "c"] {
        put(&producer, "t", text.as_bytes()).unwrap();
    }
    let handle = db.engine().partition("t", 0).unwrap();
    handle.delete_records(Offset(1)).unwrap();
    let fetch = |from| {
        handle.read(Read {
            from: Offset(from),
            max_bytes: 1000,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        })
    };
    let name = TopicPartition::new("t", 0);
    let consumer = db.consumer(earliest()).unwrap();
    consumer.assign(std::slice::from_ref(&name)).unwrap();
    let strict = ConsumerOptions {
        start: Start::Fail,
        ..ConsumerOptions::default()
    };
    let strict = db.consumer(strict).unwrap();
    strict.assign(std::slice::from_ref(&name)).unwrap();
    let code = Code::OffsetOutOfRange;
    let seek = |to| consumer.seek(&name, Offset(to));
    check(vec![
        row("before", fetch(0), OutOfRange, code, "0"),
        row("negative", fetch(-1), OutOfRange, code, "-1"),
        row("behind", fetch(4), OutOfRange, code, "4"),
        row("seek before", seek(0), OutOfRange, code, "1 to 3"),
        row("seek behind", seek(4), OutOfRange, code, "1 to 3"),
        row(
            "no reset",
            strict.poll(None, std::time::Duration::ZERO),
            OutOfRange,
            code,
            "auto.offset.reset",
        ),
        row(
            "delete",
            handle.delete_records(Offset(9)),
            OutOfRange,
            code,
            "9",
        ),
    ]);
    assert!(fetch(3).unwrap().batches.is_empty(), "the end is no error");
    let left: Vec<i64> = read(&db, "t").0.iter().map(|r| r.0).collect();
    assert_eq!(left, [1, 2]);
}
