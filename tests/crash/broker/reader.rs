//! A reader of committed records that follows a partition through every crash.

use levada::protocol::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use levada::record::Batches;

use super::client::Client;

const VERSION: i16 = 12;

/// Reads until everything is read that was written; gives the values in their order.
pub fn read(mut client: Client, topic: &str, partition: i32) -> Vec<String> {
    let mut values = Vec::new();
    let mut from = 0;
    loop {
        let written = client.is_written();
        let request = FetchRequest {
            max_wait_ms: 100,
            min_bytes: 1,
            isolation_level: 1,
            topics: vec![FetchTopic {
                topic: topic.into(),
                partitions: vec![FetchPartition {
                    partition,
                    fetch_offset: from,
                    partition_max_bytes: 1 << 20,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let Some(answer) = client.once(VERSION, request) else {
            continue;
        };
        let response: FetchResponse<'_> = answer.read();
        let data = &response.responses[0].partitions[0];
        assert_eq!(data.error_code, 0, "{topic}-{partition} from {from}");
        from = take(data, from, &mut values);
        if written && from == data.high_watermark {
            return values;
        }
    }
}

/// Gives the offset to go on at.
fn take(
    data: &levada::protocol::messages::fetch::PartitionData<'_>,
    from: i64,
    values: &mut Vec<String>,
) -> i64 {
    let aborted = data.aborted_transactions.iter().flatten();
    let mut waiting: Vec<_> = aborted.map(|a| (a.producer_id, a.first_offset)).collect();
    let mut open = Vec::new();
    let mut next = from;
    let bytes = data.records.as_ref().map(|r| r.contiguous());
    let mut scratch = Vec::new();
    for batch in Batches::new(&bytes.unwrap_or_default()) {
        let batch = batch.expect("a whole batch");
        batch.check_crc().expect("sound bytes");
        let header = *batch.header();
        let producer = header.producer_id.get();
        next = header.next_offset().get();
        assert!(next <= data.last_stable_offset, "beyond what is stable");
        waiting.retain(|(id, first)| {
            let begun = *first < next;
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
        for record in batch.records(&mut scratch, 1 << 20).expect("records") {
            let record = record.expect("a record");
            if record.offset.get() >= from {
                let value = record.value.expect("a value").to_vec();
                values.push(String::from_utf8(value).expect("UTF-8"));
            }
        }
    }
    next
}
