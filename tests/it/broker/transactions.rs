//! Idempotent and transactional producers, request by request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use levada::config::{CONSUMER_OFFSETS, TRANSACTION_STATE};
use levada::disk::FaultyDisk;
use levada::embedded::Database;
use levada::engine::{EngineBuilder, NewTopic};
use levada::protocol::messages::add_offsets_to_txn::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
};
use levada::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult, AddPartitionsToTxnTransaction,
};
use levada::protocol::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, TopicRequest,
};
use levada::protocol::messages::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse,
};
use levada::protocol::messages::end_txn::{EndTxnRequest, EndTxnResponse};
use levada::protocol::messages::fetch::FetchResponse;
use levada::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use levada::protocol::messages::list_transactions::{
    ListTransactionsRequest, ListTransactionsResponse,
};
use levada::protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use levada::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
};
use levada::protocol::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};
use levada::protocol::{ApiKey, MessageWriter, RequestHeader, write_request};
use levada::record::{BatchBuilder, Batches, BuildOptions};
use levada::types::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

use super::records::{fetch_request, produce};
use super::wire::{Broker, Wire};
use crate::transactions::Stuck;

const WAIT: Duration = Duration::from_secs(20);

/// A client before KIP-890 and one with it: which versions each of them sends.
const OLD: Versions = Versions {
    produce: 10,
    end: 4,
    offsets: 3,
};
const NEW: Versions = Versions {
    produce: 12,
    end: 5,
    offsets: 5,
};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Versions {
    produce: i16,
    end: i16,
    offsets: i16,
}

/// One producer with its connection.
struct Producer {
    wire: Wire,
    id: Option<&'static str>,
    has: (i64, i16),
    versions: Versions,
    sequence: i32,
    /// Of all its records: as young as the markers, so that one segment holds both.
    now: Timestamp,
}

impl Producer {
    fn new(broker: &Broker, id: Option<&'static str>, versions: Versions) -> Producer {
        let mut wire = broker.connect();
        let (code, producer, epoch) = init(&mut wire, 4, id, (-1, -1));
        assert_eq!(code, 0);
        Producer {
            wire,
            id,
            has: (producer, epoch),
            versions,
            sequence: 0,
            now: broker.database.engine().clock().now(),
        }
    }

    fn batch(&self, sequence: i32, transactional: bool, value: &str) -> Vec<u8> {
        let mut builder = BatchBuilder::default();
        builder.push(self.now, None, Some(value.as_bytes()), &[]);
        let options = BuildOptions {
            producer_id: ProducerId(self.has.0),
            producer_epoch: ProducerEpoch(self.has.1),
            base_sequence: sequence,
            transactional,
            ..BuildOptions::default()
        };
        builder.finish(&options).expect("a batch").to_vec()
    }

    /// Produces one record to partition 0 of `topic`; gives the code and the offset.
    fn write(&mut self, topic: &str, value: &str) -> (i16, i64) {
        let sequence = self.sequence;
        let (code, offset) = self.write_at(sequence, topic, value);
        if code == 0 {
            self.sequence += 1;
        }
        (code, offset)
    }

    fn write_at(&mut self, sequence: i32, topic: &str, value: &str) -> (i16, i64) {
        let batch = self.batch(sequence, self.id.is_some(), value);
        let outcome = self.send(self.id, &[(topic, 0, &batch)]);
        outcome[0]
    }

    /// Gives code and offset of each partition.
    fn send(&mut self, id: Option<&str>, batches: &[(&str, i32, &[u8])]) -> Vec<(i16, i64)> {
        let request = produce_request(id, batches);
        let answer = self.wire.call(self.versions.produce, &request);
        let response: ProduceResponse<'_> = answer.read();
        let partitions = response.responses.iter().map(|t| &t.partition_responses[0]);
        partitions.map(|p| (p.error_code, p.base_offset)).collect()
    }

