//! DescribeProducers, key 61, version 0 (KIP-664).

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::Result;
use crate::log::ActiveProducer;
use crate::protocol::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeProducersRequest<'_> = call.request()?;
    let topics = request.topics.iter().map(|topic| {
        let indexes = topic.partition_indexes.iter();
        let partitions = indexes.map(|index| described(*index, find(call, &topic.name, *index)));
        TopicResponse {
            partitions: partitions.collect(),
            name: topic.name.clone(),
        }
    });
    call.ready(&DescribeProducersResponse {
        topics: topics.collect(),
        ..DescribeProducersResponse::default()
    })
}

fn find(call: &Call<'_>, topic: &str, index: i32) -> Result<Vec<ActiveProducer>> {
    let log = call.engine().partition(topic, index)?.log()?;
    Ok(log.active_producers())
}

fn described(
    partition_index: i32,
    found: Result<Vec<ActiveProducer>>,
) -> PartitionResponse<'static> {
    let nothing = PartitionResponse {
        partition_index,
        ..PartitionResponse::default()
    };
    match found {
        Ok(producers) => PartitionResponse {
            active_producers: producers.iter().map(state).collect(),
            ..nothing
        },
        Err(error) => PartitionResponse {
            error_code: error.code().number(),
            error_message: Some(error.message().to_owned().into()),
            ..nothing
        },
    }
}

fn state(producer: &ActiveProducer) -> ProducerState {
    ProducerState {
        producer_id: producer.producer_id.get(),
        producer_epoch: i32::from(producer.epoch.get()),
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp.get(),
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.txn_start.map_or(-1, |offset| offset.get()),
    }
}
