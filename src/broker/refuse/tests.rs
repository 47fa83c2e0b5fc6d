use super::table::APIS;
use super::{groups, records, topics, transactions};
use crate::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use crate::protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use crate::protocol::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use crate::protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use crate::protocol::messages::find_coordinator::FindCoordinatorRequest;
use crate::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use crate::protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use crate::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
};
use crate::protocol::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::protocol::messages::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use crate::protocol::{ApiKey, Message, MessageWriter, Reader, rewrite_response};

/// NOT_COORDINATOR.
const CODE: i16 = 16;

/// Writes the refusal of `request` in each version; it can be read again and says the code so often.
fn says<'a, M, N>(request: &M, refuse: impl Fn(&M, i16, i16) -> N, often: impl Fn(i16) -> usize)
where
    M: Message<'a>,
    N: Message<'a> + std::fmt::Debug,
{
    let api = M::KEY.expect("a request");
    for version in M::VERSION_MIN..=M::STABLE_MAX {
        let response = refuse(request, version, CODE);
        let mut w = MessageWriter::new();
        let written = response.encode(&mut w, version);
        written.unwrap_or_else(|e| panic!("{api} {version}: {e}"));
        let bytes = w.into_chunks().concat();
        let mut r = Reader::new(&bytes);
        let mut again = MessageWriter::new();
        rewrite_response(api, version, &mut r, &mut again).expect("it can be read");
        assert_eq!(again.into_chunks().concat(), bytes, "{api} {version}");
        // No other field of these answers holds the number.
        let found = bytes.windows(2).filter(|two| *two == CODE.to_be_bytes());
        assert_eq!(
            found.count(),
            often(version),
            "{api} {version}: {response:?}"
        );
    }
}

#[test]
fn records_are_refused_at_each_partition() {
    let produce = ProduceRequest {
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![
                PartitionProduceData::default(),
                PartitionProduceData::default(),
            ],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    says(&produce, records::produce, |_| 2);
    let fetch = FetchRequest {
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: vec![FetchPartition::default(), FetchPartition::default()],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    says(&fetch, records::fetch, |version| match version {
        ..7 => 2,
        7..13 => 3,
        _ => 1,
    });
    let list = ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition::default()],
        }],
        ..ListOffsetsRequest::default()
    };
    says(&list, records::list_offsets, |_| 1);
}

#[test]
fn topics_are_refused_one_by_one() {
    let metadata = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic::default()]),
        ..MetadataRequest::default()
    };
    says(&metadata, topics::metadata, |version| {
        1 + usize::from(version >= 13)
    });
    let create = CreateTopicsRequest {
        topics: vec![CreatableTopic::default(), CreatableTopic::default()],
        ..CreateTopicsRequest::default()
    };
    says(&create, topics::create_topics, |_| 2);
    let delete = DeleteTopicsRequest {
        topics: vec![DeleteTopicState::default()],
        topic_names: vec!["a".into(), "b".into()],
        ..DeleteTopicsRequest::default()
    };
    says(&delete, topics::delete_topics, |version| {
        if version < 6 { 2 } else { 1 }
    });
    says(&Default::default(), topics::create_partitions, |_| 0);
}

#[test]
fn groups_are_refused() {
    let find = FindCoordinatorRequest {
        coordinator_keys: vec!["a".into(), "b".into()],
        ..FindCoordinatorRequest::default()
    };
    says(&find, groups::find_coordinator, |version| {
        if version < 4 { 1 } else { 2 }
    });
    says(&Default::default(), groups::join_group, |_| 1);
    says(&Default::default(), groups::sync_group, |_| 1);
    says(&Default::default(), groups::heartbeat, |_| 1);
    says(&Default::default(), groups::leave_group, |_| 1);
    says(&Default::default(), groups::consumer_heartbeat, |_| 1);
    let commit = OffsetCommitRequest {
        topics: vec![OffsetCommitRequestTopic {
            partitions: vec![OffsetCommitRequestPartition::default()],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    says(&commit, groups::offset_commit, |_| 1);
    let fetch = OffsetFetchRequest {
        topics: Some(vec![OffsetFetchRequestTopic {
            name: "t".into(),
            partition_indexes: vec![0, 1, 2],
        }]),
        groups: vec![
            OffsetFetchRequestGroup::default(),
            OffsetFetchRequestGroup::default(),
        ],
        ..OffsetFetchRequest::default()
    };
    says(&fetch, groups::offset_fetch, |version| match version {
        ..2 => 3,
        2..8 => 1,
        _ => 2,
    });
}

#[test]
fn transactions_are_refused() {
    says(&Default::default(), transactions::init_producer_id, |_| 1);
    says(&Default::default(), transactions::add_offsets, |_| 1);
    says(&Default::default(), transactions::end, |_| 1);
    let add = AddPartitionsToTxnRequest {
        v3_and_below_topics: vec![AddPartitionsToTxnTopic {
            name: "t".into(),
            partitions: vec![0, 1],
        }],
        ..AddPartitionsToTxnRequest::default()
    };
    says(&add, transactions::add_partitions, |version| {
        if version < 4 { 2 } else { 1 }
    });
    let commit = TxnOffsetCommitRequest {
        topics: vec![TxnOffsetCommitRequestTopic {
            partitions: vec![TxnOffsetCommitRequestPartition::default()],
            ..TxnOffsetCommitRequestTopic::default()
        }],
        ..TxnOffsetCommitRequest::default()
    };
    says(&commit, transactions::commit_offsets, |_| 1);
}

#[test]
fn what_can_be_refused_ascends_by_key() {
    assert!(APIS.is_sorted());
    assert!(!super::can(ApiKey::ApiVersions));
}
