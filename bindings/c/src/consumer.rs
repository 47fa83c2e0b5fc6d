//! The consumer: what it reads, polling, closing.

use std::ffi::c_void;

use levada::embedded::{Consumer, ConsumerOptions};
use levada::types::{Offset, TopicPartition};
use levada::{Error, Result};

use crate::arg::{Made, Text, Texts, timeout};
use crate::arrow::{self, Stream};
use crate::batch::levada_batch;
use crate::database::levada_database;
use crate::enter::{call, guard};
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::log::UserData;
use crate::positions::{LEVADA_OFFSET_NONE, levada_positions};
use crate::status::levada_status;

/// Reads records from partitions that it was assigned, or that its group gives it. One call at a time: a
/// second thread gets LEVADA_CONFLICT, but for levada_consumer_wakeup(), levada_consumer_close() and
/// levada_consumer_free(). Close it with levada_consumer_close(), free it with levada_consumer_free().
pub struct levada_consumer {
    consumer: Consumer,
}

kinds! { levada_consumer "consumer" 17; }

impl levada_consumer {
    pub fn inner(&self) -> &Consumer {
        &self.consumer
    }
}

/// Makes a consumer that reads nothing yet: subscribe or assign. `options` are keys and values in turns,
/// closed by NULL, or NULL: Kafka's consumer settings (`"group.id"`, `"auto.offset.reset"`,
/// `"enable.auto.commit"`, `"isolation.level"`, `"max.poll.records"`).
///
/// The consumer belongs to the caller: free it with levada_consumer_free(). LEVADA_INVALID: a bad setting.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_new(
    database: Handle<levada_database>,
    options: Texts,
    out_consumer: Made<levada_consumer>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_consumer.get("out_consumer")?;
        let now = database.inner().engine().clock().now();
        let options = ConsumerOptions::from_settings(&options.settings("options")?, now)?;
        let consumer = database.inner().consumer(options)?;
        out.set(handle::make(levada_consumer { consumer }));
        Ok(())
    })
}

/// Reads these topics, an array closed by NULL: with a group its share of them, without one all partitions.
/// Replaces what was read before. Topics that are not there yet are read once they are.
///
/// LEVADA_INVALID: a bad name, or none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_subscribe(
    consumer: Handle<levada_consumer>,
    topics: Texts,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let topics = topics.list("topics")?;
        if topics.is_empty() {
            return Err(Error::invalid(
                "topics names none: name one, or unsubscribe",
            ));
        }
        consumer.consumer.subscribe(&topics)
    })
}

/// Reads every topic whose whole name matches a regular expression, new ones too.
///
/// LEVADA_INVALID: not a regular expression. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_subscribe_pattern(
    consumer: Handle<levada_consumer>,
    pattern: Text,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        consumer.consumer.subscribe_pattern(pattern.get("pattern")?)
    })
}

/// Gives up what was assigned or subscribed, and leaves the group.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_unsubscribe(
    consumer: Handle<levada_consumer>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || consumer.get()?.consumer.unsubscribe())
}

/// Reads these partitions, all of them and alone: no group shares them out. Each begins at its offset; with
/// LEVADA_OFFSET_NONE where the group has committed, or as `auto.offset.reset` says. Replaces what was read
/// before; partitions that stay and name no offset go on where they are.
///
/// LEVADA_NOT_FOUND: no such partition; everything is as before. LEVADA_OUT_OF_RANGE: an offset outside of
/// the log; the partitions are assigned. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_assign(
    consumer: Handle<levada_consumer>,
    partitions: View<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let list = partitions.get()?;
        consumer.consumer.assign(&list.names())?;
        for (name, offset) in list.offsets() {
            consumer.consumer.seek(&name, offset)?;
        }
        Ok(())
    })
}

/// The partitions that are read now, each with the offset of the next record that a poll gives.
///
/// The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_assignment(
    consumer: Handle<levada_consumer>,
    out_positions: Made<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let out = out_positions.get("out_positions")?;
        let names = consumer.consumer.assignment()?;
        let row = |name| {
            // One that does not know where to begin yet has none.
            let offset = consumer.consumer.position(&name);
            (name, offset.map_or(LEVADA_OFFSET_NONE, Offset::get))
        };
        let rows: Vec<_> = names.into_iter().map(row).collect();
        out.set(handle::make(levada_positions::new(rows)));
        Ok(())
    })
}

