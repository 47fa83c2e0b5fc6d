//! What becomes of a record, for who wants to wait for it.

use levada::Result;
use levada::embedded::{Bulk, Delivery, RecordMetadata};

use crate::arg::{Made, timeout};
use crate::enter::{call, look};
use crate::error::levada_error;
use crate::handle::{Handle, View, kinds};
use crate::status::levada_status;

/// A record on its way, or many. Any thread may wait for it. Free it with levada_delivery_free(): nothing is
/// lost by that.
pub enum levada_delivery {
    /// One record.
    One(Delivery),
    /// All of one call.
    Many(Bulk),
}

kinds! { levada_delivery "delivery" 15; }

impl levada_delivery {
    /// The outcome of the record, or of the last record of the batch that was begun last.
    fn last(&self) -> Option<Result<RecordMetadata>> {
        match self {
            levada_delivery::One(one) => one.get(),
            levada_delivery::Many(bulk) => bulk.deliveries().last()?.get(),
        }
    }

    fn place(&self) -> Option<RecordMetadata> {
        self.last()?.ok()
    }
}

/// Whether the outcome is known. Does not wait.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_delivery_is_done(delivery: View<levada_delivery>) -> bool {
    look(false, || {
        Ok(match &*delivery.get()? {
            levada_delivery::One(one) => one.is_done(),
            levada_delivery::Many(bulk) => bulk.is_done(),
        })
    })
}

/// Waits until the record, or all of them, are delivered: with `levada.durability=disk` they are on the disk
/// then. A record may wait `linger.ms` for others: flush to hurry it.
///
/// LEVADA_TIMEOUT: not known in time. Otherwise why it was not delivered. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_delivery_wait(
    delivery: Handle<levada_delivery>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let time = timeout(timeout_ms);
        match &*delivery.get()? {
            levada_delivery::One(one) => one.wait(time).map(drop),
            levada_delivery::Many(bulk) => bulk.wait(time).map(drop),
        }
    })
}

/// The partition that the record went to; of many, the one of the batch that was begun last. -1 until it is
/// delivered, and when it failed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_delivery_partition(delivery: View<levada_delivery>) -> i32 {
    look(-1, || {
        Ok(delivery
            .get()?
            .place()
            .map_or(-1, |p| p.topic_partition.partition))
    })
}

/// The record's offset; of many, the one of the last record of that batch. -1 until it is delivered, and when
/// it failed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_delivery_offset(delivery: View<levada_delivery>) -> i64 {
    look(-1, || {
        Ok(delivery.get()?.place().map_or(-1, |p| p.offset.get()))
    })
}

/// The record's timestamp in milliseconds since 1970 UTC, its own or the append's (topic setting
/// `message.timestamp.type`). -1 until it is delivered, and when it failed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_delivery_timestamp(delivery: View<levada_delivery>) -> i64 {
    look(-1, || {
        Ok(delivery.get()?.place().map_or(-1, |p| p.timestamp.get()))
    })
}

/// Frees a delivery. The record is delivered all the same. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_delivery_free(delivery: Handle<levada_delivery>) {
    drop(delivery.free());
}
