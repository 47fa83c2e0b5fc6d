//! Fetch, key 1: request and response, versions 4 to 18.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::records::Records;
use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::{Str, Uuid};
use crate::types::TopicId;

message!(FetchRequest<'a>: Fetch, 4..=18, flexible 12);

schema! {
    /// Versions 4 to 18, flexible from 12.
    pub struct FetchRequest<'a> {
        [..=14; strict] replica_id: i32 = -1,
        max_wait_ms: i32,
        min_bytes: i32,
        max_bytes: i32 = i32::MAX,
        isolation_level: i8,
        [7..] session_id: i32,
        [7..] session_epoch: i32 = -1,
        topics: Vec<FetchTopic<'a>>,
        [7..; strict] forgotten_topics_data: Vec<ForgottenTopic<'a>>,
        [11..] rack_id: Str<'a>,
    } tagged {
        0: [12..] cluster_id: Option<Str<'a>>,
        1: [15..; strict] replica_state: ReplicaState,
    }

    pub struct ReplicaState {
        replica_id: i32 = -1,
        replica_epoch: i64 = -1,
    }

    pub struct FetchTopic<'a> {
        [..=12] topic: Str<'a>,
        [13..] topic_id: TopicId,
        partitions: Vec<FetchPartition>,
    }

    pub struct FetchPartition {
        partition: i32,
        [9..] current_leader_epoch: i32 = -1,
        fetch_offset: i64,
        [12..; strict] last_fetched_epoch: i32 = -1,
        [5..] log_start_offset: i64 = -1,
        partition_max_bytes: i32,
    } tagged {
        0: [17..] replica_directory_id: Uuid,
        1: [18..] high_watermark: i64 = i64::MAX,
    }

    pub struct ForgottenTopic<'a> {
        [..=12] topic: Str<'a>,
        [13..] topic_id: TopicId,
        partitions: Vec<i32>,
    }
}

message!(FetchResponse<'a>: Fetch, 4..=18, flexible 12);

schema! {
    /// Versions 4 to 18, flexible from 12.
    pub struct FetchResponse<'a> {
        throttle_time_ms: i32,
        [7..] error_code: i16,
        [7..; strict] session_id: i32,
        responses: Vec<FetchableTopicResponse<'a>>,
    } tagged {
        0: [16..; strict] node_endpoints: Vec<NodeEndpoint<'a>>,
    }

    pub struct FetchableTopicResponse<'a> {
        [..=12] topic: Str<'a>,
        [13..] topic_id: TopicId,
        partitions: Vec<PartitionData<'a>>,
    }

    pub struct PartitionData<'a> {
        partition_index: i32,
        error_code: i16,
        high_watermark: i64,
        last_stable_offset: i64 = -1,
        [5..] log_start_offset: i64 = -1,
        aborted_transactions: Option<Vec<AbortedTransaction>>,
        [11..; strict] preferred_read_replica: i32 = -1,
        records: Option<Records<'a>>,
    } tagged {
        0: [12..; strict] diverging_epoch: EpochEndOffset,
        1: [12..; strict] current_leader: LeaderIdAndEpoch,
        2: [12..; strict] snapshot_id: SnapshotId,
    }

    pub struct EpochEndOffset {
        epoch: i32 = -1,
        end_offset: i64 = -1,
    }

    pub struct LeaderIdAndEpoch {
        leader_id: i32 = -1,
        leader_epoch: i32 = -1,
    }

    pub struct SnapshotId {
        end_offset: i64 = -1,
        epoch: i32 = -1,
    }

    pub struct AbortedTransaction {
        producer_id: i64,
        first_offset: i64,
    }

    pub struct NodeEndpoint<'a> {
        node_id: i32,
        host: Str<'a>,
        port: i32,
        rack: Option<Str<'a>>,
    }
}
