//! Consumers, groups and closed handles that are asked for what they cannot do.

use levada::Kind::{Closed, Conflict, Invalid, NotFound};
use levada::embedded::{ConsumerOptions, Database};
use levada::engine::NewTopic;
use levada::engine::groups::OffsetCommit;
use levada::error::{Code, Result};
use levada::types::Offset;

use super::support::{check, earliest, producer, put, row, topic};

fn memory() -> Database {
    Database::open(":memory:").unwrap()
}

#[test]
fn consumers_and_groups_refuse_what_they_cannot_do() {
    let db = memory();
    topic(&db, "t", 1, &[]);
    let options = |change: &dyn Fn(&mut ConsumerOptions)| {
        let mut options = earliest();
        change(&mut options);
        db.consumer(options)
    };
    let alone = db.consumer(earliest()).unwrap();
    let member = options(&|o| o.group = Some("g".into())).unwrap();
    member.subscribe(&["t"]).unwrap();
    member.poll(None, std::time::Duration::ZERO).unwrap();
    let odd = options(&|o| {
        o.group = Some("g".into());
        o.assignor = Some("best".into());
    });
    let offset = |to| vec![OffsetCommit::new("t", 0, Offset(to))];
    let groups = db.engine().groups();
    let now = std::time::Duration::ZERO;
    let request = Code::InvalidRequest;
    check(vec![
        row(
            "no name",
            options(&|o| o.group = Some(String::new())),
            Invalid,
            request,
            "empty",
        ),
        row(
            "instance",
            options(&|o| o.instance_id = Some("i".into())),
            Invalid,
            request,
            "group",
        ),
        row(
            "assignor",
            odd.and_then(|c| c.subscribe(&["t"])),
            Invalid,
            Code::UnsupportedAssignor,
            "uniform",
        ),
        row("idle", alone.poll(None, now), Invalid, request, "subscribe"),
        row("commit", alone.commit(None), Invalid, request, "group"),
        row(
            "name",
            alone.subscribe(&["a b"]),
            Invalid,
            Code::InvalidTopic,
            "a b",
        ),
        row(
            "pattern",
            alone.subscribe_pattern("a("),
            Invalid,
            Code::InvalidRegularExpression,
            "a(",
        ),
        row(
            "in use",
            groups.delete("g"),
            Conflict,
            Code::NonEmptyGroup,
            "g",
        ),
        row(
            "reset in use",
            groups.reset("g", offset(0)),
            Conflict,
            Code::NonEmptyGroup,
            "g",
        ),
        row(
            "no such topic",
            groups.reset("other", vec![OffsetCommit::new("no", 0, Offset(0))]),
            NotFound,
            Code::UnknownTopicOrPartition,
            "no",
        ),
    ]);
}

#[test]
fn everything_after_close_is_closed() {
    let db = memory();
    topic(&db, "t", 1, &[]);
    let producer = producer(&db);
    put(&producer, "t", b"v").unwrap();
    let consumer = db.consumer(earliest()).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    let handle = db.engine().partition("t", 0).unwrap();
    db.close().unwrap();
    let code = Code::NotLeaderOrFollower;
    let sent: Result<_> = put(&producer, "t", b"w");
    let now = std::time::Duration::ZERO;
    check(vec![
        row(
            "topic",
            db.engine().topic("t"),
            Closed,
            code,
            "open it again",
        ),
        row(
            "create",
            db.engine().create_topic(&NewTopic::new("u", 1)),
            Closed,
            code,
            "closed",
        ),
        row("send", sent, Closed, code, "closed"),
        row("poll", consumer.poll(None, now), Closed, code, "closed"),
        row("ends", handle.ends(), Closed, code, "closed"),
        row(
            "consumer",
            db.consumer(earliest()).and_then(|c| c.subscribe(&["t"])),
            Closed,
            code,
            "closed",
        ),
        row(
            "groups",
            db.engine().groups().list(),
            Closed,
            code,
            "closed",
        ),
    ]);
    db.close().unwrap();
}
