//! OffsetForLeaderEpoch, key 23, versions 2 to 4 (KIP-101, KIP-279, KIP-320).
//!
//! Up to which offset a leader epoch reaches: how a consumer finds out that what it read was cut off.
//! There are no followers, so that the latest epoch ends where readers do.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::epochs;
use crate::engine::Engine;
use crate::error::Result;
use crate::protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use crate::types::{LeaderEpoch, Offset};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: OffsetForLeaderEpochRequest<'_> = call.request()?;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = end_of(call.engine(), &topic.topic, wanted);
            let (epoch, end) = found.as_ref().ok().copied().flatten().unzip();
            EpochEndOffset {
                error_code: found.err().map_or(0, |e| e.code().number()),
                partition: wanted.partition,
                leader_epoch: epoch.map_or(-1, LeaderEpoch::get),
                end_offset: end.map_or(-1, Offset::get),
            }
        });
        OffsetForLeaderTopicResult {
            topic: topic.topic.clone(),
            partitions: partitions.collect(),
        }
    });
    call.ready(&OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    })
}

fn end_of(
    engine: &Engine,
    topic: &str,
    wanted: &OffsetForLeaderPartition,
) -> Result<Option<(LeaderEpoch, Offset)>> {
    let handle = engine.partition(topic, wanted.partition)?;
    epochs::check_current(&handle, wanted.current_leader_epoch)?;
    let log = handle.log()?;
    let visible = log.ends().visible;
    // A log without records has no epochs yet; the one that it will begin with is known.
    if wanted.leader_epoch == handle.leader_epoch().get() {
        return Ok(Some((handle.leader_epoch(), visible)));
    }
    let found = log.epoch_end(LeaderEpoch(wanted.leader_epoch));
    Ok(found.map(|(epoch, end)| (epoch, end.min(visible))))
}
