//! Topics: making, describing, changing, removing.

use std::ffi::{CString, c_char};

use levada::Result;
use levada::config::{Scope, Source, check_topic_name, effective, is_internal_topic};
use levada::embedded::{ConfigOp, NewTopic, TopicHandle};
use levada::types::{Offset, Timestamp};

use crate::arg::{Made, Out, Text, Texts, c_string};
use crate::database::levada_database;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::positions::LEVADA_OFFSET_NONE;
use crate::status::levada_status;
use crate::text::{levada_names, levada_settings};

/// A topic as it was at one moment. Free it with levada_topic_free().
pub struct levada_topic {
    name: CString,
    id: CString,
    created: i64,
    internal: bool,
    partitions: Vec<Partition>,
}

struct Partition {
    start: i64,
    visible: i64,
    durable: i64,
    bytes: i64,
}

kinds! { levada_topic "topic" 8; }

impl levada_topic {
    fn read(topic: &TopicHandle) -> Result<levada_topic> {
        let mut partitions = Vec::with_capacity(topic.partitions().len());
        for handle in topic.partitions() {
            let log = handle.log()?;
            let ends = log.ends();
            partitions.push(Partition {
                start: ends.log_start.get(),
                visible: ends.visible.get(),
                durable: ends.durable.get(),
                bytes: i64::try_from(log.size_bytes()).unwrap_or(i64::MAX),
            });
        }
        Ok(levada_topic {
            name: c_string(topic.name()),
            id: c_string(&topic.id().to_string()),
            created: topic.created().get(),
            internal: is_internal_topic(topic.name()),
            partitions,
        })
    }
}

/// Makes a topic with so many partitions, durable when this returns. `settings` are topic settings under
/// Kafka's names, keys and values in turns, closed by NULL, or NULL: `"levada.durability"` is `"disk"` (an
/// acknowledged record survives a power cut; the default) or `"cache"` (it survives a crash of the process).
///
/// LEVADA_EXISTS; LEVADA_INVALID: a bad name, number or setting. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_create(
    database: Handle<levada_database>,
    topic: Text,
    partitions: i32,
    settings: Texts,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let mut new = NewTopic::new(topic.get("topic")?, partitions);
        new.config = settings.pairs("settings")?;
        database.inner().engine().create_topic(&new).map(drop)
    })
}

/// Deletes a topic with its records and its archive files.
///
/// LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_delete(
    database: Handle<levada_database>,
    topic: Text,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        database.inner().engine().delete_topic(topic.get("topic")?)
    })
}

/// Names the topics, sorted; with `include_internal` also those that the engine keeps for itself
/// (`__consumer_offsets`, `__transaction_state`).
///
/// The names belong to the caller: free them with levada_names_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_list(
    database: Handle<levada_database>,
    include_internal: bool,
    out_names: Made<levada_names>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_names.get("out_names")?;
        let topics = database.inner().engine().topics()?;
        let shown = topics.iter().map(|t| t.name());
        let mut names: Vec<_> = shown
            .filter(|name| include_internal || !is_internal_topic(name))
            .collect();
        names.sort();
        out.set(handle::make(names.into_iter().collect::<levada_names>()));
        Ok(())
    })
}

/// Describes a topic as it is now. Opens its partitions.
///
/// The description belongs to the caller: free it with levada_topic_free(). LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_describe(
    database: Handle<levada_database>,
    topic: Text,
    out_topic: Made<levada_topic>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_topic.get("out_topic")?;
        let name = topic.get("topic")?;
        check_topic_name(name)?;
        let found = database.inner().engine().topic(name)?;
        out.set(handle::make(levada_topic::read(&found)?));
        Ok(())
    })
}

fn of<T>(topic: View<levada_topic>, otherwise: T, read: impl FnOnce(&levada_topic) -> T) -> T {
    topic.get().map_or(otherwise, |t| read(&t))
}

fn of_partition(
    topic: View<levada_topic>,
    partition: i32,
    otherwise: i64,
    read: impl FnOnce(&Partition) -> i64,
) -> i64 {
    of(topic, otherwise, |t| {
        let index = usize::try_from(partition).ok();
        let found = index.and_then(|i| t.partitions.get(i));
        found.map_or(otherwise, read)
    })
}

/// The topic's name.
///
/// Borrowed: valid until `topic` is freed. NULL when `topic` is NULL or freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_name(topic: View<levada_topic>) -> *const c_char {
    of(topic, std::ptr::null(), |t| t.name.as_ptr())
}

/// The topic's id, as Kafka's tools print it (KIP-516): a topic that is made again has another.
///
/// Borrowed: valid until `topic` is freed. NULL when `topic` is NULL or freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_id(topic: View<levada_topic>) -> *const c_char {
    of(topic, std::ptr::null(), |t| t.id.as_ptr())
}

/// When the topic was made, in milliseconds since 1970 UTC; -1 when `topic` is NULL or freed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_created(topic: View<levada_topic>) -> i64 {
    of(topic, -1, |t| t.created)
}

/// Whether the engine keeps the topic for itself.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_is_internal(topic: View<levada_topic>) -> bool {
    of(topic, false, |t| t.internal)
}

