//! What administrators see and do.

use levada::protocol::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, TopicRequest,
};
use levada::protocol::messages::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse,
};
use levada::protocol::messages::list_transactions::{
    ListTransactionsRequest, ListTransactionsResponse,
};
use levada::protocol::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

use super::producer::{NEW, Producer, broker};
use crate::broker::records::produce;
use crate::broker::wire::Wire;

#[test]
fn administrators_see_transactions_and_end_those_that_hang() {
    let broker = broker();
    let mut p = Producer::new(&broker, Some("tx-1"), NEW);
    Producer::new(&broker, Some("tx-2"), NEW);
    let mut idle = Producer::new(&broker, None, NEW);
    assert_eq!(p.write("t", "x").0, 0);
    assert_eq!(
        produce(&mut idle.wire, "u", 1, &crate::broker::records::batch(1)).0,
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
