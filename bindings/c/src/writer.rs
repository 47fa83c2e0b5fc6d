//! The fast way to send: a topic that was looked up once.
//!
//! A send costs, besides the copy into the batch, a comparison of the handle's tag, a look at the metadata's
//! version, and the lock of the partition's batch.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use levada::embedded::{Bulk, Delivery, Message, Producer, Sent, TopicWriter};
use levada::sync::Mutex;
use levada::types::Timestamp;
use levada::{Error, Result};

use crate::arg::{Array, Data, Made, Out, Text};
use crate::delivery::levada_delivery;
use crate::enter::{call, guard};
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::headers::{Pairs, levada_headers};
use crate::log::UserData;
use crate::producer::levada_producer;
use crate::reports::{Group, Reports};
use crate::status::levada_status;

/// Stands for "whichever partition": by key, or the one that is being filled. Where a call says so, for all.
pub const LEVADA_PARTITION_ANY: i32 = -1;

/// Stands for "now".
pub const LEVADA_TIMESTAMP_NOW: i64 = -1;

/// A topic to send to, looked up once: the fast way. Any number of threads may use one. Free it with
/// levada_writer_free(); it may outlive its producer, and gives LEVADA_CLOSED then.
///
/// The calls that take a writer do not look it up among all handles: hand in one that is not freed before the
/// call has ended.
pub struct levada_writer {
    producer: Arc<Producer>,
    name: Arc<str>,
    topic: ArcSwap<TopicWriter>,
    reports: Arc<Reports>,
    /// By partition: the records of the batch being filled that are to be reported on.
    groups: Mutex<Vec<Option<Arc<Group>>>>,
}

kinds! { levada_writer "writer" 14; }

/// `None` for LEVADA_PARTITION_ANY.
#[inline]
pub fn partition_of(partition: i32) -> Result<Option<i32>> {
    match partition {
        LEVADA_PARTITION_ANY => Ok(None),
        0.. => Ok(Some(partition)),
        _ => Err(no_partition(partition)),
    }
}

#[cold]
fn no_partition(partition: i32) -> Error {
    Error::invalid(format!(
        "partition {partition} is none: give one from 0 on, or LEVADA_PARTITION_ANY"
    ))
}

/// `None` for LEVADA_TIMESTAMP_NOW.
fn timestamp_of(ms: i64) -> Result<Option<Timestamp>> {
    match ms {
        LEVADA_TIMESTAMP_NOW => Ok(None),
        0.. => Ok(Some(Timestamp(ms))),
        _ => Err(Error::invalid(format!(
            "timestamp {ms} is negative: give milliseconds since 1970, or LEVADA_TIMESTAMP_NOW"
        ))),
    }
}

impl levada_writer {
    fn new(producer: &levada_producer, name: &str) -> Result<levada_writer> {
        let (producer, reports) = producer.shared();
        let topic = producer.topic(name)?;
        Ok(levada_writer {
            name: topic.name().clone(),
            topic: ArcSwap::new(topic),
            producer,
            reports,
            groups: Mutex::default(),
        })
    }

    /// The topic as it is now.
    #[inline]
    fn current(&self) -> Result<Guard<Arc<TopicWriter>>> {
        let topic = self.topic.load();
        if self.producer.is_current(&topic) {
            return Ok(topic);
        }
        self.topic.store(self.producer.topic(&self.name)?);
        Ok(self.topic.load())
    }

    #[inline]
    fn send(&self, message: Message<'_>) -> Result<Delivery> {
        loop {
            let topic = self.current()?;
            match self.producer.try_send(&topic, message)? {
                Sent::Taken(delivery) => return Ok(delivery),
                Sent::Full(lane) => self.producer.make_room(&topic, lane)?,
            }
        }
    }

    /// Has the record reported on.
    fn report(&self, delivery: Delivery, tag: UserData) {
        let index = usize::try_from(delivery.partition()).unwrap_or(0);
        let mut groups = self.groups.lock();
        if groups.len() <= index {
            groups.resize_with(index + 1, || None);
        }
        let Some(group) = groups.get_mut(index) else {
            return;
        };
        let delivery = match group {
            Some(open) => match open.push(delivery, tag) {
                Ok(()) => return,
                Err(delivery) => delivery,
            },
            None => delivery,
        };
        *group = Some(self.reports.begin(delivery, tag));
    }
}

/// Makes a writer to `topic`.
///
/// The writer belongs to the caller: free it with levada_writer_free(). LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_writer_new(
    producer: Handle<levada_producer>,
    topic: Text,
    out_writer: Made<levada_writer>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let producer = producer.get()?;
        let out = out_writer.get("out_writer")?;
        let writer = levada_writer::new(&producer, topic.get("topic")?)?;
        out.set(handle::make(writer));
        Ok(())
    })
}

/// Frees a writer. What it sent is delivered all the same. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_writer_free(writer: Handle<levada_writer>) {
    // A panic is logged by the hook.
    let _ = guard(|| {
        drop(writer.free());
        Ok(())
    });
}

/// Sends one record, as levada_producer_send() does. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_writer_send(
    writer: Handle<levada_writer>,
    partition: i32,
    key: Data,
    key_size: usize,
    value: Data,
    value_size: usize,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let writer = writer.glance()?;
        let message = Message {
            partition: partition_of(partition)?,
            key: key.get(key_size, "key")?,
            value: value.get(value_size, "value")?,
            ..Message::default()
        };
        writer.send(message).map(drop)
    })
}

