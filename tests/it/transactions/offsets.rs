//! Offsets of consumer groups in transactions.

use levada::disk::{Faults, FaultyDisk};
use levada::embedded::{Database, OffsetCommit};
use levada::engine::groups::{CommitRequest, TransactionalCommit};
use levada::engine::txn::ClientVersion::{V1, V2};
use levada::engine::{EngineBuilder, OffsetsRequest};
use levada::error::{Code, Result};
use levada::types::Offset;
use std::sync::Arc;

use super::support::{Client, ask, at, code, topic};

fn open(disk: &Arc<FaultyDisk>) -> Database {
    let builder = EngineBuilder::new("/data").disk(disk.clone());
    Database::from_builder(builder, true).unwrap()
}

fn commit(p: &Client, group: &str, offset: i64) -> Result<()> {
    let request = OffsetsRequest {
        transactional_id: p.id.into(),
        implicit: p.version == V2,
        commit: TransactionalCommit {
            commit: CommitRequest {
                group: group.into(),
                member: "".into(),
                instance_id: None,
                epoch: -1,
                offsets: vec![OffsetCommit::new("in", 0, Offset(offset))],
            },
            producer: p.has.id,
            producer_epoch: p.has.epoch,
        },
    };
    let outcomes = ask(|reply| p.txns().commit_offsets(request, reply))?;
    outcomes.into_iter().try_for_each(|o| o.result)
}

fn committed(db: &Database, group: &str) -> Option<i64> {
    let found = db.engine().groups().committed(group, &at("in-0")).unwrap();
    found.map(|c| c.offset.get())
}

#[test]
fn offsets_count_when_their_transaction_commits_and_not_when_it_aborts() {
    for version in [V1, V2] {
        let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(1)));
        let db = open(&disk);
        topic(&db, "in", 1);
        let mut p = Client::new(&db, "tx", version);
        for (offset, end) in [(5, true), (9, false), (7, true)] {
            let before = committed(&db, "g");
            if version == V1 {
                assert_eq!(code(commit(&p, "g", offset)), Some(Code::InvalidTxnState));
                let request = p.adding(&[]);
                ask(|reply| p.txns().add_offsets(request, "g".into(), reply)).unwrap();
            }
            commit(&p, "g", offset).unwrap();
            assert_eq!(committed(&db, "g"), before);
            p.finish(end);
            let expected = if end { Some(offset) } else { before };
            assert_eq!(committed(&db, "g"), expected);
        }
        drop(p);
        drop(db);
        let again = open(&Arc::new(disk.crash_losing_unsynced()));
        assert_eq!(committed(&again, "g"), Some(7));
    }
}

/// A marker in one partition of the offsets topic says nothing of the producer's offsets in another.
#[test]
fn groups_of_other_partitions_keep_their_open_offsets_over_a_restart() {
    let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(2)));
    let db = open(&disk);
    topic(&db, "in", 1);
    // Groups on the first and on a later partition; V1, so that all is under one epoch.
    let mut p = Client::new(&db, "tx", V1);
    let (first, later) = two_groups();
    for round in 0..2 {
        for group in [&first, &later] {
            if round == 1 && group == &later {
                continue;
            }
            let (request, name) = (p.adding(&[]), Arc::from(group.as_str()));
            ask(|reply| p.txns().add_offsets(request, name, reply)).unwrap();
            commit(&p, group, 10 + round).unwrap();
        }
        if round == 0 {
            p.finish(true);
        }
    }
    drop(db);
    // The second transaction is open; replaying the later partition's marker must not commit it.
    let again = open(&Arc::new(disk.crash_losing_unsynced()));
    assert_eq!(committed(&again, &first), Some(10));
    assert_eq!(committed(&again, &later), Some(10));
    let mut next = Client::new(&again, "tx", V1);
    assert_eq!(committed(&again, &first), Some(10), "it was aborted");
    let request = next.adding(&[]);
    ask(|reply| {
        next.txns()
            .add_offsets(request, Arc::from(first.as_str()), reply)
    })
    .unwrap();
    commit(&next, &first, 12).unwrap();
    next.finish(true);
    assert_eq!(committed(&again, &first), Some(12));
}

/// Two groups, the first in a lower partition of the offsets topic than the second.
fn two_groups() -> (String, String) {
    let place = |g: &String| levada::engine::groups::offsets_partition(g, 50);
    let names: Vec<String> = (0..20).map(|n| format!("group-{n}")).collect();
    let first = names.iter().min_by_key(|g| place(g)).unwrap().clone();
    let later = names.iter().max_by_key(|g| place(g)).unwrap().clone();
    assert!(place(&first) < place(&later));
    (first, later)
}

#[test]
fn offsets_of_a_partition_that_is_not_there_are_refused_alone() {
    let db = Database::open(":memory:").unwrap();
    let p = Client::new(&db, "tx", V2);
    let refused = commit(&p, "g", 1);
    assert_eq!(code(refused), Some(Code::UnknownTopicOrPartition));
    let zombie = Client::new(&db, "tx", V2);
    topic(&db, "in", 1);
    assert_eq!(code(commit(&p, "g", 1)), Some(Code::InvalidProducerEpoch));
    commit(&zombie, "g", 1).unwrap();
}