    fn add(&mut self, version: i16, topics: &[(&str, &[i32])]) -> Vec<i16> {
        add(&mut self.wire, version, self.id.unwrap(), self.has, topics)
    }

    /// Ends the transaction; goes on with what the answer says.
    fn end(&mut self, commit: bool) -> i16 {
        let (code, next) = self.end_as(self.has, commit);
        if code == 0 && self.versions.end >= 5 {
            assert_ne!(next, self.has);
            self.has = next;
            self.sequence = 0;
        }
        code
    }

    fn end_as(&mut self, has: (i64, i16), commit: bool) -> (i16, (i64, i16)) {
        let request = EndTxnRequest {
            transactional_id: self.id.unwrap().into(),
            producer_id: has.0,
            producer_epoch: has.1,
            committed: commit,
        };
        let answer = self.wire.call(self.versions.end, &request);
        let response: EndTxnResponse = answer.read();
        let next = (response.producer_id, response.producer_epoch);
        (response.error_code, next)
    }

    fn commit_offset(&mut self, group: &str, offset: i64) -> i16 {
        let request = TxnOffsetCommitRequest {
            transactional_id: self.id.unwrap().into(),
            group_id: group.into(),
            producer_id: self.has.0,
            producer_epoch: self.has.1,
            topics: vec![TxnOffsetCommitRequestTopic {
                name: "t".into(),
                partitions: vec![TxnOffsetCommitRequestPartition {
                    partition_index: 0,
                    committed_offset: offset,
                    ..TxnOffsetCommitRequestPartition::default()
                }],
                ..TxnOffsetCommitRequestTopic::default()
            }],
            ..TxnOffsetCommitRequest::default()
        };
        let answer = self.wire.call(self.versions.offsets, &request);
        let response: TxnOffsetCommitResponse<'_> = answer.read();
        response.topics[0].partitions[0].error_code
    }
}

fn produce_request<'a>(
    id: Option<&'a str>,
    batches: &[(&'a str, i32, &'a [u8])],
) -> ProduceRequest<'a> {
    let topics = batches
        .iter()
        .map(|(topic, index, records)| TopicProduceData {
            name: (*topic).into(),
            partition_data: vec![PartitionProduceData {
                index: *index,
                records: Some(records),
            }],
            ..TopicProduceData::default()
        });
    ProduceRequest {
        transactional_id: id.map(Into::into),
        acks: -1,
        timeout_ms: 10_000,
        topic_data: topics.collect(),
    }
}

fn init(wire: &mut Wire, version: i16, id: Option<&str>, has: (i64, i16)) -> (i16, i64, i16) {
    let request = InitProducerIdRequest {
        transactional_id: id.map(Into::into),
        transaction_timeout_ms: 60_000,
        producer_id: if version >= 3 { has.0 } else { -1 },
        producer_epoch: if version >= 3 { has.1 } else { -1 },
        ..InitProducerIdRequest::default()
    };
    let started = Instant::now();
    loop {
        let answer = wire.call(version, &request);
        let response: InitProducerIdResponse = answer.read();
        // The last transaction is being ended: clients retry.
        if response.error_code != 51 || started.elapsed() > WAIT {
            let has = (response.producer_id, response.producer_epoch);
            return (response.error_code, has.0, has.1);
        }
    }
}

/// Gives a code for each partition.
fn add(
    wire: &mut Wire,
    version: i16,
    id: &str,
    has: (i64, i16),
    topics: &[(&str, &[i32])],
) -> Vec<i16> {
    let topics = topics
        .iter()
        .map(|(name, partitions)| AddPartitionsToTxnTopic {
            name: (*name).into(),
            partitions: partitions.to_vec(),
        });
    let mut request = AddPartitionsToTxnRequest::default();
    if version < 4 {
        request.v3_and_below_transactional_id = id.into();
        request.v3_and_below_producer_id = has.0;
        request.v3_and_below_producer_epoch = has.1;
        request.v3_and_below_topics = topics.collect();
    } else {
        request.transactions = vec![AddPartitionsToTxnTransaction {
            transactional_id: id.into(),
            producer_id: has.0,
            producer_epoch: has.1,
            verify_only: false,
            topics: topics.collect(),
        }];
    }
    let answer = wire.call(version, &request);
    let mut response: AddPartitionsToTxnResponse<'_> = answer.read();
    match version {
        ..4 => codes(&response.results_by_topic_v3_and_below),
        _ => codes(&response.results_by_transaction.remove(0).topic_results),
    }
}

