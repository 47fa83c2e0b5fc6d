//! What producers and the coordinator say to each other.

use super::world::{World, code, identity};
use crate::engine::txn::ClientVersion::{V1, V2};
use crate::engine::txn::{TransactionFilter, TxnState};
use crate::error::Code;
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

#[test]
fn a_producer_of_the_first_version_keeps_its_epoch_over_transactions() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    assert_eq!(p, identity(1000, 0));
    for commit in [true, false] {
        w.add(p, &["a-0", "b-1"], V1).unwrap();
        assert_eq!(w.state(), TxnState::Ongoing);
        assert_eq!(w.decide(p, commit, V1).unwrap(), p);
        assert_eq!(w.get().state.ending(), Some(commit));
        assert_eq!(w.get().each_partition().count(), 2);
        assert!(w.complete() && !w.complete());
        assert_eq!(w.get().producer, p);
        assert!(w.get().partitions.is_empty());
        // Said again: the same.
        assert_eq!(w.decide(p, commit, V1).unwrap(), p);
        assert_eq!(code(w.decide(p, !commit, V1)), Some(Code::InvalidTxnState));
    }
    w.check();
}

#[test]
fn with_the_second_version_the_epoch_grows_with_each_end() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    w.add(p, &["a-0"], V2).unwrap();
    let next = w.decide(p, true, V2).unwrap();
    assert_eq!(next, identity(1000, 1));
    // Markers carry the new epoch: the log refuses what the old one still has on its way.
    assert_eq!(w.get().producer, next);
    assert_eq!(
        code(w.decide(p, true, V2)),
        Some(Code::ConcurrentTransactions)
    );
    assert_eq!(
        code(w.add(next, &["a-0"], V2)),
        Some(Code::ConcurrentTransactions)
    );
    assert_eq!(code(w.add(p, &["a-0"], V2)), Some(Code::ProducerFenced));
    w.complete();
    // The retry of an answer that was lost.
    assert_eq!(w.decide(p, true, V2).unwrap(), next);
    assert_eq!(code(w.decide(p, false, V2)), Some(Code::InvalidTxnState));
    w.add(next, &["a-0"], V2).unwrap();
    assert_eq!(w.decide(next, false, V2).unwrap(), identity(1000, 2));
    w.check();
}

#[test]
fn a_late_end_of_an_older_transaction_does_not_touch_the_newer_one() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    w.add(p, &["a-0"], V2).unwrap();
    let next = w.end(p, true, V2).unwrap();
    w.add(next, &["a-1"], V2).unwrap();
    for commit in [true, false] {
        assert_eq!(code(w.decide(p, commit, V2)), Some(Code::ProducerFenced));
    }
    assert_eq!(w.state(), TxnState::Ongoing);
    let last = w.end(next, true, V2).unwrap();
    // Also when the newer one is complete.
    assert_eq!(code(w.decide(p, true, V2)), Some(Code::ProducerFenced));
    assert_eq!(w.get().producer, last);
}

#[test]
fn another_producer_of_the_same_id_aborts_what_is_open_and_fences_the_first() {
    for v in [V1, V2] {
        let mut w = World::new();
        let old = w.init(None).unwrap();
        w.add(old, &["a-0"], v).unwrap();
        assert_eq!(code(w.init(None)), Some(Code::ConcurrentTransactions));
        assert_eq!(w.state(), TxnState::PrepareAbort);
        assert!(w.get().producer.epoch > old.epoch);
        assert_eq!(code(w.init(None)), Some(Code::ConcurrentTransactions));
        assert_eq!(code(w.add(old, &["a-1"], v)), Some(Code::ProducerFenced));
        assert_eq!(code(w.decide(old, true, v)), Some(Code::ProducerFenced));
        w.complete();
        assert_eq!(code(w.decide(old, false, v)), Some(Code::ProducerFenced));
        let new = w.init(None).unwrap();
        assert!(new.epoch > old.epoch && new.id == old.id);
        w.add(new, &["a-0"], v).unwrap();
        assert_eq!(code(w.init(Some(old))), Some(Code::ProducerFenced));
        // The zombie's request has not aborted the new producer's transaction.
        assert_eq!(w.state(), TxnState::Ongoing);
        w.check();
    }
}