/// A record with everything it may have.
fn record<T>(
    partition: i32,
    timestamp_ms: i64,
    headers: View<levada_headers>,
    (key, key_size): (Data, usize),
    (value, value_size): (Data, usize),
    send: impl FnOnce(Message<'_>) -> Result<T>,
) -> Result<T> {
    let message = Message {
        partition: partition_of(partition)?,
        timestamp: timestamp_of(timestamp_ms)?,
        key: key.get(key_size, "key")?,
        value: value.get(value_size, "value")?,
        headers: &[],
    };
    match headers.get_optional()? {
        None => send(message),
        Some(list) => list.with(|headers: &Pairs<'_>| send(Message { headers, ..message })),
    }
}

/// Sends one record with a timestamp (or LEVADA_TIMESTAMP_NOW) and headers (or NULL; they are copied), and
/// has it reported on: `tag` comes back with its outcome, in the delivery callback or from
/// levada_producer_poll(). A record that this call refuses is not reported on.
///
/// As levada_producer_send(). LEVADA_UNAVAILABLE: a million reports wait to be polled. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_writer_send_record(
    writer: Handle<levada_writer>,
    partition: i32,
    timestamp_ms: i64,
    headers: View<levada_headers>,
    key: Data,
    key_size: usize,
    value: Data,
    value_size: usize,
    tag: *mut std::ffi::c_void,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let writer = writer.glance()?;
        writer.reports.check_room()?;
        let (key, value) = ((key, key_size), (value, value_size));
        let delivery = record(partition, timestamp_ms, headers, key, value, |m| {
            writer.send(m)
        })?;
        writer.report(delivery, UserData(tag));
        Ok(())
    })
}

/// The same with a delivery to wait for instead of a report.
///
/// The delivery belongs to the caller: free it with levada_delivery_free(), at any time; the record is
/// delivered all the same. As levada_producer_send(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_writer_send_tracked(
    writer: Handle<levada_writer>,
    partition: i32,
    timestamp_ms: i64,
    headers: View<levada_headers>,
    key: Data,
    key_size: usize,
    value: Data,
    value_size: usize,
    out_delivery: Made<levada_delivery>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let writer = writer.glance()?;
        let out = out_delivery.get("out_delivery")?;
        let (key, value) = ((key, key_size), (value, value_size));
        let delivery = record(partition, timestamp_ms, headers, key, value, |m| {
            writer.send(m)
        })?;
        out.set(handle::make(levada_delivery::One(delivery)));
        Ok(())
    })
}

/// The records of one call, as its arrays say them.
struct Rows<'a> {
    partition: Option<i32>,
    keys: Option<(&'a [Data], &'a [usize])>,
    values: &'a [Data],
    value_sizes: &'a [usize],
    timestamps: Option<&'a [i64]>,
}

impl Rows<'_> {
    /// `None` beyond the end.
    fn get(&self, at: usize) -> Option<Result<Message<'_>>> {
        let value = self.values.get(at).zip(self.value_sizes.get(at))?;
        let key = self
            .keys
            .and_then(|(keys, sizes)| keys.get(at).zip(sizes.get(at)));
        let ms = self.timestamps.and_then(|t| t.get(at));
        Some(self.message(key, value, ms.copied().unwrap_or(LEVADA_TIMESTAMP_NOW)))
    }

    fn message<'a>(
        &self,
        key: Option<(&'a Data, &usize)>,
        (value, value_size): (&'a Data, &usize),
        timestamp_ms: i64,
    ) -> Result<Message<'a>> {
        Ok(Message {
            partition: self.partition,
            key: match key {
                Some((key, size)) => key.get(*size, "the key")?,
                None => None,
            },
            value: value.get(*value_size, "the value")?,
            timestamp: timestamp_of(timestamp_ms)?,
            headers: &[],
        })
    }

    /// Sends one after the other until one fails; `bulk` has those that were sent.
    fn send(&self, writer: &levada_writer, bulk: &mut Bulk) -> Result<()> {
        while let Some(message) = self.get(bulk.len()) {
            let sent = message.and_then(|message| writer.send(message));
            bulk.add(sent.map_err(|e| e.at(format_args!("record {}", bulk.len())))?);
        }
        Ok(())
    }
}

/// Sends `count` records in one call: `values[i]` has `value_sizes[i]` bytes, and so have the keys, which
/// may be NULL for none; a NULL entry with size 0 is null. `timestamps`, or NULL for now, are milliseconds.
/// Everything is copied.
///
/// `out_sent`, when not NULL, gets how many were sent, also when this fails: the next one is at fault, and the
/// rest was not looked at. `out_delivery`,
/// when not NULL, gets one delivery for all, which belongs to the caller: free it with
/// levada_delivery_free(). As levada_producer_send(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_writer_send_many(
    writer: Handle<levada_writer>,
    partition: i32,
    count: usize,
    keys: Array<Data>,
    key_sizes: Array<usize>,
    values: Array<Data>,
    value_sizes: Array<usize>,
    timestamps: Array<i64>,
    out_delivery: Made<levada_delivery>,
    out_sent: Out<usize>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let mut bulk = Bulk::default();
        let mut many = || {
            let writer = writer.glance()?;
            let keys = keys.get_optional(count, "keys")?;
            let key_sizes = |keys| Ok::<_, Error>((keys, key_sizes.get(count, "key_sizes")?));
            let rows = Rows {
                partition: partition_of(partition)?,
                keys: keys.map(key_sizes).transpose()?,
                values: values.get(count, "values")?,
                value_sizes: value_sizes.get(count, "value_sizes")?,
                timestamps: timestamps.get_optional(count, "timestamps")?,
            };
            rows.send(writer, &mut bulk)
        };
        let outcome = many();
        if let Some(out) = out_sent.get_optional() {
            out.set(bulk.len());
        }
        outcome?;
        if let Some(out) = out_delivery.get_optional() {
            out.set(handle::make(levada_delivery::Many(bulk)));
        }
        Ok(())
    })
}