fn codes(topics: &[AddPartitionsToTxnTopicResult<'_>]) -> Vec<i16> {
    let partitions = topics.iter().flat_map(|t| &t.results_by_partition);
    partitions.map(|p| p.partition_error_code).collect()
}

fn broker() -> Broker {
    let broker = Broker::start();
    for name in ["t", "u"] {
        let engine = broker.database.engine();
        engine.create_topic(&NewTopic::new(name, 2)).unwrap();
    }
    broker
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < WAIT, "{what} did not come");
        std::thread::yield_now();
    }
}

/// The markers of everything decided in partition 0 of `topic` are visible.
fn until_stable(broker: &Broker, topic: &str) {
    let handle = broker.database.engine().partition(topic, 0).unwrap();
    until("the end of a transaction", || {
        let ends = handle.ends().unwrap();
        ends.last_stable == ends.visible && ends.visible == ends.appended
    });
}

/// What a read-committed consumer of partition 0 of `topic` is given, and what the answer says.
struct Committed {
    values: Vec<String>,
    high_watermark: i64,
    last_stable: i64,
    /// Producer id and first offset.
    aborted: Vec<(i64, i64)>,
}

/// Reads as clients do: by the list of aborted transactions.
fn committed(wire: &mut Wire, topic: &str) -> Committed {
    let mut request = fetch_request(topic, 0, 0);
    request.isolation_level = 1;
    let answer = wire.call(12, &request);
    let response: FetchResponse<'_> = answer.read();
    let data = &response.responses[0].partitions[0];
    assert_eq!(data.error_code, 0);
    let aborted = data.aborted_transactions.iter().flatten();
    let aborted: Vec<_> = aborted.map(|a| (a.producer_id, a.first_offset)).collect();
    let (mut waiting, mut open) = (aborted.clone(), Vec::new());
    let mut values = Vec::new();
    let bytes = data.records.as_ref().unwrap().contiguous();
    let mut scratch = Vec::new();
    for batch in Batches::new(&bytes) {
        let batch = batch.unwrap();
        let header = *batch.header();
        let producer = header.producer_id.get();
        waiting.retain(|(id, first)| {
            let begun = *first <= header.last_offset().get();
            if begun {
                open.push(*id);
            }
            !begun
        });
        if header.attributes.is_control() {
            open.retain(|id| *id != producer);
            continue;
        }
        if header.attributes.is_transactional() && open.contains(&producer) {
            continue;
        }
        for record in batch.records(&mut scratch, 1 << 20).unwrap() {
            let value = record.unwrap().value.unwrap().to_vec();
            values.push(String::from_utf8(value).unwrap());
        }
    }
    Committed {
        values,
        high_watermark: data.high_watermark,
        last_stable: data.last_stable_offset,
        aborted,
    }
}

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
        let plain = super::records::batch(1);
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

