//! WriteTxnMarkers, key 27, versions 1 to 2 (KIP-98, KIP-664, KIP-1228).
//!
//! What administrators end a hanging transaction with: the coordinator, in the same process, writes its
//! markers without it. The version of the transaction that version 2 names changes nothing here: a marker
//! with an older epoch than the producer's is refused for all.

use super::Asked;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::txn::ProducerIdentity;
use crate::error::Result;
use crate::protocol::messages::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerPartitionResult, WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};
use crate::types::{ProducerEpoch, ProducerId, TopicPartition};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: WriteTxnMarkersRequest<'_> = call.request()?;
    let mut asked = Vec::new();
    let results = request
        .markers
        .iter()
        .map(|marker| WritableTxnMarkerResult {
            producer_id: marker.producer_id,
            topics: start(call, marker, &mut asked),
        });
    let mut response = WriteTxnMarkersResponse {
        markers: results.collect(),
    };
    call.reply().later(async move {
        let mut codes = Vec::with_capacity(asked.len());
        for one in asked {
            let outcome: Result<()> = one.answer().await;
            codes.push(outcome.map_or_else(|error| error.code().number(), |()| 0));
        }
        let topics = response.markers.iter_mut().flat_map(|m| &mut m.topics);
        let places = topics.flat_map(|topic| &mut topic.partitions);
        for (place, code) in places.zip(codes) {
            place.error_code = code;
        }
        response
    })
}

/// Has a marker written to its partitions; gives their places in the answer.
fn start(
    call: &Call<'_>,
    marker: &WritableTxnMarker<'_>,
    asked: &mut Vec<Asked<()>>,
) -> Vec<WritableTxnMarkerTopicResult<'static>> {
    let transactions = call.engine().transactions();
    let producer = ProducerIdentity {
        id: ProducerId(marker.producer_id),
        epoch: ProducerEpoch(marker.producer_epoch),
    };
    let (commit, coordinator) = (marker.transaction_result, marker.coordinator_epoch);
    let topics = marker.topics.iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|index| {
            let partition = TopicPartition::new(&*topic.name, *index);
            asked.push(Asked::new(|reply| {
                transactions.write_marker(partition, producer, commit, coordinator, reply);
            }));
            WritableTxnMarkerPartitionResult {
                partition_index: *index,
                error_code: 0,
            }
        });
        WritableTxnMarkerTopicResult {
            partitions: partitions.collect(),
            name: topic.name.to_string().into(),
        }
    });
    topics.collect()
}
