//! Where a consumer stands: seeking, time, lag.

use levada::Result;
use levada::embedded::SeekTo;
use levada::types::{Offset, Timestamp, TopicPartition};

use crate::arg::{Made, Out, Text};
use crate::consumer::levada_consumer;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle};
use crate::positions::{LEVADA_OFFSET_NONE, levada_positions};
use crate::status::levada_status;

fn named(topic: &Text, partition: i32) -> Result<TopicPartition> {
    Ok(TopicPartition::new(topic.get("topic")?, partition))
}

/// Goes on at `to`; a NULL topic is all partitions.
fn seek_to(
    consumer: &Handle<levada_consumer>,
    topic: &Text,
    partition: i32,
    to: SeekTo,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let topic = topic.get_optional("topic")?;
        let place = topic.map(|topic| TopicPartition::new(topic, partition));
        consumer.inner().seek_to(place.as_ref(), to)
    })
}

/// Goes on at `offset`, which must lie within the log, its end included.
///
/// LEVADA_OUT_OF_RANGE. LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_seek(
    consumer: Handle<levada_consumer>,
    topic: Text,
    partition: i32,
    offset: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        consumer
            .inner()
            .seek(&named(&topic, partition)?, Offset(offset))
    })
}

/// Goes on at the first record at or after a moment, at the end where there is none. A NULL topic is all
/// partitions of the consumer; `partition` does not matter then.
///
/// LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_seek_to_time(
    consumer: Handle<levada_consumer>,
    topic: Text,
    partition: i32,
    timestamp_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    seek_to(
        &consumer,
        &topic,
        partition,
        SeekTo::Time(Timestamp(timestamp_ms)),
        out_error,
    )
}

/// Goes on at the first record there is. A NULL topic is all partitions of the consumer.
///
/// LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_seek_to_beginning(
    consumer: Handle<levada_consumer>,
    topic: Text,
    partition: i32,
    out_error: Made<levada_error>,
) -> levada_status {
    seek_to(&consumer, &topic, partition, SeekTo::Beginning, out_error)
}

/// Goes on behind the last record there is. A NULL topic is all partitions of the consumer.
///
/// LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_seek_to_end(
    consumer: Handle<levada_consumer>,
    topic: Text,
    partition: i32,
    out_error: Made<levada_error>,
) -> levada_status {
    seek_to(&consumer, &topic, partition, SeekTo::End, out_error)
}

/// The offset of the next record that a poll gives of a partition.
///
/// LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_position(
    consumer: Handle<levada_consumer>,
    topic: Text,
    partition: i32,
    out_offset: Out<i64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let out = out_offset.get("out_offset")?;
        let offset = consumer.inner().position(&named(&topic, partition)?)?;
        out.set(offset.get());
        Ok(())
    })
}

/// What the group has committed for a partition: the offset of the next record to read, LEVADA_OFFSET_NONE
/// when nothing, or without a group.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_committed(
    consumer: Handle<levada_consumer>,
    topic: Text,
    partition: i32,
    out_offset: Out<i64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let out = out_offset.get("out_offset")?;
        let found = consumer.inner().committed(&named(&topic, partition)?)?;
        out.set(found.map_or(LEVADA_OFFSET_NONE, |c| c.offset.get()));
        Ok(())
    })
}

/// How far each assigned partition is behind: the offsets of the list are the numbers of offsets between the
/// position and the end.
///
/// The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_lag(
    consumer: Handle<levada_consumer>,
    out_lags: Made<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let out = out_lags.get("out_lags")?;
        let lags = consumer.inner().lag()?;
        out.set(handle::make(levada_positions::new(lags)));
        Ok(())
    })
}
