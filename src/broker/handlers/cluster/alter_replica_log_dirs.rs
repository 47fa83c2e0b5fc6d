//! AlterReplicaLogDirs, key 34, versions 1 and 2 (KIP-113).
//!
//! There is one directory, where everything is already; any other is not known (57).

use std::path::Path;

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: AlterReplicaLogDirsRequest<'_> = call.request()?;
    let mut results = Vec::new();
    for dir in &request.dirs {
        for topic in &dir.topics {
            let partitions = topic.partitions.iter().map(|number| {
                let moved = check(call.engine(), &dir.path, &topic.name, *number);
                AlterReplicaLogDirPartitionResult {
                    partition_index: *number,
                    error_code: moved.err().map_or(0, |e| e.code().number()),
                }
            });
            results.push(AlterReplicaLogDirTopicResult {
                topic_name: topic.name.clone(),
                partitions: partitions.collect(),
            });
        }
    }
    call.ready(&AlterReplicaLogDirsResponse {
        results,
        ..AlterReplicaLogDirsResponse::default()
    })
}

fn check(engine: &Engine, dir: &str, topic: &str, partition: i32) -> Result<()> {
    if Path::new(dir) != engine.data_dir() {
        let message = format!("{dir} is not a directory of this broker");
        return Err(Error::coded(Code::LogDirNotFound, message));
    }
    engine.partition(topic, partition).map(drop)
}
