//! DeleteRecords, key 21, versions 0 to 2 (KIP-107).
//!
//! One replica answers for all, so that nothing is waited for and the time limit is not read. -1 stands
//! for the high watermark. The engine's own topics are refused (17), as Kafka does.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::config::is_internal_topic;
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};
use crate::types::Offset;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DeleteRecordsRequest<'_> = call.request()?;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let deleted = delete(call.engine(), &topic.name, wanted);
            DeleteRecordsPartitionResult {
                partition_index: wanted.partition_index,
                low_watermark: deleted.as_ref().map_or(-1, |start| start.get()),
                error_code: deleted.err().map_or(0, |e| e.code().number()),
            }
        });
        DeleteRecordsTopicResult {
            name: topic.name.clone(),
            partitions: partitions.collect(),
        }
    });
    call.ready(&DeleteRecordsResponse {
        topics: topics.collect(),
        ..DeleteRecordsResponse::default()
    })
}

fn delete(engine: &Engine, topic: &str, wanted: &DeleteRecordsPartition) -> Result<Offset> {
    let handle = engine.partition(topic, wanted.partition_index)?;
    if is_internal_topic(topic) {
        let message = format!("topic {topic} is internal: its records are not deleted by offset");
        return Err(Error::coded(Code::InvalidTopic, message));
    }
    handle.delete_records(Offset(wanted.offset))
}
