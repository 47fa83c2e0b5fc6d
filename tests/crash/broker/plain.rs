//! An idempotent producer with five batches in flight.

use levada::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use levada::protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use levada::record::{BatchBuilder, BuildOptions};
use levada::types::{ProducerEpoch, ProducerId, Timestamp};

use super::client::Client;

/// As many as the log remembers.
const IN_FLIGHT: u64 = 5;
const VERSION: i16 = 10;

/// Writes numbers until the end; gives how many. Each is acknowledged once.
pub fn write(mut client: Client, name: &str, topic: &str, partition: i32) -> u64 {
    let request = InitProducerIdRequest::default();
    let answer = client.until_final(4, &request, |a| {
        a.read::<InitProducerIdResponse>().error_code
    });
    let has: InitProducerIdResponse = answer.read();
    assert_eq!(has.error_code, 0);
    // Batches that are not acknowledged yet: first number, count.
    let mut waiting: Vec<(u64, u64)> = Vec::new();
    let mut next = 0;
    while !(client.is_over() && waiting.is_empty()) {
        while waiting.len() < IN_FLIGHT as usize && !client.is_over() {
            let count = 1 + client.below(4);
            waiting.push((next, count));
            next += count;
        }
        let batches: Vec<Vec<u8>> = waiting
            .iter()
            .map(|(first, count)| {
                let values = (*first..first + count).map(|n| format!("{name} {n}"));
                batch(
                    (has.producer_id, has.producer_epoch),
                    *first as i32,
                    false,
                    values,
                )
            })
            .collect();
        let requests: Vec<_> = batches
            .iter()
            .map(|b| request_of(None, topic, partition, b))
            .collect();
        let mut done = 0;
        for answer in client.pipeline(VERSION, &requests) {
            match code(&answer) {
                0 => done += 1,
                // What is behind it is out of order then, and sent again too.
                7 => break,
                code => panic!("{name}: batch at {:?} refused with {code}", waiting[done]),
            }
        }
        waiting.drain(..done);
    }
    next
}

pub fn batch(
    has: (i64, i16),
    sequence: i32,
    transactional: bool,
    values: impl Iterator<Item = String>,
) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for value in values {
        let now = Timestamp(super::killed::now_ms());
        builder.push(now, None, Some(value.as_bytes()), &[]);
    }
    let options = BuildOptions {
        producer_id: ProducerId(has.0),
        producer_epoch: ProducerEpoch(has.1),
        base_sequence: sequence,
        transactional,
        ..BuildOptions::default()
    };
    builder.finish(&options).expect("a batch").to_vec()
}

pub fn request_of<'a>(
    id: Option<&'a str>,
    topic: &'a str,
    partition: i32,
    batch: &'a [u8],
) -> ProduceRequest<'a> {
    ProduceRequest {
        transactional_id: id.map(Into::into),
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(batch),
            }],
            ..TopicProduceData::default()
        }],
    }
}

pub fn code(answer: &super::client::Answer) -> i16 {
    let response: ProduceResponse<'_> = answer.read();
    response.responses[0].partition_responses[0].error_code
}
