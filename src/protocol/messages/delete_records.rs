//! DeleteRecords, key 21: request and response, versions 0 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DeleteRecordsRequest<'a>: DeleteRecords, 0..=2, flexible 2);

schema! {
    /// Versions 0 to 2, flexible from 2.
    pub struct DeleteRecordsRequest<'a> {
        topics: Vec<DeleteRecordsTopic<'a>>,
        timeout_ms: i32,
    }

    pub struct DeleteRecordsTopic<'a> {
        name: Str<'a>,
        partitions: Vec<DeleteRecordsPartition>,
    }

    pub struct DeleteRecordsPartition {
        partition_index: i32,
        offset: i64,
    }
}

message!(DeleteRecordsResponse<'a>: DeleteRecords, 0..=2, flexible 2);

schema! {
    /// Versions 0 to 2, flexible from 2.
    pub struct DeleteRecordsResponse<'a> {
        throttle_time_ms: i32,
        topics: Vec<DeleteRecordsTopicResult<'a>>,
    }

    pub struct DeleteRecordsTopicResult<'a> {
        name: Str<'a>,
        partitions: Vec<DeleteRecordsPartitionResult>,
    }

    pub struct DeleteRecordsPartitionResult {
        partition_index: i32,
        low_watermark: i64,
        error_code: i16,
    }
}