#[test]
fn administrators_see_transactions_and_end_those_that_hang() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx-1"), NEW);
    Producer::new(&broker, Some("tx-2"), NEW);
    let mut idle = Producer::new(&broker, None, NEW);
    assert_eq!(p.write("t", "x").0, 0);
    assert_eq!(
        produce(&mut idle.wire, "u", 1, &super::records::batch(1)).0,
        0
    );
    let list = |wire: &mut Wire, version, request: &ListTransactionsRequest<'_>| {
        let answer = wire.call(version, request);
        let response: ListTransactionsResponse<'_> = answer.read();
        let of = response.transaction_states.iter();
        let listed: Vec<_> = of
            .map(|t| format!("{} {}", t.transactional_id, t.transaction_state))
            .collect();
        (
            response.error_code,
            listed,
            response.unknown_state_filters.len(),
        )
    };
    let all = ListTransactionsRequest::default();
    let wire = &mut idle.wire;
    for version in 0..=2 {
        let expected = vec!["tx-1 Ongoing".to_owned(), "tx-2 Empty".to_owned()];
        assert_eq!(list(wire, version, &all), (0, expected, 0));
    }
    let open = ["tx-1 Ongoing".to_owned()].to_vec();
    let mut by_state = all.clone();
    by_state.state_filters = vec!["Ongoing".into(), "Odd".into()];
    assert_eq!(list(wire, 2, &by_state), (0, open.clone(), 1));
    by_state.state_filters = vec!["Odd".into()];
    assert_eq!(list(wire, 2, &by_state), (0, vec![], 1));
    let mut by_id = all.clone();
    by_id.producer_id_filters = vec![p.has.0];
    assert_eq!(list(wire, 0, &by_id), (0, open.clone(), 0));
    let mut long = all.clone();
    long.duration_filter = 3_600_000;
    assert_eq!(list(wire, 1, &long), (0, vec![], 0));
    let mut by_name = all.clone();
    by_name.transactional_id_pattern = Some(".*-1".into());
    assert_eq!(list(wire, 2, &by_name), (0, open, 0));
    by_name.transactional_id_pattern = Some("(".into());
    assert_eq!(list(wire, 2, &by_name).0, 128);

    let request = DescribeTransactionsRequest {
        transactional_ids: vec!["tx-1".into(), "none".into()],
    };
    let answer = wire.call(0, &request);
    let response: DescribeTransactionsResponse<'_> = answer.read();
    let [one, none] = &response.transaction_states[..] else {
        panic!("two states");
    };
    assert_eq!((one.error_code, &*one.transaction_state), (0, "Ongoing"));
    assert_eq!((one.producer_id, one.producer_epoch), p.has);
    assert_eq!(one.transaction_timeout_ms, 60_000);
    assert_eq!(
        (&*one.topics[0].topic, &one.topics[0].partitions[..]),
        ("t", &[0][..])
    );
    assert_eq!(none.error_code, 105);

    let producers = |wire: &mut Wire, index| {
        let request = DescribeProducersRequest {
            topics: vec![TopicRequest {
                name: "t".into(),
                partition_indexes: vec![index],
            }],
        };
        let answer = wire.call(0, &request);
        let response: DescribeProducersResponse<'_> = answer.read();
        let partition = &response.topics[0].partitions[0];
        let of = partition.active_producers.iter();
        let starts: Vec<_> = of
            .map(|p| (p.producer_id, p.current_txn_start_offset))
            .collect();
        (partition.error_code, starts)
    };
    assert_eq!(producers(wire, 0), (0, vec![(p.has.0, 0)]));
    assert_eq!(producers(wire, 7), (3, vec![]));
    for version in 1..=2 {
        let request = WriteTxnMarkersRequest {
            markers: vec![WritableTxnMarker {
                producer_id: p.has.0,
                producer_epoch: p.has.1,
                transaction_result: false,
                topics: vec![WritableTxnMarkerTopic {
                    name: "t".into(),
                    partition_indexes: vec![0, 7],
                }],
                ..WritableTxnMarker::default()
            }],
        };
        let answer = wire.call(version, &request);
        let response: WriteTxnMarkersResponse<'_> = answer.read();
        let partitions = &response.markers[0].topics[0].partitions;
        let codes: Vec<_> = partitions.iter().map(|p| p.error_code).collect();
        assert_eq!(codes, [0, 3], "version {version}");
    }
    assert_eq!(producers(wire, 0), (0, vec![(p.has.0, -1)]));
}