/// Takes up to `records_max` records (0: `max.poll.records`) as soon as there are some. `out_batch` gets NULL
/// when none came in time, or another thread woke the consumer. Records of a partition come in order. A
/// member of a group must poll at least every `max.poll.interval.ms`.
///
/// With `enable.auto.commit` a poll commits what earlier polls gave: deal with a batch before the next poll.
///
/// The batch belongs to the caller: free it with levada_batch_free(), on any thread, also after the consumer.
/// LEVADA_OUT_OF_RANGE: with `auto.offset.reset=none`. LEVADA_CORRUPT. LEVADA_CONFLICT: another thread is in
/// a call, or, once, the group has put this member out because it did not poll. LEVADA_INVALID: nothing is
/// subscribed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_poll(
    consumer: Handle<levada_consumer>,
    records_max: usize,
    timeout_ms: i64,
    out_batch: Made<levada_batch>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let out = out_batch.get("out_batch")?;
        let records_max = (records_max > 0).then_some(records_max);
        let polled = consumer.consumer.poll(records_max, timeout(timeout_ms))?;
        out.set(match polled.is_empty() {
            true => std::ptr::null_mut(),
            false => handle::make(levada_batch::new(polled)),
        });
        Ok(())
    })
}

/// The same as an Arrow stream of about `bytes_max` bytes (0: `fetch.max.bytes`), one record batch a partition;
/// without records when none came in time. Values are not copied where they lie uncompressed. Columns:
/// `topic` (when the consumer reads several), `partition`, `offset`, `timestamp`, `key`, `value`, `headers`.
/// `layout` is one of levada_layout.
///
/// The stream belongs to the caller: call its `release`. As levada_consumer_poll(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_poll_arrow(
    consumer: Handle<levada_consumer>,
    bytes_max: usize,
    timeout_ms: i64,
    layout: i32,
    out_stream: Stream,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let bytes_max = (bytes_max > 0).then_some(bytes_max);
        arrow::poll(
            &consumer.consumer,
            bytes_max,
            timeout(timeout_ms),
            layout,
            &out_stream,
        )
    })
}

/// Makes a poll that waits, or the next one that would, return at once without records. From any thread. NULL
/// does nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_wakeup(consumer: Handle<levada_consumer>) {
    // A panic is logged by the hook.
    let _ = guard(|| {
        consumer.get()?.consumer.wakeup();
        Ok(())
    });
}

/// Called once when a poll may find something, on any thread, also within the call that leaves it: only tell an
/// event loop.
pub type levada_ready_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Has `callback` called once, with `user_data`, when a poll may find something: records, a change in the
/// group, a wake-up; at the latest when the consumer is closed or freed. For event loops: poll without waiting,
/// and if that gives nothing, leave a callback and come back. Poll at least every second in a group, and where
/// subscribed topics have yet to be made.
///
/// LEVADA_INVALID: no callback. LEVADA_CONFLICT: another thread is in a call. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_on_ready(
    consumer: Handle<levada_consumer>,
    callback: levada_ready_callback,
    user_data: *mut c_void,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let callback = callback.ok_or_else(|| Error::invalid("callback is NULL"))?;
        let user_data = UserData(user_data);
        consumer.consumer.on_ready(Box::new(move || {
            let user_data = user_data;
            // SAFETY: the program gave the function for this one call.
            unsafe { callback(user_data.0) }
        }))
    })
}

/// Commits where the consumer stands (with `enable.auto.commit`), leaves the group and ends; later calls give
/// LEVADA_CLOSED. Wakes and waits for a call under way in another thread. A second close does nothing. Batches
/// stay valid.
///
/// LEVADA_TIMEOUT: the commit. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_close(
    consumer: Handle<levada_consumer>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || consumer.get()?.consumer.close())
}

/// Frees a consumer. One that was not closed leaves its group without a commit. NULL and a second time do
/// nothing. Batches stay valid.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_free(consumer: Handle<levada_consumer>) {
    // A panic is logged by the hook.
    let _ = guard(|| {
        if let Some(consumer) = consumer.free() {
            // A call under way in another thread holds it until it ends.
            consumer.consumer.wakeup();
        }
        Ok(())
    });
}

/// Calls `these` for what the list names, `all` for NULL.
fn for_these_or_all(
    consumer: &Handle<levada_consumer>,
    partitions: View<levada_positions>,
    out_error: Made<levada_error>,
    these: fn(&Consumer, &[TopicPartition]) -> Result<()>,
    all: fn(&Consumer) -> Result<()>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        match partitions.get_optional()? {
            Some(list) => these(&consumer.consumer, &list.names()),
            None => all(&consumer.consumer),
        }
    })
}

/// Gives no records of these partitions until levada_consumer_resume(); NULL is all.
///
/// LEVADA_NOT_FOUND: one is not this consumer's. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_pause(
    consumer: Handle<levada_consumer>,
    partitions: View<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    let (these, all) = (Consumer::pause, Consumer::pause_all);
    for_these_or_all(&consumer, partitions, out_error, these, all)
}

/// Gives records of these partitions again; NULL is all.
///
/// LEVADA_NOT_FOUND: one is not this consumer's. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_resume(
    consumer: Handle<levada_consumer>,
    partitions: View<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    let (these, all) = (Consumer::resume, Consumer::resume_all);
    for_these_or_all(&consumer, partitions, out_error, these, all)
}
