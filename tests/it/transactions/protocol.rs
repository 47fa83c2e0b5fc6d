//! Requests and their answers.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use levada::clock::ManualClock;
use levada::config::TRANSACTION_STATE;
use levada::disk::FaultyDisk;
use levada::embedded::Database;
use levada::engine::EngineBuilder;
use levada::engine::txn::ClientVersion::{V1, V2};
use levada::engine::txn::{InitRequest, TransactionFilter, TxnState};
use levada::error::{Code, Kind};
use levada::types::{Offset, Timestamp};

use super::stuck::Stuck;
use super::support::{Client, WAIT, ask, at, code, committed, is_stable, topic, until};

fn memory() -> Database {
    let db = Database::open(":memory:").unwrap();
    topic(&db, "a", 2);
    topic(&db, "b", 1);
    db
}

/// A database whose partition `b-0` takes nothing while the switch is on.
fn stuck() -> (Database, Arc<Stuck>) {
    let disk = Stuck::new(Arc::new(FaultyDisk::new()), "b-0");
    let builder = EngineBuilder::new("/data")
        .disk(disk.clone())
        .background(false);
    let db = Database::from_builder(builder, true).unwrap();
    topic(&db, "a", 2);
    topic(&db, "b", 1);
    (db, disk)
}

#[test]
fn readers_of_committed_records_never_see_what_was_aborted() {
    for version in [V1, V2] {
        let db = memory();
        let mut p = Client::new(&db, "tx", version);
        for (round, commit) in [true, false, false, true].into_iter().enumerate() {
            if version == V1 {
                assert_eq!(p.add(&["a-0", "a-1", "b-0"]).unwrap(), [None, None, None]);
            }
            for name in ["a-0", "a-1", "b-0"] {
                p.write(name, &format!("{round}")).unwrap();
                p.write(name, &format!("{round}+")).unwrap();
                assert!(!is_stable(&db, name));
            }
            p.finish(commit);
            for name in ["a-0", "a-1", "b-0"] {
                assert!(is_stable(&db, name));
            }
        }
        for name in ["a-0", "a-1", "b-0"] {
            assert_eq!(committed(&db, name), ["0", "0+", "3", "3+"]);
        }
        assert_eq!(p.state(), TxnState::CompleteCommit);
    }
}

#[test]
fn the_topic_of_transactions_is_made_when_it_is_first_needed() {
    let db = memory();
    assert!(db.engine().topic(TRANSACTION_STATE).is_err());
    let mut stranger = Client::new(&memory(), "tx", V1);
    stranger.db = db.clone();
    let refused = stranger.add(&["a-0"]);
    assert_eq!(code(refused), Some(Code::InvalidProducerIdMapping));
    assert!(db.engine().topic(TRANSACTION_STATE).is_err());
    Client::new(&db, "tx", V2);
    let made = db.engine().topic(TRANSACTION_STATE).unwrap();
    assert_eq!(made.partitions().len(), 50);
    assert!(made.config().cleanup.compact);
}

#[test]
fn a_partition_that_was_not_added_is_refused_to_clients_that_must_add() {
    let db = memory();
    let mut p = Client::new(&db, "tx", V1);
    assert_eq!(code(p.ensure("a-0")), Some(Code::InvalidTxnState));
    p.add(&["a-0"]).unwrap();
    p.write("a-0", "x").unwrap();
    assert_eq!(code(p.ensure("a-1")), Some(Code::InvalidTxnState));
    let asked = p.adding(&["a-0", "a-1"]);
    let verified = ask(|reply| p.txns().verify_partitions(asked, reply)).unwrap();
    let codes: Vec<_> = verified.into_iter().map(code).collect();
    assert_eq!(codes, [None, Some(Code::InvalidTxnState)]);
    // With the second version, producing adds.
    let mut q = Client::new(&db, "other", V2);
    q.write("a-1", "y").unwrap();
    p.finish(true);
    q.finish(true);
    assert_eq!(committed(&db, "a-1"), ["y"]);
}

#[test]
fn one_unknown_partition_keeps_the_others_out() {
    let db = memory();
    let p = Client::new(&db, "tx", V1);
    let codes = p.add(&["a-0", "a-7", "none-0"]).unwrap();
    let unknown = Some(Code::UnknownTopicOrPartition);
    assert_eq!(codes, [Some(Code::OperationNotAttempted), unknown, unknown]);
    assert_eq!(p.state(), TxnState::Empty);
    assert_eq!(code(p.ensure("none-0")), unknown);
    let q = Client::new(&db, "other", V2);
    assert_eq!(code(q.ensure("none-0")), unknown);
}

