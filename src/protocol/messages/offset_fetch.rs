//! OffsetFetch, key 9: request and response, versions 1 to 10.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;
use crate::types::TopicId;

message!(OffsetFetchRequest<'a>: OffsetFetch, 1..=10, flexible 6);

schema! {
    /// Versions 1 to 10, flexible from 6.
    pub struct OffsetFetchRequest<'a> {
        [..=7; strict] group_id: Str<'a>,
        [..=7; strict] (null 2..) topics: Option<Vec<OffsetFetchRequestTopic<'a>>>,
        [8..; strict] groups: Vec<OffsetFetchRequestGroup<'a>>,
        [7..; strict] require_stable: bool,
    }

    pub struct OffsetFetchRequestTopic<'a> {
        name: Str<'a>,
        partition_indexes: Vec<i32>,
    }

    pub struct OffsetFetchRequestGroup<'a> {
        group_id: Str<'a>,
        [9..] member_id: Option<Str<'a>>,
        [9..] member_epoch: i32 = -1,
        topics: Option<Vec<OffsetFetchRequestTopics<'a>>>,
    }

    pub struct OffsetFetchRequestTopics<'a> {
        [..=9] name: Str<'a>,
        [10..] topic_id: TopicId,
        partition_indexes: Vec<i32>,
    }
}

message!(OffsetFetchResponse<'a>: OffsetFetch, 1..=10, flexible 6);

schema! {
    /// Versions 1 to 10, flexible from 6.
    pub struct OffsetFetchResponse<'a> {
        [3..] throttle_time_ms: i32,
        [..=7; strict] topics: Vec<OffsetFetchResponseTopic<'a>>,
        [2..=7] error_code: i16,
        [8..; strict] groups: Vec<OffsetFetchResponseGroup<'a>>,
    }

    pub struct OffsetFetchResponseTopic<'a> {
        name: Str<'a>,
        partitions: Vec<OffsetFetchResponsePartition<'a>>,
    }

    pub struct OffsetFetchResponsePartition<'a> {
        partition_index: i32,
        committed_offset: i64,
        [5..] committed_leader_epoch: i32 = -1,
        metadata: Option<Str<'a>>,
        error_code: i16,
    }

    pub struct OffsetFetchResponseGroup<'a> {
        group_id: Str<'a>,
        topics: Vec<OffsetFetchResponseTopics<'a>>,
        error_code: i16,
    }

    pub struct OffsetFetchResponseTopics<'a> {
        [..=9] name: Str<'a>,
        [10..] topic_id: TopicId,
        partitions: Vec<OffsetFetchResponsePartitions<'a>>,
    }

    pub struct OffsetFetchResponsePartitions<'a> {
        partition_index: i32,
        committed_offset: i64,
        committed_leader_epoch: i32 = -1,
        metadata: Option<Str<'a>>,
        error_code: i16,
    }
}
