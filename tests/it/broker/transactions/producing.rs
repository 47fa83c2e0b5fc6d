//! Batches: their sequences, their transactions, who reads them.

use levada::config::TRANSACTION_STATE;
use levada::protocol::ApiKey;
use levada::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
};
use levada::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use levada::protocol::messages::produce::ProduceResponse;

use super::producer::{
    NEW, OLD, Producer, add, broker, codes, committed, init, produce_request, until_stable,
};

#[test]
fn every_version_of_init_producer_id_gives_an_id_of_its_own() {
    let broker = broker();
    let mut wire = broker.connect();
    let mut seen = std::collections::BTreeSet::new();
    for version in ApiKey::InitProducerId.version_min()..=ApiKey::InitProducerId.version_max() {
        let (code, producer, epoch) = init(&mut wire, version, None, (-1, -1));
        assert_eq!((code, epoch), (0, 0), "version {version}");
        assert!(seen.insert(producer));
    }
    assert!(broker.database.engine().topic(TRANSACTION_STATE).is_err());
    assert_eq!(init(&mut wire, 4, Some(""), (-1, -1)), (42, -1, -1));
    assert_eq!(init(&mut wire, 4, Some("tx"), (5, -1)), (42, -1, -1));
    let request = InitProducerIdRequest {
        transactional_id: Some("tx".into()),
        transaction_timeout_ms: 900_001,
        ..InitProducerIdRequest::default()
    };
    let answer = wire.call(1, &request);
    assert_eq!(answer.read::<InitProducerIdResponse>().error_code, 50);
}

#[test]
fn a_repeated_batch_is_answered_with_its_first_offset() {
    let broker = broker();
    let mut p = Producer::new(&broker, None, OLD);
    for n in 0..6 {
        assert_eq!(p.write("t", &format!("{n}")), (0, n));
    }
    for n in 1..6 {
        assert_eq!(p.write_at(n, "t", &format!("{n}")), (0, i64::from(n)));
    }
    assert_eq!(p.write_at(0, "t", "0").0, 45, "older than the last five");
    assert_eq!(p.write_at(7, "t", "7").0, 45, "a gap");
    assert_eq!(p.write("t", "6"), (0, 6));
    let epoch = p.has.1;
    p.has.1 = epoch + 1;
    assert_eq!(p.write_at(7, "t", "7").0, 45, "a new epoch begins at 0");
    assert_eq!(p.write_at(0, "t", "7"), (0, 7));
    p.has.1 = epoch;
    assert_eq!(p.write_at(7, "t", "8").0, 47, "an old epoch");
    let mut unknown = Producer::new(&broker, None, OLD);
    assert_eq!(unknown.write_at(7, "t", "8"), (0, 8));
}

#[test]
fn what_was_aborted_is_listed_and_not_read() {
    for versions in [OLD, NEW] {
        let broker = broker();
        let mut reader = broker.connect();
        let mut p = Producer::new(&broker, Some("tx"), versions);
        for (round, commit) in [true, false, true].into_iter().enumerate() {
            if versions == OLD {
                assert_eq!(p.add(3, &[("t", &[0]), ("u", &[0, 1])]), [0, 0, 0]);
            }
            let first = round as i64 * 2;
            assert_eq!(p.write("t", &format!("{round}")), (0, first));
            let open = committed(&mut reader, "t");
            assert_eq!(
                (open.last_stable, open.high_watermark),
                (first, first + 1),
                "an open transaction holds back what is behind its begin"
            );
            assert_eq!(p.end(commit), 0);
            until_stable(&broker, "t");
        }
        let all = committed(&mut reader, "t");
        assert_eq!(all.values, ["0", "2"], "{versions:?}");
        assert_eq!((all.last_stable, all.high_watermark), (6, 6));
        assert_eq!(all.aborted.len(), 1);
        assert_eq!(all.aborted[0].1, 2);
    }
}

