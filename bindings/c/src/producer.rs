//! The producer: opening, flushing, closing, sending by name.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::{Duration, Instant};

use levada::embedded::{Message, Producer, ProducerOptions};
use levada::{Error, Result};

use crate::arg::{Data, Made, Out, Text, Texts, timeout};
use crate::arrow::{Incoming, Stream};
use crate::database::levada_database;
use crate::enter::{call, guard};
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::log::UserData;
use crate::reports::{Reports, levada_delivery_callback, levada_reports};
use crate::status::levada_status;
use crate::writer::partition_of;

/// Sends records to topics. Any number of threads may use one; records of one thread to one partition keep
/// their order. Close it with levada_producer_close(), free it with levada_producer_free().
///
/// Sending is quick and does not wait for the disk: records gather in batches, which are written when they
/// are full or `linger.ms` is over. Whoever wants to know that a record is safe flushes, waits for its
/// delivery, or takes reports.
pub struct levada_producer {
    producer: Arc<Producer>,
    reports: Arc<Reports>,
}

kinds! { levada_producer "producer" 13; }

impl levada_producer {
    pub fn inner(&self) -> &Producer {
        &self.producer
    }

    pub fn shared(&self) -> (Arc<Producer>, Arc<Reports>) {
        (self.producer.clone(), self.reports.clone())
    }

    /// What `deliver` leaves of `time` is for the reports.
    #[allow(clippy::disallowed_methods)] // a deadline of the caller's thread
    fn report(
        &self,
        time: Duration,
        deliver: impl FnOnce(&Producer, Duration) -> Result<()>,
        report: impl FnOnce(&Reports, Duration) -> Result<()>,
    ) -> Result<()> {
        let started = Instant::now();
        let delivered = deliver(&self.producer, time);
        let reported = report(&self.reports, time.saturating_sub(started.elapsed()));
        delivered.and(reported)
    }

    fn close(&self, time: Duration) -> Result<()> {
        self.report(time, Producer::close, Reports::close)
    }
}

/// Makes a producer. `options` are keys and values in turns, closed by NULL, or NULL: Kafka's producer
/// settings (`"linger.ms"`, `"batch.size"`, `"compression.type"`, `"acks"`, `"transactional.id"`).
///
/// The producer belongs to the caller: free it with levada_producer_free(). LEVADA_INVALID: a bad setting.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_new(
    database: Handle<levada_database>,
    options: Texts,
    out_producer: Made<levada_producer>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_producer.get("out_producer")?;
        let options = ProducerOptions::from_settings(&options.settings("options")?)?;
        let producer = levada_producer {
            reports: Reports::new(options.block_max),
            producer: Arc::new(database.inner().producer(options)?),
        };
        out.set(handle::make(producer));
        Ok(())
    })
}

/// Sends one record to `topic`. `partition` may be LEVADA_PARTITION_ANY: by key as Kafka's clients do it, or
/// without a key the partition that is being filled. `key` and `value` are copied; NULL with size 0 is null
/// (no key; a tombstone), another pointer with size 0 is empty. The timestamp is now.
///
/// Waits for room, up to `max.block.ms`, when more than `buffer.memory` bytes are not delivered. Returns
/// before the record is written: see levada_producer_flush(). For many records to one topic
/// levada_writer_send() costs less.
///
/// LEVADA_NOT_FOUND: no such topic or partition. LEVADA_INVALID: too large, no key on a compacted topic.
/// LEVADA_TIMEOUT: no room in time. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_send(
    producer: Handle<levada_producer>,
    topic: Text,
    partition: i32,
    key: Data,
    key_size: usize,
    value: Data,
    value_size: usize,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let producer = producer.get()?;
        let topic = topic.get("topic")?;
        let message = Message {
            partition: partition_of(partition)?,
            key: key.get(key_size, "key")?,
            value: value.get(value_size, "value")?,
            ..Message::default()
        };
        producer.producer.send(topic, message).map(drop)
    })
}

