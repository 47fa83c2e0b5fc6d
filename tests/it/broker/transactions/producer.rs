//! A producer that sends the requests of an old client or of a new one.

use std::time::{Duration, Instant};

use levada::engine::NewTopic;
use levada::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult, AddPartitionsToTxnTransaction,
};
use levada::protocol::messages::end_txn::{EndTxnRequest, EndTxnResponse};
use levada::protocol::messages::fetch::FetchResponse;
use levada::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use levada::protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use levada::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
};
use levada::record::{BatchBuilder, Batches, BuildOptions};
use levada::types::{ProducerEpoch, ProducerId, Timestamp};

use crate::broker::records::fetch_request;
use crate::broker::wire::{Broker, Wire};

pub const WAIT: Duration = Duration::from_secs(20);

/// A client before KIP-890 and one with it: which versions each of them sends.
pub const OLD: Versions = Versions {
    produce: 10,
    end: 4,
    offsets: 3,
};
pub const NEW: Versions = Versions {
    produce: 12,
    end: 5,
    offsets: 5,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Versions {
    pub produce: i16,
    pub end: i16,
    pub offsets: i16,
}

/// One producer with its connection.
pub struct Producer {
    pub wire: Wire,
    pub id: Option<&'static str>,
    pub has: (i64, i16),
    pub versions: Versions,
    pub sequence: i32,
    /// Of all its records: as young as the markers, so that one segment holds both.
    pub now: Timestamp,
}

impl Producer {
    pub fn new(broker: &Broker, id: Option<&'static str>, versions: Versions) -> Producer {
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

    pub fn batch(&self, sequence: i32, transactional: bool, value: &str) -> Vec<u8> {
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
    pub fn write(&mut self, topic: &str, value: &str) -> (i16, i64) {
        let sequence = self.sequence;
        let (code, offset) = self.write_at(sequence, topic, value);
        if code == 0 {
            self.sequence += 1;
        }
        (code, offset)
    }

    pub fn write_at(&mut self, sequence: i32, topic: &str, value: &str) -> (i16, i64) {
        let batch = self.batch(sequence, self.id.is_some(), value);
        let outcome = self.send(self.id, &[(topic, 0, &batch)]);
        outcome[0]
    }

    /// Gives code and offset of each partition.
    pub fn send(&mut self, id: Option<&str>, batches: &[(&str, i32, &[u8])]) -> Vec<(i16, i64)> {
        let request = produce_request(id, batches);
        let answer = self.wire.call(self.versions.produce, &request);
        let response: ProduceResponse<'_> = answer.read();
        let partitions = response.responses.iter().map(|t| &t.partition_responses[0]);
        partitions.map(|p| (p.error_code, p.base_offset)).collect()
    }

    pub fn add(&mut self, version: i16, topics: &[(&str, &[i32])]) -> Vec<i16> {
        add(&mut self.wire, version, self.id.unwrap(), self.has, topics)
    }

    /// Ends the transaction; goes on with what the answer says.
    pub fn end(&mut self, commit: bool) -> i16 {
        let (code, next) = self.end_as(self.has, commit);
        if code == 0 && self.versions.end >= 5 {
            assert_ne!(next, self.has);
            self.has = next;
            self.sequence = 0;
        }
        code
    }

    pub fn end_as(&mut self, has: (i64, i16), commit: bool) -> (i16, (i64, i16)) {
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

    pub fn commit_offset(&mut self, group: &str, offset: i64) -> i16 {
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

pub fn produce_request<'a>(
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

pub fn init(wire: &mut Wire, version: i16, id: Option<&str>, has: (i64, i16)) -> (i16, i64, i16) {
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
pub fn add(
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

pub fn codes(topics: &[AddPartitionsToTxnTopicResult<'_>]) -> Vec<i16> {
    let partitions = topics.iter().flat_map(|t| &t.results_by_partition);
    partitions.map(|p| p.partition_error_code).collect()
}

pub fn broker() -> Broker {
    let broker = Broker::start();
    for name in ["t", "u"] {
        let engine = broker.database.engine();
        engine.create_topic(&NewTopic::new(name, 2)).unwrap();
    }
    broker
}

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < WAIT, "{what} did not come");
        std::thread::yield_now();
    }
}

/// The markers of everything decided in partition 0 of `topic` are visible.
pub fn until_stable(broker: &Broker, topic: &str) {
    let handle = broker.database.engine().partition(topic, 0).unwrap();
    until("the end of a transaction", || {
        let ends = handle.ends().unwrap();
        ends.last_stable == ends.visible && ends.visible == ends.appended
    });
}

/// What a read-committed consumer of partition 0 of `topic` is given, and what the answer says.
pub struct Committed {
    pub values: Vec<String>,
    pub high_watermark: i64,
    pub last_stable: i64,
    /// Producer id and first offset.
    pub aborted: Vec<(i64, i64)>,
}

/// Reads as clients do: by the list of aborted transactions.
pub fn committed(wire: &mut Wire, topic: &str) -> Committed {
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