#[test]
fn before_version_12_a_partition_must_have_been_added() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx"), OLD);
    assert_eq!(p.write("t", "x").0, 48);
    assert_eq!(p.add(0, &[("t", &[0])]), [0]);
    // Beside one that was not added, the one that was is written.
    let (good, bad) = (p.batch(0, true, "x"), p.batch(0, true, "y"));
    let outcome = p.send(p.id, &[("u", 0, &bad), ("t", 0, &good), ("none", 0, &bad)]);
    assert_eq!(outcome, [(48, -1), (0, 0), (3, -1)]);
    p.sequence = 1;
    // Clients that know that the transaction can only be aborted are told so.
    p.versions.produce = 11;
    assert_eq!(p.write("u", "y").0, 120);
    assert_eq!(p.end(true), 0);
    until_stable(&broker, "t");
    assert_eq!(committed(&mut p.wire, "t").values, ["x"]);
    // From version 12 on, producing adds; topics have ids in 13.
    let mut q = Producer::new(&broker, Some("other"), NEW);
    q.versions.produce = 13;
    let batch = q.batch(0, true, "y");
    let mut request = produce_request(Some("other"), &[("", 0, &batch)]);
    request.topic_data[0].topic_id = broker.database.engine().topic("u").unwrap().id();
    let answer = q.wire.call(13, &request);
    let response: ProduceResponse<'_> = answer.read();
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    assert_eq!(q.end(true), 0);
    until_stable(&broker, "u");
    assert_eq!(committed(&mut q.wire, "u").values, ["y"]);
}

#[test]
fn transactional_batches_need_a_transactional_id_and_one_producer() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx"), NEW);
    let (in_transaction, plain) = (p.batch(0, true, "x"), p.batch(0, false, "y"));
    let both: [(&str, i32, &[u8]); 2] = [("t", 0, &in_transaction), ("u", 0, &plain)];
    assert_eq!(p.send(None, &both), [(53, -1), (53, -1)]);
    let other = Producer::new(&broker, Some("other"), NEW).batch(0, true, "z");
    let mixed: [(&str, i32, &[u8]); 2] = [("t", 0, &in_transaction), ("u", 0, &other)];
    assert_eq!(p.send(Some("tx"), &mixed), [(49, -1), (49, -1)]);
    // Plain batches beside one of the transaction are just that.
    assert_eq!(p.send(Some("tx"), &both), [(0, 0), (0, 0)]);
    assert_eq!(p.end(false), 0);
    until_stable(&broker, "t");
    assert!(committed(&mut p.wire, "t").values.is_empty());
    assert_eq!(committed(&mut p.wire, "u").values, ["y"]);
}

#[test]
fn one_unknown_partition_keeps_the_others_out_of_the_transaction() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx"), OLD);
    for version in 0..=5 {
        assert_eq!(p.add(version, &[("t", &[0]), ("none", &[0])]), [55, 3]);
        let own = p.add(version, &[(TRANSACTION_STATE, &[0]), ("t", &[0])]);
        assert_eq!(own, [17, 55]);
    }
    assert_eq!(p.write("t", "x").0, 48);
    let (id, epoch) = p.has;
    for version in 0..=5 {
        let stranger = add(&mut p.wire, version, "tx", (id + 1, 0), &[("t", &[0, 1])]);
        assert_eq!(stranger, [49, 49]);
        let fenced = if version < 2 { 47 } else { 90 };
        let old = add(&mut p.wire, version, "tx", (id, epoch - 1), &[("t", &[0])]);
        assert_eq!(old, [fenced], "version {version}");
    }
}

#[test]
fn a_batched_request_adds_and_verifies_each_transaction_by_itself() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("one"), OLD);
    let q = Producer::new(&broker, Some("two"), OLD);
    assert_eq!(p.add(3, &[("t", &[0])]), [0]);
    let transaction =
        |id: &'static str, has: (i64, i16), verify_only| AddPartitionsToTxnTransaction {
            transactional_id: id.into(),
            producer_id: has.0,
            producer_epoch: has.1,
            verify_only,
            topics: vec![AddPartitionsToTxnTopic {
                name: "t".into(),
                partitions: vec![0, 1],
            }],
        };
    let request = AddPartitionsToTxnRequest {
        transactions: vec![
            transaction("one", p.has, true),
            transaction("two", q.has, false),
            transaction("three", (77, 0), false),
        ],
        ..AddPartitionsToTxnRequest::default()
    };
    let answer = p.wire.call(4, &request);
    let response: AddPartitionsToTxnResponse<'_> = answer.read();
    let results: Vec<_> = response
        .results_by_transaction
        .iter()
        .map(|r| (&*r.transactional_id, codes(&r.topic_results)))
        .collect();
    let expected = [
        ("one", vec![0, 48]),
        ("two", vec![0, 0]),
        ("three", vec![49, 49]),
    ];
    assert_eq!(results, expected);
}
