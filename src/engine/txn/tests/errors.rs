//! The exact codes, where Kafka's were looked at.

use super::world::{World, code, identity};
use crate::engine::txn::ClientVersion::{V1, V2};
use crate::engine::txn::{InitRequest, TxnApi, TxnState, answered_code, state_partition};
use crate::error::{Code, Error};
use crate::types::{ProducerEpoch, ProducerId};

#[test]
fn ending_what_was_not_begun_is_48_but_the_second_version_may_abort_it() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    assert_eq!(code(w.decide(p, true, V1)), Some(Code::InvalidTxnState));
    assert_eq!(code(w.decide(p, false, V1)), Some(Code::InvalidTxnState));
    assert_eq!(code(w.decide(p, true, V2)), Some(Code::InvalidTxnState));
    assert_eq!(Code::InvalidTxnState.number(), 48);
    let p = w.end(p, false, V2).unwrap();
    assert_eq!(w.state(), TxnState::CompleteAbort);
    let p = w.end(p, false, V2).unwrap();
    assert_eq!(p, identity(1000, 2));
    assert_eq!(code(w.decide(p, true, V2)), Some(Code::InvalidTxnState));
}

#[test]
fn a_repeated_abort_is_no_error() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    w.add(p, &["a-0"], V1).unwrap();
    w.end(p, false, V1).unwrap();
    assert_eq!(w.end(p, false, V1).unwrap(), p);
}

#[test]
fn an_unknown_id_and_anothers_producer_id_are_49() {
    let mut w = World::new();
    let expected = Some(Code::InvalidProducerIdMapping);
    assert_eq!(code(w.add(identity(7, 0), &["a-0"], V1)), expected);
    assert_eq!(code(w.decide(identity(7, 0), true, V1)), expected);
    assert_eq!(code(w.verify(identity(7, 0), &["a-0"])), expected);
    w.init(None).unwrap();
    for v in [V1, V2] {
        assert_eq!(code(w.add(identity(7, 0), &["a-0"], v)), expected);
        assert_eq!(code(w.decide(identity(7, 0), true, v)), expected);
    }
    assert_eq!(Code::InvalidProducerIdMapping.number(), 49);
    assert_eq!(
        code(w.txns.describe("other")),
        Some(Code::TransactionalIdNotFound)
    );
}

#[test]
fn a_time_out_beyond_the_limit_is_50_and_an_empty_id_42() {
    let mut w = World::new();
    for ms in [0, -1, 900_001] {
        let refused = code(w.init_for(None, ms));
        assert_eq!(refused, Some(Code::InvalidTransactionTimeout));
    }
    assert_eq!(Code::InvalidTransactionTimeout.number(), 50);
    assert!(w.init_for(None, 900_000).is_ok());
    let nameless = InitRequest {
        transactional_id: "".into(),
        timeout_ms: 1,
        current: None,
    };
    let refused = w.txns.init(&nameless, None, w.now);
    assert_eq!(code(refused), Some(Code::InvalidRequest));
    let half = InitRequest::current(ProducerId(1), ProducerEpoch::NONE);
    assert_eq!(code(half), Some(Code::InvalidRequest));
}

#[test]
fn a_partition_that_was_not_added_is_48_one_by_one() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    w.add(p, &["a-0"], V1).unwrap();
    let outcomes = w.verify(p, &["a-0", "a-1"]).unwrap();
    let codes: Vec<_> = outcomes.into_iter().map(code).collect();
    assert_eq!(codes, [None, Some(Code::InvalidTxnState)]);
    w.decide(p, true, V1).unwrap();
    let early = code(w.verify(p, &["a-0"]));
    assert_eq!(early, Some(Code::ConcurrentTransactions));
    w.complete();
    let outcomes = w.verify(p, &["a-0"]).unwrap();
    assert!(outcomes[0].is_err(), "it is over");
    let old = identity(p.id.get(), -1);
    assert_eq!(code(w.verify(old, &["a-0"])), Some(Code::ProducerFenced));
}

#[test]
fn old_versions_hear_47_where_new_ones_hear_90() {
    let fenced = Error::coded(Code::ProducerFenced, "");
    let cases = [
        (TxnApi::EndTxn, 1, 47),
        (TxnApi::EndTxn, 2, 90),
        (TxnApi::AddPartitionsToTxn, 1, 47),
        (TxnApi::AddOffsetsToTxn, 2, 90),
        (TxnApi::InitProducerId, 3, 47),
        (TxnApi::InitProducerId, 4, 90),
        (TxnApi::Produce, 13, 47),
    ];
    for (api, version, number) in cases {
        assert_eq!(answered_code(&fenced, api, version).number(), number);
    }
    let absent = Error::coded(Code::InvalidTxnState, "");
    assert_eq!(answered_code(&absent, TxnApi::Produce, 10).number(), 48);
    assert_eq!(answered_code(&absent, TxnApi::Produce, 11).number(), 120);
    assert_eq!(answered_code(&absent, TxnApi::EndTxn, 5).number(), 48);
}

#[test]
fn ids_lie_where_kafka_puts_them() {
    assert_eq!(state_partition("hello", 50), 22);
    assert_eq!(state_partition("polygenelubricants", 50), 0);
}