#[test]
fn a_batch_that_comes_after_the_end_of_its_transaction_is_refused() {
    for version in [V1, V2] {
        let db = memory();
        let mut p = Client::new(&db, "tx", version);
        if version == V1 {
            p.add(&["a-0"]).unwrap();
        }
        p.write("a-0", "in time").unwrap();
        let verified_at = p.ensure("a-0").unwrap();
        let had = p.has;
        p.finish(true);
        let next = std::mem::replace(&mut p.has, had);
        let refused = p.append("a-0", "late", verified_at);
        p.has = next;
        let expected = match version {
            V1 => Code::InvalidTxnState,
            _ => Code::InvalidProducerEpoch,
        };
        assert_eq!(code(refused), Some(expected));
        assert!(is_stable(&db, "a-0"));
        // The next transaction is not disturbed.
        if version == V1 {
            p.add(&["a-0"]).unwrap();
        }
        p.write("a-0", "next").unwrap();
        p.finish(true);
        assert_eq!(committed(&db, "a-0"), ["in time", "next"]);
    }
}

#[test]
fn a_late_end_of_an_older_transaction_does_not_touch_the_newer_one() {
    let db = memory();
    let mut p = Client::new(&db, "tx", V2);
    p.write("a-0", "first").unwrap();
    let (abort, commit) = (p.ending(false), p.ending(true));
    p.finish(true);
    // Its own retry is answered alike.
    assert_eq!(p.txns().end_and_wait(commit.clone(), WAIT).unwrap(), p.has);
    p.write("a-0", "second").unwrap();
    for late in [abort, commit] {
        let refused = p.txns().end_and_wait(late, WAIT);
        assert_eq!(code(refused), Some(Code::ProducerFenced));
    }
    assert_eq!(p.state(), TxnState::Ongoing);
    p.finish(true);
    assert_eq!(committed(&db, "a-0"), ["first", "second"]);
}

#[test]
fn a_new_producer_of_the_id_aborts_and_fences_the_old_one() {
    let db = memory();
    let mut old = Client::new(&db, "tx", V2);
    old.write("a-0", "lost").unwrap();
    let verified_at = old.ensure("a-0").unwrap();
    let mut new = Client::new(&db, "tx", V2);
    assert!(is_stable(&db, "a-0"));
    assert_eq!(
        code(old.ensure("a-0")),
        Some(Code::InvalidProducerEpoch),
        "47 to those that produce"
    );
    assert_eq!(code(old.end(true)), Some(Code::ProducerFenced));
    let refused = old.append("a-0", "late", verified_at);
    assert_eq!(code(refused), Some(Code::InvalidProducerEpoch));
    new.write("a-0", "kept").unwrap();
    new.finish(true);
    assert_eq!(committed(&db, "a-0"), ["kept"]);
}

#[test]
fn while_an_open_transaction_is_aborted_first_the_producer_is_told_to_retry() {
    let (db, disk) = stuck();
    let mut p = Client::new(&db, "tx", V1);
    p.add(&["b-0"]).unwrap();
    p.write("b-0", "x").unwrap();
    disk.set(true);
    let request = InitRequest {
        transactional_id: "tx".into(),
        timeout_ms: 1000,
        current: None,
    };
    for _ in 0..2 {
        let answer = ask(|reply| p.txns().init_producer_id(request.clone(), reply));
        let error = answer.unwrap_err();
        assert_eq!(error.code(), Code::ConcurrentTransactions);
        assert!(error.is_retriable());
    }
    assert_eq!(p.state(), TxnState::PrepareAbort);
    disk.set(false);
    let has = p.txns().init_and_wait(&request, WAIT).unwrap();
    assert!(has.epoch > p.has.epoch);
    let too_long = InitRequest {
        timeout_ms: 900_001,
        ..request
    };
    let refused = ask(|reply| p.txns().init_producer_id(too_long, reply));
    assert_eq!(code(refused), Some(Code::InvalidTransactionTimeout));
}

#[test]
fn producing_waits_for_the_end_of_the_transaction_before() {
    let (db, disk) = stuck();
    let mut p = Client::new(&db, "tx", V2);
    p.write("b-0", "one").unwrap();
    disk.set(true);
    p.end(true).unwrap();
    assert_eq!(p.state(), TxnState::PrepareCommit);
    let again = p.txns().end_and_wait(p.ending(true), WAIT);
    assert_eq!(code(again), Some(Code::ConcurrentTransactions));
    let (sender, answer) = mpsc::channel();
    let request = p.adding(&["a-0"]);
    p.txns().ensure_added(
        request,
        true,
        Box::new(move |outcome| sender.send(outcome).unwrap()),
    );
    assert!(answer.recv_timeout(Duration::from_millis(150)).is_err());
    assert!(committed(&db, "b-0").is_empty());
    disk.set(false);
    let ends = answer.recv_timeout(WAIT).unwrap().unwrap();
    assert_eq!(ends, [Offset::ZERO]);
    p.append("a-0", "two", ends[0]).unwrap();
    p.finish(true);
    assert_eq!(committed(&db, "b-0"), ["one"]);
    assert_eq!(committed(&db, "a-0"), ["two"]);
}