/// How many partitions the topic has; they are numbered from 0 on.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_partition_count(topic: View<levada_topic>) -> i32 {
    of(topic, 0, |t| {
        i32::try_from(t.partitions.len()).unwrap_or(i32::MAX)
    })
}

/// The first offset that can be read; LEVADA_OFFSET_NONE for a partition that is not there.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_start_offset(topic: View<levada_topic>, partition: i32) -> i64 {
    of_partition(topic, partition, LEVADA_OFFSET_NONE, |p| p.start)
}

/// The offset behind the last record that consumers see (the high watermark); LEVADA_OFFSET_NONE for a
/// partition that is not there.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_end_offset(topic: View<levada_topic>, partition: i32) -> i64 {
    of_partition(topic, partition, LEVADA_OFFSET_NONE, |p| p.visible)
}

/// The offset behind the last record that is on the disk; LEVADA_OFFSET_NONE for a partition that is not
/// there.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_durable_offset(topic: View<levada_topic>, partition: i32) -> i64 {
    of_partition(topic, partition, LEVADA_OFFSET_NONE, |p| p.durable)
}

/// The bytes of the partition's segments, without its archive; -1 for a partition that is not there.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_size(topic: View<levada_topic>, partition: i32) -> i64 {
    of_partition(topic, partition, -1, |p| p.bytes)
}

/// Frees a description. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_free(topic: Handle<levada_topic>) {
    drop(topic.free());
}

/// As Kafka's tools name the source of a setting.
const fn kafka_name(source: Source) -> &'static str {
    match source {
        Source::Own => "DYNAMIC_TOPIC_CONFIG",
        Source::Broker => "STATIC_BROKER_CONFIG",
        Source::Default => "DEFAULT_CONFIG",
    }
}

/// Every setting of a topic, with the value that counts and where it comes from.
///
/// The settings belong to the caller: free them with levada_settings_free(). LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_settings(
    database: Handle<levada_database>,
    topic: Text,
    out_settings: Made<levada_settings>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_settings.get("out_settings")?;
        let engine = database.inner().engine();
        let topic = engine.topic(topic.get("topic")?)?;
        let entries = effective(Scope::Topic, topic.overrides(), &engine.broker_settings());
        let rows = entries
            .into_iter()
            .map(|e| (e.key.name, e.value, kafka_name(e.source)));
        out.set(handle::make(levada_settings::new(rows)));
        Ok(())
    })
}

/// Changes settings of a topic, all or none, durable when this returns. `set` are keys and values in turns,
/// `reset` the names of settings that go back to their defaults; both are closed by NULL or NULL.
///
/// LEVADA_NOT_FOUND; LEVADA_INVALID: a bad name or value. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_alter(
    database: Handle<levada_database>,
    topic: Text,
    set: Texts,
    reset: Texts,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let topic = topic.get("topic")?;
        let set = set.pairs("set")?.into_iter();
        let mut changes: Vec<_> = set.map(|(k, v)| (k, ConfigOp::Set(v))).collect();
        let reset = reset.list("reset")?.into_iter();
        changes.extend(reset.map(|name| (name.to_owned(), ConfigOp::Delete)));
        database
            .inner()
            .engine()
            .alter_topic(topic, &changes)
            .map(drop)
    })
}

/// Gives a topic more partitions: `total` in all. Records with a key may then go elsewhere than before.
///
/// LEVADA_NOT_FOUND; LEVADA_INVALID: not more than there are. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_add_partitions(
    database: Handle<levada_database>,
    topic: Text,
    total: i32,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let topic = topic.get("topic")?;
        database
            .inner()
            .engine()
            .add_partitions(topic, total)
            .map(drop)
    })
}

/// Finds the first record at or after a moment: `out_offset` gets its offset, LEVADA_OFFSET_NONE when there
/// is none. Archive files are looked through too.
///
/// LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_offset_for_time(
    database: Handle<levada_database>,
    topic: Text,
    partition: i32,
    timestamp_ms: i64,
    out_offset: Out<i64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_offset.get("out_offset")?;
        let topic = topic.get("topic")?;
        let log = database
            .inner()
            .engine()
            .partition(topic, partition)?
            .log()?;
        let found = log.offset_for_time(Timestamp(timestamp_ms))?;
        out.set(found.map_or(LEVADA_OFFSET_NONE, |(offset, _)| offset.get()));
        Ok(())
    })
}

/// Removes the records before `before_offset`; -1 removes all there are. `out_start`, when not NULL, gets
/// the new first offset.
///
/// LEVADA_NOT_FOUND; LEVADA_OUT_OF_RANGE: an offset behind the end. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_topic_delete_records(
    database: Handle<levada_database>,
    topic: Text,
    partition: i32,
    before_offset: i64,
    out_start: Out<i64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let topic = topic.get("topic")?;
        let handle = database.inner().engine().partition(topic, partition)?;
        let before = match before_offset {
            -1 => handle.ends()?.visible,
            negative if negative < 0 => {
                return Err(levada::Error::invalid(format!(
                    "offset {negative} is negative"
                )));
            }
            offset => Offset(offset),
        };
        let start = handle.delete_records(before)?;
        if let Some(out) = out_start.get_optional() {
            out.set(start.get());
        }
        Ok(())
    })
}
