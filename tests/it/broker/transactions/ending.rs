//! Producers that replace each other, transactions that end, offsets in them.

use std::sync::Arc;

use levada::config::CONSUMER_OFFSETS;
use levada::disk::FaultyDisk;
use levada::embedded::Database;
use levada::engine::{EngineBuilder, NewTopic};
use levada::protocol::messages::add_offsets_to_txn::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
};
use levada::protocol::messages::produce::ProduceResponse;
use levada::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
};
use levada::protocol::{ApiKey, MessageWriter, RequestHeader, write_request};
use levada::types::TopicPartition;

use super::producer::{
    NEW, OLD, Producer, broker, committed, init, produce_request, until, until_stable,
};
use crate::broker::wire::Broker;
use crate::transactions::Stuck;

#[test]
fn a_new_producer_aborts_and_fences_the_old_one() {
    for versions in [OLD, NEW] {
        let broker = broker();
        let mut old = Producer::new(&broker, Some("tx"), versions);
        if versions == OLD {
            old.add(3, &[("t", &[0])]);
        }
        assert_eq!(old.write("t", "lost"), (0, 0));
        let mut new = Producer::new(&broker, Some("tx"), versions);
        assert!(new.has.1 > old.has.1);
        assert_eq!(old.write("t", "late").0, 47);
        assert_eq!(old.end_as(old.has, true).0, 90);
        old.versions.end = 1;
        assert_eq!(old.end_as(old.has, true).0, 47);
        assert_eq!(init(&mut old.wire, 3, Some("tx"), old.has).0, 47);
        assert_eq!(init(&mut old.wire, 4, Some("tx"), old.has).0, 90);
        if versions == OLD {
            new.add(3, &[("t", &[0])]);
        }
        assert_eq!(new.write("t", "kept").0, 0);
        assert_eq!(new.end(true), 0);
        until_stable(&broker, "t");
        assert_eq!(committed(&mut new.wire, "t").values, ["kept"]);
    }
}

#[test]
fn a_late_end_does_not_touch_the_newer_transaction() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx"), NEW);
    assert_eq!(p.write("t", "first").0, 0);
    let had = p.has;
    assert_eq!(p.end(true), 0);
    until_stable(&broker, "t");
    // Its own retry gets the same answer.
    let mut again = (51, had);
    until("the end of the transaction", || {
        again = p.end_as(had, true);
        again.0 != 51
    });
    assert_eq!(again, (0, p.has));
    assert_eq!(p.write("t", "second").0, 0);
    assert_eq!(p.end_as(had, false), (90, (-1, -1)));
    assert_eq!(p.end_as(had, true), (90, (-1, -1)));
    assert_eq!(p.end(true), 0);
    until_stable(&broker, "t");
    assert_eq!(committed(&mut p.wire, "t").values, ["first", "second"]);
}

#[test]
fn ending_what_was_not_begun_is_refused_and_a_repeated_abort_is_not() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx"), OLD);
    p.versions.end = 1;
    assert_eq!(p.end(true), 48);
    assert_eq!(p.end(false), 48);
    p.add(1, &[("t", &[0])]);
    assert_eq!(p.end(false), 0);
    until("the end of the transaction", || p.end(false) != 51);
    assert_eq!(p.end(false), 0);
    assert_eq!(p.end(true), 48);
    assert_eq!(p.end_as((p.has.0, p.has.1 - 1), false).0, 47);
    assert_eq!(p.end_as((p.has.0 + 1, 0), false).0, 49);
}

#[test]
fn offsets_count_when_their_transaction_commits() {
    for versions in [OLD, NEW] {
        let broker = broker();
        let mut p = Producer::new(&broker, Some("tx"), versions);
        let place = TopicPartition::new("t", 0);
        let groups = broker.database.engine().groups();
        let stable = || groups.committed_when_stable("g", &place);
        for (offset, commit) in [(5, true), (9, false)] {
            if versions == OLD {
                assert_eq!(p.commit_offset("g", offset), 48, "not added");
                assert_eq!(add_offsets(&mut p, 3, "g"), 0);
            }
            assert_eq!(p.commit_offset("g", offset), 0);
            assert!(stable().is_err(), "held back while it is open");
            assert_eq!(p.end(commit), 0);
            until("the offset", || stable().is_ok());
            let found = stable().unwrap().unwrap();
            assert_eq!(found.offset.get(), 5, "{versions:?}");
            until("the next transaction", || match versions == OLD {
                true => add_offsets(&mut p, 3, "g") == 0,
                false => true,
            });
            if versions == OLD {
                assert_eq!(p.end(false), 0);
                until("its end", || stable().is_ok());
            }
        }
        let topic = broker.database.engine().topic(CONSUMER_OFFSETS).unwrap();
        assert_eq!(topic.partitions().len(), 50);
    }
}

