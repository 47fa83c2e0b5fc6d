//! Produce, Fetch and ListOffsets.

use levada::Kind;
use levada::codec::compression::Compression;
use levada::embedded::{Message, ProducerOptions};
use levada::engine::NewTopic;
use levada::protocol::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use levada::protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use levada::record::{BatchBuilder, BuildOptions};
use levada::types::Timestamp;

use super::wire::{Broker, Wire};

/// A batch of `count` records, uncompressed.
pub fn batch(count: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for n in 0..count {
        let value = format!("value {n}");
        builder.push(
            Timestamp(1000 + n as i64),
            None,
            Some(value.as_bytes()),
            &[],
        );
    }
    builder
        .finish(&BuildOptions::default())
        .expect("a batch")
        .to_vec()
}

fn produce_request<'a>(topic: &'a str, acks: i16, records: &'a [u8]) -> ProduceRequest<'a> {
    ProduceRequest {
        acks,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(records),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

pub fn produce(wire: &mut Wire, topic: &str, acks: i16, records: &[u8]) -> (i16, i64) {
    let answer = wire.call(10, &produce_request(topic, acks, records));
    let response: ProduceResponse<'_> = answer.read();
    let partition = &response.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

pub fn fetch_request<'a>(topic: &'a str, from: i64, max_wait_ms: i32) -> FetchRequest<'a> {
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic: topic.into(),
            partitions: vec![FetchPartition {
                fetch_offset: from,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

#[test]
fn what_was_produced_over_the_wire_is_fetched_byte_for_byte() {
    let broker = Broker::start();
    broker
        .database
        .engine()
        .create_topic(&NewTopic::new("t", 1))
        .unwrap();
    let mut wire = broker.connect();
    let sent = batch(3);
    assert_eq!(produce(&mut wire, "t", -1, &sent), (0, 0));
    assert_eq!(produce(&mut wire, "t", -1, &sent), (0, 3));
    let answer = wire.call(12, &fetch_request("t", 0, 0));
    let response: FetchResponse<'_> = answer.read();
    let data = &response.responses[0].partitions[0];
    assert_eq!((data.error_code, data.high_watermark), (0, 6));
    let got = data.records.as_ref().unwrap().contiguous();
    // Base offset and leader epoch are the broker's; all else is the client's.
    assert_eq!(got[16..sent.len()], sent[16..]);
    assert_eq!(got.len(), 2 * sent.len());
}

#[test]
fn a_waiting_fetch_is_woken_by_an_append_in_process() {
    let broker = Broker::start();
    broker
        .database
        .engine()
        .create_topic(&NewTopic::new("t", 1))
        .unwrap();
    let mut wire = broker.connect();
    let id = wire.send(12, &fetch_request("t", 0, 15_000));
    let producer = broker
        .database
        .producer(ProducerOptions::default())
        .unwrap();
    let hello = Message {
        value: Some(b"hello"),
        ..Message::default()
    };
    producer.send("t", hello).unwrap();
    producer.close(std::time::Duration::from_secs(10)).unwrap();
    let answer = wire.receive(levada::protocol::ApiKey::Fetch, 12, id);
    let response: FetchResponse<'_> = answer.read();
    assert!(
        !response.responses[0].partitions[0]
            .records
            .as_ref()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_refused_batch_names_the_records_that_are_to_blame() {
    let broker = Broker::start();
    let mut compacted = NewTopic::new("t", 1);
    let policy = ("cleanup.policy".to_owned(), "compact".to_owned());
    compacted.config.push(policy);
    broker.database.engine().create_topic(&compacted).unwrap();
    let mut wire = broker.connect();
    let mut builder = BatchBuilder::default();
    for n in 0..5u8 {
        let key = [n];
        let key = (n % 2 == 0).then_some(key.as_slice());
        builder.push(Timestamp(1000), key, Some(b"value"), &[]);
    }
    for compression in [Compression::None, Compression::Gzip] {
        let options = BuildOptions {
            compression,
            ..BuildOptions::default()
        };
        let batch = builder.finish(&options).unwrap().to_vec();
        // Before version 8 the answer had no place for them.
        for (version, blamed) in [(7, vec![]), (8, vec![1, 3])] {
            let answer = wire.call(version, &produce_request("t", -1, &batch));
            let response: ProduceResponse<'_> = answer.read();
            let partition = &response.responses[0].partition_responses[0];
            let named = partition.record_errors.iter().map(|e| e.batch_index);
            assert_eq!(partition.error_code, 87);
            assert_eq!(named.collect::<Vec<_>>(), blamed, "version {version}");
        }
    }
    // What is wrong with a whole batch is the fault of no record.
    let mut damaged = batch(2);
    *damaged.last_mut().unwrap() ^= 1;
    let answer = wire.call(8, &produce_request("t", -1, &damaged));
    let response: ProduceResponse<'_> = answer.read();
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(
        (partition.error_code, partition.record_errors.len()),
        (2, 0)
    );
}

#[test]
fn produce_refuses_what_kafka_refuses() {
    let broker = Broker::start();
    broker
        .database
        .engine()
        .create_topic(&NewTopic::new("t", 1))
        .unwrap();
    let mut wire = broker.connect();
    let good = batch(2);
    let mut wrong_crc = good.clone();
    *wrong_crc.last_mut().unwrap() ^= 1;
    let mut magic = good.clone();
    magic[16] = 7;
    let two = [good.clone(), good.clone()].concat();
    let cases: [(&str, i16, &[u8], i16); 7] = [
        ("t", 2, &good, 21),
        ("none", 1, &good, 3),
        ("t", 1, &wrong_crc, 2),
        ("t", 1, &magic, 2),
        ("t", 1, &two, 87),
        ("t", 1, &[], 87),
        ("t", 1, &good[..good.len() - 1], 87),
    ];
    for (at, (topic, acks, records, code)) in cases.into_iter().enumerate() {
        assert_eq!(
            produce(&mut wire, topic, acks, records).0,
            code,
            "case {at}"
        );
    }
    // It was the database's to open.
    assert_eq!(
        broker.database.engine().topic("none").unwrap_err().kind(),
        Kind::NotFound
    );
}