#[test]
fn a_marker_is_not_waited_for_when_its_topic_is_deleted() {
    let (db, disk) = stuck();
    let mut p = Client::new(&db, "tx", V2);
    p.write("a-0", "kept").unwrap();
    p.write("b-0", "gone").unwrap();
    disk.set(true);
    p.end(true).unwrap();
    until("the marker beside it", || is_stable(&db, "a-0"));
    assert_eq!(p.state(), TxnState::PrepareCommit);
    db.engine().delete_topic("b").unwrap();
    p.txns().wait_complete("tx", WAIT).unwrap();
    assert_eq!(p.state(), TxnState::CompleteCommit);
    assert_eq!(committed(&db, "a-0"), ["kept"]);
}

#[test]
fn a_transaction_that_is_open_too_long_is_aborted_and_its_producer_fenced() {
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    let builder = EngineBuilder::new("/data")
        .disk(Arc::new(FaultyDisk::new()))
        .clock(clock.clone())
        .background(false);
    let db = Database::from_builder(builder, true).unwrap();
    topic(&db, "a", 1);
    let mut p = Client::with_timeout(&db, "tx", V1, 1000);
    p.add(&["a-0"]).unwrap();
    p.write("a-0", "x").unwrap();
    clock.advance(Duration::from_millis(999));
    p.txns().tick().unwrap();
    assert_eq!(p.state(), TxnState::Ongoing);
    clock.advance(Duration::from_millis(1));
    p.txns().tick().unwrap();
    p.txns().wait_complete("tx", WAIT).unwrap();
    assert_eq!(p.state(), TxnState::CompleteAbort);
    assert!(is_stable(&db, "a-0") && committed(&db, "a-0").is_empty());
    let refused = p.append("a-0", "y", Offset::MAX);
    assert_eq!(code(refused), Some(Code::InvalidProducerEpoch));
    assert_eq!(code(p.end(true)), Some(Code::ProducerFenced));
    // And forgotten when nobody comes.
    clock.advance(Duration::from_millis(604_800_000));
    p.txns().tick().unwrap();
    let gone = p.txns().describe("tx");
    assert_eq!(code(gone), Some(Code::TransactionalIdNotFound));
}

#[test]
fn whoever_waits_hears_of_a_close() {
    let (db, disk) = stuck();
    let mut p = Client::new(&db, "tx", V2);
    p.write("b-0", "one").unwrap();
    disk.set(true);
    p.end(true).unwrap();
    let (sender, answer) = mpsc::channel();
    p.txns().until_complete(
        "tx",
        WAIT,
        Box::new(move |outcome| sender.send(outcome).unwrap()),
    );
    // Not cleanly: the disk is stuck.
    let _ = db.close();
    let outcome = answer.recv_timeout(WAIT).unwrap();
    assert_eq!(outcome.unwrap_err().kind(), Kind::Closed);
    let after = p.txns().end_and_wait(p.ending(true), WAIT);
    assert_eq!(after.unwrap_err().kind(), Kind::Closed);
}

#[test]
fn the_log_tells_of_its_producers_and_takes_a_marker_by_hand() {
    let db = memory();
    let mut p = Client::new(&db, "tx", V2);
    p.write("a-0", "x").unwrap();
    p.write("a-0", "y").unwrap();
    let handle = db.engine().partition("a", 0).unwrap();
    let log = handle.log().unwrap();
    let told = log.active_producers()[0];
    assert_eq!((told.producer_id, told.epoch), (p.has.id, p.has.epoch));
    assert_eq!((told.last_sequence, told.txn_start), (1, Some(Offset(0))));
    assert_eq!(told.coordinator_epoch, -1);
    let has = p.has;
    ask(|reply| p.txns().write_marker(at("a-0"), has, false, 0, reply)).unwrap();
    let told = log.active_producers()[0];
    assert_eq!((told.txn_start, told.coordinator_epoch), (None, 0));
    assert!(is_stable(&db, "a-0"));
    let none = ask(|reply| p.txns().write_marker(at("a-9"), has, false, 0, reply));
    assert_eq!(code(none), Some(Code::UnknownTopicOrPartition));
}

#[test]
fn ids_are_listed_and_plain_producer_ids_are_all_different() {
    let db = memory();
    let p = Client::new(&db, "one", V2);
    Client::new(&db, "two", V1);
    let listed = p.txns().list(&TransactionFilter::default()).unwrap();
    let ids: Vec<_> = listed.iter().map(|l| &*l.transactional_id).collect();
    assert_eq!(ids, ["one", "two"]);
    let mut plain = std::collections::BTreeSet::new();
    for _ in 0..1100 {
        let has = ask(|reply| p.txns().new_producer_id(reply)).unwrap();
        assert!(plain.insert(has.id.get()) && has.epoch.get() == 0);
    }
    assert!(listed.iter().all(|l| !plain.contains(&l.producer_id.get())));
}