#[test]
fn a_producer_goes_on_after_an_error_and_its_retry_gets_the_same_answer() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    let next = w.init(Some(p)).unwrap();
    assert_eq!(next, identity(1000, 1));
    assert_eq!(w.init(Some(p)).unwrap(), next);
    assert_eq!(w.init(Some(next)).unwrap(), identity(1000, 2));
    assert_eq!(code(w.init(Some(p))), Some(Code::ProducerFenced));
    // Another producer comes: what the first had is not answered any more.
    let other = w.init(None).unwrap();
    assert_eq!(code(w.init(Some(next))), Some(Code::ProducerFenced));
    assert_eq!(
        code(w.init(Some(identity(other.id.get(), 2)))),
        Some(Code::ProducerFenced)
    );
    assert_eq!(
        code(w.init(Some(identity(5, 2)))),
        Some(Code::ProducerFenced)
    );
}

#[test]
fn an_end_that_nobody_heard_of_is_no_fence_also_after_a_restart() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    w.add(p, &["a-0"], V2).unwrap();
    let next = w.decide(p, true, V2).unwrap();
    w.txns = w.replayed();
    assert_eq!(code(w.init(Some(p))), Some(Code::ConcurrentTransactions));
    w.complete();
    w.txns = w.replayed();
    assert_eq!(w.decide(p, true, V2).unwrap(), next);
    assert_eq!(w.init(Some(p)).unwrap(), next);
}

#[test]
fn one_epoch_less_is_another_producer_where_ends_do_not_bump() {
    let mut w = World::new();
    let zombie = w.init(None).unwrap();
    let p = w.init(None).unwrap();
    assert_eq!(p.epoch.get(), zombie.epoch.get() + 1);
    w.add(p, &["a-0"], V1).unwrap();
    w.end(p, true, V1).unwrap();
    assert_eq!(code(w.decide(zombie, true, V2)), Some(Code::ProducerFenced));
    assert_eq!(code(w.init(Some(zombie))), Some(Code::ProducerFenced));
}

/// Uses up the epochs by asking for the next one.
fn exhausted(w: &mut World) -> crate::engine::txn::ProducerIdentity {
    let mut p = w.init(None).unwrap();
    while p.epoch < ProducerEpoch(i16::MAX - 1) {
        p = w.init(Some(p)).unwrap();
    }
    w.log.drain(..w.log.len() - 1);
    p
}

#[test]
fn when_epochs_run_out_the_producer_gets_another_id() {
    let mut w = World::new();
    let p = exhausted(&mut w);
    assert_eq!(p.id, ProducerId(1000));
    let next = w.init(Some(p)).unwrap();
    assert_eq!(next, identity(1001, 0));
    assert_eq!(w.init(Some(p)).unwrap(), next, "its retry");
    let other = w.init(None).unwrap();
    assert_eq!(other, identity(1001, 1));
    assert_eq!(code(w.init(Some(p))), Some(Code::ProducerFenced));
    w.check();
}

#[test]
fn an_end_that_uses_up_the_last_epoch_changes_ids_too() {
    let mut w = World::new();
    let p = exhausted(&mut w);
    w.add(p, &["a-0"], V2).unwrap();
    let next = w.decide(p, true, V2).unwrap();
    assert_eq!(next, identity(1001, 0));
    // Its markers are the old id's last.
    assert_eq!(w.get().producer, identity(1000, i16::MAX));
    for early in [w.add(next, &["a-0"], V2), w.init(Some(next)).map(drop)] {
        assert_eq!(code(early), Some(Code::ConcurrentTransactions));
    }
    assert_eq!(
        code(w.decide(p, true, V2)),
        Some(Code::ConcurrentTransactions)
    );
    w.complete();
    assert_eq!(w.get().producer, next);
    assert_eq!(w.decide(p, true, V2).unwrap(), next, "its retry");
    w.add(next, &["a-0"], V2).unwrap();
    assert!(code(w.decide(p, true, V2)).is_some());
    assert_eq!(w.state(), TxnState::Ongoing);
    w.check();
}

