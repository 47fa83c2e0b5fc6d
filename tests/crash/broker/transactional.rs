//! A transactional producer: records into two partitions, the offset of a group, commit or abort.

use levada::protocol::messages::add_offsets_to_txn::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
};
use levada::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddPartitionsToTxnTopic,
};
use levada::protocol::messages::end_txn::{EndTxnRequest, EndTxnResponse};
use levada::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use levada::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
};

use super::client::{Answer, Client};
use super::killed::{INPUT, TRANSACTIONS};
use super::plain::{batch, code, request_of};

/// Which requests a client of its time sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Adds partitions before it writes to them.
    Old,
    /// KIP-890: writing adds, ending gives a new epoch.
    New,
}

/// What came of the transactions of one producer, by their numbers.
#[derive(Debug, Default)]
pub struct Outcomes {
    pub committed: Vec<u64>,
    pub aborted: Vec<u64>,
}

struct Producer {
    client: Client,
    id: &'static str,
    age: Age,
    has: (i64, i16),
    /// Of both partitions, as they always get the same number of records.
    sequence: i32,
}

/// Begins and ends transactions until the end.
pub fn write(client: Client, id: &'static str, age: Age) -> Outcomes {
    let mut producer = Producer {
        client,
        id,
        age,
        has: (-1, -1),
        sequence: 0,
    };
    producer.init();
    let mut outcomes = Outcomes::default();
    let mut number = 0;
    while !producer.client.is_over() {
        let commit = producer.client.below(4) > 0;
        let written = producer.fill(number);
        let committed = written && commit;
        match written {
            true => producer.end(commit),
            // As a new process would begin: what is open is aborted.
            false => producer.init(),
        }
        match committed {
            true => outcomes.committed.push(number),
            false => outcomes.aborted.push(number),
        }
        number += 1;
    }
    outcomes
}

impl Producer {
    fn init(&mut self) {
        let request = InitProducerIdRequest {
            transactional_id: Some(self.id.into()),
            transaction_timeout_ms: 120_000,
            ..InitProducerIdRequest::default()
        };
        let answer = self.client.until_final(4, &request, |a| {
            a.read::<InitProducerIdResponse>().error_code
        });
        let response: InitProducerIdResponse = answer.read();
        assert_eq!(response.error_code, 0, "{}: init", self.id);
        self.has = (response.producer_id, response.producer_epoch);
        self.sequence = 0;
    }

    /// Writes transaction `number`; false when it was given up half way, which happens to some of those
    /// whose connection breaks.
    fn fill(&mut self, number: u64) -> bool {
        let gives_up = self.client.below(2) == 0;
        let (id, has) = (self.id, self.has);
        if self.age == Age::Old {
            let request = AddPartitionsToTxnRequest {
                v3_and_below_transactional_id: id.into(),
                v3_and_below_producer_id: has.0,
                v3_and_below_producer_epoch: has.1,
                v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                    name: TRANSACTIONS.into(),
                    partitions: vec![0, 1],
                }],
                ..AddPartitionsToTxnRequest::default()
            };
            if !self.send(3, &request, gives_up, added) {
                return false;
            }
        }
        let version = if self.age == Age::Old { 10 } else { 12 };
        for partition in [0, 1] {
            let values = (0..2).map(|part| format!("{id} {number} {part}"));
            let batch = batch(has, self.sequence, true, values);
            let request = request_of(Some(id), TRANSACTIONS, partition, &batch);
            if !self.send(version, &request, gives_up, code) {
                return false;
            }
        }
        self.sequence += 2;
        if self.age == Age::Old {
            let request = AddOffsetsToTxnRequest {
                transactional_id: id.into(),
                producer_id: has.0,
                producer_epoch: has.1,
                group_id: id.into(),
            };
            let code = |a: &Answer| a.read::<AddOffsetsToTxnResponse>().error_code;
            if !self.send(3, &request, gives_up, code) {
                return false;
            }
        }
        let version = if self.age == Age::Old { 3 } else { 5 };
        let request = offsets(id, has, number as i64 + 1);
        self.send(version, &request, gives_up, |answer| {
            let response: TxnOffsetCommitResponse<'_> = answer.read();
            response.topics[0].partitions[0].error_code
        })
    }

    fn send<'a, M: levada::protocol::Message<'a> + Clone>(
        &mut self,
        version: i16,
        request: &M,
        gives_up: bool,
        code: impl Fn(&Answer) -> i16,
    ) -> bool {
        let answer = match gives_up {
            true => self.client.once(version, request.clone()),
            false => Some(self.client.until_final(version, request, &code)),
        };
        let Some(answer) = answer else {
            return false;
        };
        let code = code(&answer);
        // The transaction before is still being ended.
        if gives_up && code == 51 {
            return false;
        }
        let api = M::KEY.expect("a request");
        assert_eq!(code, 0, "{}: {api} as {:?}", self.id, self.has);
        true
    }

    /// Says it until it is heard: the answer to a repeated request is that of the first.
    fn end(&mut self, commit: bool) {
        let request = EndTxnRequest {
            transactional_id: self.id.into(),
            producer_id: self.has.0,
            producer_epoch: self.has.1,
            committed: commit,
        };
        let version = if self.age == Age::Old { 3 } else { 5 };
        let answer = self
            .client
            .until_final(version, &request, |a| a.read::<EndTxnResponse>().error_code);
        let response: EndTxnResponse = answer.read();
        assert_eq!(response.error_code, 0, "{}: end as {:?}", self.id, self.has);
        if self.age == Age::New {
            self.has = (response.producer_id, response.producer_epoch);
            self.sequence = 0;
        }
    }
}

fn added(answer: &Answer) -> i16 {
    let response: AddPartitionsToTxnResponse<'_> = answer.read();
    let topic = &response.results_by_topic_v3_and_below[0];
    let codes = topic.results_by_partition.iter();
    codes.map(|p| p.partition_error_code).max().expect("a code")
}

fn offsets(id: &str, has: (i64, i16), offset: i64) -> TxnOffsetCommitRequest<'_> {
    TxnOffsetCommitRequest {
        transactional_id: id.into(),
        group_id: id.into(),
        producer_id: has.0,
        producer_epoch: has.1,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: INPUT.into(),
            partitions: vec![TxnOffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                ..TxnOffsetCommitRequestPartition::default()
            }],
            ..TxnOffsetCommitRequestTopic::default()
        }],
        ..TxnOffsetCommitRequest::default()
    }
}