fn add_offsets(p: &mut Producer, version: i16, group: &str) -> i16 {
    let request = AddOffsetsToTxnRequest {
        transactional_id: p.id.unwrap().into(),
        producer_id: p.has.0,
        producer_epoch: p.has.1,
        group_id: group.into(),
    };
    let answer = p.wire.call(version, &request);
    answer.read::<AddOffsetsToTxnResponse>().error_code
}

#[test]
fn offsets_of_unknown_partitions_are_refused_one_by_one() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx"), NEW);
    let partition = |index| TxnOffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: 1,
        ..TxnOffsetCommitRequestPartition::default()
    };
    let id = broker.database.engine().topic("t").unwrap().id();
    let topic = |topic_id| TxnOffsetCommitRequestTopic {
        topic_id,
        partitions: vec![partition(0), partition(9)],
        ..TxnOffsetCommitRequestTopic::default()
    };
    let request = TxnOffsetCommitRequest {
        transactional_id: "tx".into(),
        group_id: "g".into(),
        producer_id: p.has.0,
        producer_epoch: p.has.1,
        topics: vec![topic(levada::types::TopicId([7; 16])), topic(id)],
        ..TxnOffsetCommitRequest::default()
    };
    let answer = p.wire.call(6, &request);
    let response: TxnOffsetCommitResponse<'_> = answer.read();
    let partitions = response.topics.iter().flat_map(|t| &t.partitions);
    let codes: Vec<_> = partitions.map(|p| p.error_code).collect();
    assert_eq!(codes, [100, 100, 0, 3]);
    assert_eq!(p.end(true), 0);
}

/// The first waits until the markers of the last transaction are written; the others would wait for
/// nothing.
#[test]
fn no_batch_overtakes_one_that_waits_for_its_coordinator() {
    let disk = Stuck::new(Arc::new(FaultyDisk::new()), "u-0");
    let builder = EngineBuilder::new("/data").disk(disk.clone());
    let database = Database::from_builder(builder, true).unwrap();
    for name in ["t", "u"] {
        let engine = database.engine();
        engine.create_topic(&NewTopic::new(name, 1)).unwrap();
    }
    let broker = Broker::on(database, &[]);
    let mut p = Producer::new(&broker, Some("tx"), NEW);
    assert_eq!(p.write("u", "x"), (0, 0));
    disk.set(true);
    assert_eq!(p.end(true), 0);
    let mut frames = MessageWriter::new();
    for n in 0..4 {
        let batch = p.batch(n, true, &format!("{n}"));
        let plain = crate::broker::records::batch(1);
        let of_transaction = produce_request(Some("tx"), &[("t", 0, &batch)]);
        let outside = produce_request(None, &[("t", 0, &plain)]);
        for (nth, request) in [of_transaction, outside].iter().enumerate() {
            let header = RequestHeader {
                api: ApiKey::Produce,
                version: 12,
                correlation_id: n * 2 + nth as i32,
                client_id: None,
            };
            write_request(&mut frames, &header, request).unwrap();
        }
    }
    p.wire.raw(&frames.into_chunks().concat());
    // Long enough for one that overtakes.
    let mut other = broker.connect();
    for _ in 0..100 {
        init(&mut other, 4, None, (-1, -1));
    }
    let handle = broker.database.engine().partition("t", 0).unwrap();
    assert_eq!(handle.ends().unwrap().appended.get(), 0);
    disk.set(false);
    for id in 0..8 {
        let answer = p.wire.receive(ApiKey::Produce, 12, id);
        let response: ProduceResponse<'_> = answer.read();
        let partition = &response.responses[0].partition_responses[0];
        let outcome = (partition.error_code, partition.base_offset);
        assert_eq!(outcome, (0, i64::from(id)));
    }
    assert_eq!(p.end(true), 0);
}
