//! Members of the classic protocol over a whole engine: who waits is called, time passes by itself,
//! and a restart finds the group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use levada::embedded::{Database, OpenOptions};
use levada::engine::groups::{
    ClassicHeartbeat, ClassicLeave, CommitRequest, GroupState, JoinAnswer, JoinRequest, Leaver,
    OffsetCommit, SyncAnswer, SyncRequest,
};
use levada::engine::{Groups, NewTopic};
use levada::error::{Code, Result};
use levada::types::Offset;

const WAIT: Duration = Duration::from_secs(20);

fn open(dir: &std::path::Path, settings: &[(&str, &str)]) -> Database {
    let settings = settings.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    let options = OpenOptions {
        settings: settings.collect(),
        ..OpenOptions::default()
    };
    Database::open_with(dir, options).unwrap()
}

fn join(groups: &Groups, member: &str) -> Receiver<JoinAnswer> {
    let (sender, answer) = channel();
    let request = JoinRequest {
        group: Arc::from("g"),
        member: Arc::from(member),
        client_id: Arc::from("client"),
        client_host: Arc::from("/127.0.0.1"),
        session_timeout: Duration::from_secs(2),
        rebalance_timeout: Duration::from_secs(5),
        protocol_type: Arc::from("consumer"),
        protocols: vec![(
            Arc::from("range"),
            Arc::from(*b"\0\0\0\0\0\x01\0\x01t\0\0\0\0"),
        )],
        ..JoinRequest::default()
    };
    groups.join(request, Box::new(move |a| drop(sender.send(a))));
    answer
}

fn sync(
    groups: &Groups,
    member: &str,
    generation: i32,
    give: &[&str],
) -> Receiver<Result<SyncAnswer>> {
    let (sender, answer) = channel();
    let given = give
        .iter()
        .map(|m| (Arc::from(*m), Arc::from(m.as_bytes())));
    let request = SyncRequest {
        group: Arc::from("g"),
        member: Arc::from(member),
        generation,
        assignments: given.collect::<BTreeMap<_, _>>(),
        ..SyncRequest::default()
    };
    groups.sync(&request, Box::new(move |a| drop(sender.send(a))));
    answer
}

fn beat(groups: &Groups, member: &str, generation: i32) -> Option<Code> {
    let request = ClassicHeartbeat {
        group: Arc::from("g"),
        member: Arc::from(member),
        generation,
        ..ClassicHeartbeat::default()
    };
    groups.heartbeat_classic(&request).err().map(|e| e.code())
}

const SHORT: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "150"),
    ("group.min.session.timeout.ms", "100"),
];

#[test]
fn members_of_other_processes_wait_for_each_other_and_are_called() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path(), SHORT);
    db.engine().create_topic(&NewTopic::new("t", 2)).unwrap();
    let groups = db.engine().groups();

    let (first, second) = (join(groups, ""), join(groups, ""));
    let asked = Instant::now();
    let (first, second) = (
        first.recv_timeout(WAIT).unwrap(),
        second.recv_timeout(WAIT).unwrap(),
    );
    // The first rebalance waits for more members, twice as one came; nobody polls for it.
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!((first.generation, second.generation), (1, 1));
    let (leader, other) = match first.members.len() {
        2 => (&first.member, &second.member),
        _ => (&second.member, &first.member),
    };
    let waits = sync(groups, other, 1, &[]);
    assert!(waits.try_recv().is_err());
    let leads = sync(groups, leader, 1, &[leader, other]);
    for (answer, member) in [(leads, leader), (waits, other)] {
        let answer = answer.recv_timeout(WAIT).unwrap().unwrap();
        assert_eq!(&*answer.assignment, member.as_bytes());
    }
    let commit = CommitRequest {
        group: Arc::from("g"),
        member: other.clone(),
        instance_id: None,
        epoch: 1,
        offsets: vec![
            OffsetCommit::new("t", 0, Offset(3)),
            OffsetCommit::new("t", 9, Offset(3)),
        ],
    };
    let (outcomes, ticket) = groups.commit_offsets(&commit).unwrap();
    ticket.unwrap().wait().unwrap();
    let codes: Vec<_> = outcomes
        .into_iter()
        .map(|o| o.result.err().map(|e| e.code()))
        .collect();
    assert_eq!(codes, [None, Some(Code::UnknownTopicOrPartition)]);

    // One falls silent: the other hears of it.
    let started = Instant::now();
    let told = loop {
        match beat(groups, leader, 1) {
            None if started.elapsed() < WAIT => {
                std::thread::park_timeout(Duration::from_millis(20))
            }
            told => break told,
        }
    };
    assert_eq!(told, Some(Code::RebalanceInProgress));
    let again = join(groups, leader).recv_timeout(WAIT).unwrap();
    assert_eq!((again.generation, again.members.len()), (2, 1));
}

#[test]
fn a_restart_finds_the_group_and_its_members() {
    let dir = tempfile::tempdir().unwrap();
    let quick = [("group.initial.rebalance.delay.ms", "0"), SHORT[1]];
    let db = open(dir.path(), &quick);
    let groups = db.engine().groups();
    let a = join(groups, "").recv_timeout(WAIT).unwrap();
    let answer = sync(groups, &a.member, 1, &[&a.member])
        .recv_timeout(WAIT)
        .unwrap();
    assert!(answer.is_ok());
    // Who waits when the engine closes is told.
    let late = join(groups, "");
    assert!(late.try_recv().is_err());
    db.close().unwrap();
    let told = late.recv_timeout(WAIT).unwrap();
    assert!(told.error.is_some());

    let db = open(dir.path(), &quick);
    let groups = db.engine().groups();
    groups.start().unwrap();
    let found = groups.describe_classic("g").unwrap();
    assert_eq!((found.state, found.members.len()), (GroupState::Stable, 1));
    assert_eq!(beat(groups, &a.member, 1), None);
    let leave = ClassicLeave {
        group: Arc::from("g"),
        members: vec![Leaver {
            member: a.member.clone(),
            instance_id: None,
        }],
    };
    assert!(groups.leave_classic(&leave).unwrap()[0].result.is_ok());
    assert_eq!(groups.describe("g").unwrap().state, GroupState::Empty);
    groups.delete("g").unwrap();
    assert!(groups.list_of(&["empty"], &["classic"]).unwrap().is_empty());
}