#[test]
fn a_fence_at_the_last_epoch_is_no_answer_to_the_old_producer() {
    let mut w = World::new();
    let p = exhausted(&mut w);
    w.add(p, &["a-0"], V2).unwrap();
    w.pass(60_000);
    assert_eq!(w.time_out(), 1);
    assert_eq!(w.get().producer, identity(1000, i16::MAX));
    for _ in 0..2 {
        assert_eq!(code(w.decide(p, false, V2)), Some(Code::ProducerFenced));
        w.complete();
    }
    assert_eq!(w.init(None).unwrap(), identity(1001, 0));
}

#[test]
fn a_transaction_that_is_open_too_long_is_aborted_and_its_producer_fenced() {
    for v in [V1, V2] {
        let mut w = World::new();
        let p = w.init(None).unwrap();
        w.add(p, &["a-0"], v).unwrap();
        assert_eq!(w.txns.next_deadline(), Some(Timestamp(1_060_000)));
        w.pass(59_999);
        w.add(p, &["a-1"], v).unwrap();
        assert_eq!(w.time_out(), 0);
        w.pass(1);
        assert_eq!(w.time_out(), 1);
        assert_eq!(w.state(), TxnState::PrepareAbort);
        assert_eq!(w.time_out(), 0);
        w.complete();
        assert_eq!(w.txns.next_deadline(), None);
        assert_eq!(code(w.decide(p, true, v)), Some(Code::ProducerFenced));
        assert_eq!(code(w.decide(p, false, v)), Some(Code::ProducerFenced));
        assert_eq!(code(w.add(p, &["a-0"], v)), Some(Code::ProducerFenced));
        assert_eq!(code(w.init(Some(p))), Some(Code::ProducerFenced));
        w.check();
    }
}

#[test]
fn ids_that_nobody_uses_are_forgotten_and_open_ones_are_not() {
    let mut w = World::new();
    let p = w.init_for(None, 900_000).unwrap();
    w.pass(604_799_999);
    assert_eq!(w.expire(), 0);
    w.pass(1);
    w.add(p, &["a-0"], V2).unwrap();
    w.pass(604_800_000);
    assert_eq!(w.expire(), 0, "it is open");
    let p = w.end(p, true, V2).unwrap();
    w.pass(604_800_000);
    assert_eq!(w.expire(), 1);
    assert!(w.txns.is_empty());
    assert_eq!(
        code(w.add(p, &["a-0"], V2)),
        Some(Code::InvalidProducerIdMapping)
    );
    // Whatever it says it has, it starts anew.
    assert_eq!(w.init(Some(p)).unwrap(), identity(1001, 0));
    w.check();
}

#[test]
fn ids_are_described_and_listed_by_what_is_asked_for() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    assert_eq!(w.txns.describe("tx").unwrap().started_at, Timestamp::NONE);
    w.pass(5);
    w.add(p, &["a-0", "a-2", "b-1"], V2).unwrap();
    w.pass(100);
    let told = w.txns.describe("tx").unwrap();
    assert_eq!((told.state, told.producer), (TxnState::Ongoing, p));
    assert_eq!(told.started_at, Timestamp(1_000_005));
    assert_eq!((told.timeout_ms, told.partitions.len()), (60_000, 2));
    let all = TransactionFilter::default();
    let yes = [
        all.clone(),
        TransactionFilter {
            states: [TxnState::Ongoing, TxnState::Empty].into(),
            ..all.clone()
        },
        TransactionFilter {
            producer_ids: [p.id].into(),
            ..all.clone()
        },
        TransactionFilter {
            longer_than_ms: Some(99),
            ..all.clone()
        },
        TransactionFilter {
            pattern: Some("t.".into()),
            ..all.clone()
        },
    ];
    let no = [
        TransactionFilter {
            states: [TxnState::Empty].into(),
            ..all.clone()
        },
        TransactionFilter {
            producer_ids: [ProducerId(3)].into(),
            ..all.clone()
        },
        TransactionFilter {
            longer_than_ms: Some(100),
            ..all.clone()
        },
        TransactionFilter {
            pattern: Some("t".into()),
            ..all.clone()
        },
    ];
    assert!(yes.iter().all(|f| w.listed(f).len() == 1));
    assert!(no.iter().all(|f| w.listed(f).is_empty()));
    let bad = TransactionFilter {
        pattern: Some("(".into()),
        ..all
    };
    assert_eq!(
        code(w.txns.list(&bad, w.now)),
        Some(Code::InvalidRegularExpression)
    );
}
