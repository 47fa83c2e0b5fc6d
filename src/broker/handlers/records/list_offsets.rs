//! ListOffsets, key 2, versions 1 to 11 (KIP-79, KIP-98, KIP-207, KIP-405, KIP-734, KIP-1005).
//!
//! Asked by time it may have to read the archive, and a log that is not open is opened: both where
//! waiting is allowed. -6 (the
//! earliest offset that waits for its upload, KIP-1023) is answered with the local log start.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::epochs;
use crate::engine::{Engine, PartitionHandle};
use crate::error::{Code, Error, Result};
use crate::protocol::Str;
use crate::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// What a client asks for by a negative time.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// The first version whose answer says the leader epoch of an offset; others have no room for it.
const EPOCH_FROM: i16 = 4;

/// An offset, the time of its record where that is known.
type Found = Option<(Offset, Timestamp)>;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ListOffsetsRequest<'_> = call.request()?;
    let topics = request.topics.iter();
    let mut places = topics.flat_map(|t| t.partitions.iter().map(move |p| (&t.name, p)));
    let waits = |(topic, p): (&Str<'_>, &ListOffsetsPartition)| {
        let looks = p.timestamp >= 0 || p.timestamp == MAX_TIMESTAMP;
        let handle = call.engine().partition(topic, p.partition_index);
        looks || handle.is_ok_and(|handle| !handle.is_open())
    };
    if !call.may_block && places.any(waits) {
        return Ok(Answer::Blocking);
    }
    let committed = request.isolation_level == 1;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = find(call, &topic.name, wanted, committed);
            answered(wanted.partition_index, found)
        });
        ListOffsetsTopicResponse {
            name: topic.name.clone(),
            partitions: partitions.collect(),
        }
    });
    call.ready(&ListOffsetsResponse {
        topics: topics.collect(),
        ..ListOffsetsResponse::default()
    })
}

fn find(
    call: &Call<'_>,
    topic: &str,
    wanted: &ListOffsetsPartition,
    committed: bool,
) -> Result<(Found, LeaderEpoch)> {
    check_wish(wanted.timestamp, call.version())?;
    let engine: &Engine = call.engine();
    let handle = engine.partition(topic, wanted.partition_index)?;
    epochs::check_current(&handle, wanted.current_leader_epoch)?;
    let found = look_up(&handle, wanted.timestamp, committed)?;
    let epoch = match found {
        Some((offset, _)) if call.version() >= EPOCH_FROM => epochs::of(&handle, offset)?,
        _ => LeaderEpoch::NONE,
    };
    Ok((found, epoch))
}

/// Each of these came with a version.
fn check_wish(timestamp: i64, version: i16) -> Result<()> {
    let since = match timestamp {
        EARLIEST.. => 1,
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => i16::MAX,
    };
    if version >= since {
        return Ok(());
    }
    let message = format!("version {version} of ListOffsets does not know the time {timestamp}");
    Err(Error::coded(Code::UnsupportedVersion, message))
}

fn look_up(handle: &PartitionHandle, timestamp: i64, committed: bool) -> Result<Found> {
    let log = handle.log()?;
    let ends = log.ends();
    let end = match committed {
        true => ends.last_stable,
        false => ends.visible,
    };
    let at = |offset: Offset| Ok(Some((offset, Timestamp::NONE)));
    match timestamp {
        LATEST => at(end),
        EARLIEST => at(ends.log_start),
        EARLIEST_LOCAL | EARLIEST_PENDING_UPLOAD => at(ends.local_start),
        LATEST_TIERED => match ends.local_start > ends.log_start {
            true => at(ends.local_start.plus(-1)),
            false => Ok(None),
        },
        MAX_TIMESTAMP => log.max_timestamp(),
        time => {
            let found = log.offset_for_time(Timestamp(time))?;
            // What an open transaction holds back is not there for these readers.
            Ok(found.filter(|(offset, _)| *offset < end))
        }
    }
}

fn answered(
    partition_index: i32,
    found: Result<(Found, LeaderEpoch)>,
) -> ListOffsetsPartitionResponse {
    let nothing = ListOffsetsPartitionResponse {
        partition_index,
        ..ListOffsetsPartitionResponse::default()
    };
    match found {
        Ok((Some((offset, timestamp)), epoch)) => ListOffsetsPartitionResponse {
            timestamp: timestamp.get(),
            offset: offset.get(),
            leader_epoch: epoch.get(),
            ..nothing
        },
        Ok((None, _)) => nothing,
        Err(error) => ListOffsetsPartitionResponse {
            error_code: error.code().number(),
            ..nothing
        },
    }
}