/// Sends the rows of an Arrow stream as records: column `value` (binary or text), and if they are there
/// `key`, `timestamp` (a timestamp, or integers of milliseconds) and `headers` (a list of structs of key and
/// value, or a map). With `keep_partitions` column `partition` says where each goes. Columns `topic`,
/// `partition` and `offset` are otherwise passed over, so that what a scan gave can be sent.
///
/// The stream is taken over, also when this fails: do not release it. `out_rows`, when not NULL, gets the
/// number of rows that were sent. Returns before they are written: see levada_producer_flush().
///
/// LEVADA_INVALID: columns that do not fit, a stream that fails. Otherwise as levada_producer_send(). Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_send_arrow(
    producer: Handle<levada_producer>,
    topic: Text,
    stream: Stream,
    keep_partitions: bool,
    out_rows: Out<u64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let incoming = Incoming::take(&stream)?;
        let producer = producer.get()?;
        let topic = topic.get("topic")?;
        let rows = incoming.send(&producer.producer, topic, keep_partitions)?;
        if let Some(out) = out_rows.get_optional() {
            out.set(rows);
        }
        Ok(())
    })
}

/// Writes all that was sent before and waits until it is delivered: with `levada.durability=disk` it is on
/// the disk then. With a delivery callback, also until that was called for it (unless this is called from
/// the callback); without one, until reports can be polled.
///
/// LEVADA_TIMEOUT: not all was delivered and reported on in time, it may still be. Otherwise the first failed
/// delivery that nobody has looked at. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_flush(
    producer: Handle<levada_producer>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let producer = producer.get()?;
        producer.report(timeout(timeout_ms), Producer::flush, Reports::settle)
    })
}

/// Flushes, aborts a transaction that is open, and ends the producer's threads; later calls give
/// LEVADA_CLOSED. A second close waits for what the first had no time for. Reports that were not polled can still
/// be polled.
///
/// As levada_producer_flush(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_close(
    producer: Handle<levada_producer>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || producer.get()?.close(timeout(timeout_ms)))
}

/// Closes the producer, for up to `max.block.ms`, and frees it. What was not delivered then is logged. When this
/// returns, the delivery callback has ended and is not called again; made from the callback, this one call of it
/// goes on. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_free(producer: Handle<levada_producer>) {
    // A panic while closing is logged by the hook.
    let _ = guard(|| {
        if let Some(producer) = producer.free() {
            let time = producer.producer.options().block_max;
            if let Err(error) = producer.close(time) {
                tracing::warn!(%error, "a producer was freed with records that could not be delivered");
            }
            producer.reports.end();
        }
        Ok(())
    });
}

/// How many bytes were sent and are not delivered yet.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_buffered(producer: View<levada_producer>) -> usize {
    producer.get().map_or(0, |p| p.producer.buffered_bytes())
}

/// Has `callback` called for every record that levada_writer_send_record() sends from now on, once it is
/// delivered or failed, with `user_data`, on one thread of the producer's. The callback may use the library,
/// and may take its time: others do not wait for it. Its `error` ends with the call.
///
/// LEVADA_INVALID: no callback. LEVADA_CONFLICT: there is one, or records were sent before. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_on_delivery(
    producer: Handle<levada_producer>,
    callback: levada_delivery_callback,
    user_data: *mut c_void,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let producer = producer.get()?;
        let callback = callback.ok_or_else(|| Error::invalid("callback is NULL"))?;
        producer.reports.call_back(callback, UserData(user_data))
    })
}

/// Takes reports on records that levada_writer_send_record() sent: all there are, or waits for some. For
/// programs that want no callback: poll, or sends fail once a million reports wait.
///
/// `out_reports` gets NULL when none came in time, or the producer is closed and none are left. The reports
/// belong to the caller: free them with levada_reports_free(). LEVADA_CONFLICT: there is a callback. Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_poll(
    producer: Handle<levada_producer>,
    timeout_ms: i64,
    out_reports: Made<levada_reports>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let producer = producer.get()?;
        let out = out_reports.get("out_reports")?;
        let found = producer.reports.poll(timeout(timeout_ms))?;
        out.set(found.map_or(std::ptr::null_mut(), handle::make));
        Ok(())
    })
}
