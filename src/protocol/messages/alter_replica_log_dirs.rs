//! AlterReplicaLogDirs, key 34: request and response, versions 1 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(AlterReplicaLogDirsRequest<'a>: AlterReplicaLogDirs, 1..=2, flexible 2);

schema! {
    /// Versions 1 to 2, flexible from 2.
    pub struct AlterReplicaLogDirsRequest<'a> {
        dirs: Vec<AlterReplicaLogDir<'a>>,
    }

    pub struct AlterReplicaLogDir<'a> {
        path: Str<'a>,
        topics: Vec<AlterReplicaLogDirTopic<'a>>,
    }

    pub struct AlterReplicaLogDirTopic<'a> {
        name: Str<'a>,
        partitions: Vec<i32>,
    }
}

message!(AlterReplicaLogDirsResponse<'a>: AlterReplicaLogDirs, 1..=2, flexible 2);

schema! {
    /// Versions 1 to 2, flexible from 2.
    pub struct AlterReplicaLogDirsResponse<'a> {
        throttle_time_ms: i32,
        results: Vec<AlterReplicaLogDirTopicResult<'a>>,
    }

    pub struct AlterReplicaLogDirTopicResult<'a> {
        topic_name: Str<'a>,
        partitions: Vec<AlterReplicaLogDirPartitionResult>,
    }

    pub struct AlterReplicaLogDirPartitionResult {
        partition_index: i32,
        error_code: i16,
    }
}
