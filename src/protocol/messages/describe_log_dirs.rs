//! DescribeLogDirs, key 35: request and response, versions 1 to 5.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DescribeLogDirsRequest<'a>: DescribeLogDirs, 1..=5, flexible 2);

schema! {
    /// Versions 1 to 5, flexible from 2.
    pub struct DescribeLogDirsRequest<'a> {
        topics: Option<Vec<DescribableLogDirTopic<'a>>>,
    }

    pub struct DescribableLogDirTopic<'a> {
        topic: Str<'a>,
        partitions: Vec<i32>,
    }
}

message!(DescribeLogDirsResponse<'a>: DescribeLogDirs, 1..=5, flexible 2);

schema! {
    /// Versions 1 to 5, flexible from 2.
    pub struct DescribeLogDirsResponse<'a> {
        throttle_time_ms: i32,
        [3..] error_code: i16,
        results: Vec<DescribeLogDirsResult<'a>>,
    }

    pub struct DescribeLogDirsResult<'a> {
        error_code: i16,
        log_dir: Str<'a>,
        topics: Vec<DescribeLogDirsTopic<'a>>,
        [4..] total_bytes: i64 = -1,
        [4..] usable_bytes: i64 = -1,
        [5..] is_cordoned: bool,
    }

    pub struct DescribeLogDirsTopic<'a> {
        name: Str<'a>,
        partitions: Vec<DescribeLogDirsPartition>,
    }

    pub struct DescribeLogDirsPartition {
        partition_index: i32,
        partition_size: i64,
        offset_lag: i64,
        is_future_key: bool,
    }
}
