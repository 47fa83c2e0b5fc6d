//! Lists of topic, partition and offset, which consumers, transactions and groups take and give.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char};

use levada::embedded::OffsetCommit;
use levada::sync::Mutex;
use levada::types::{Offset, TopicPartition};
use levada::{Error, Result};

use crate::arg::{Made, Text, c_string};
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::status::levada_status;

/// Stands for "no offset".
pub const LEVADA_OFFSET_NONE: i64 = -1;

/// A list of partitions, each with a topic, a number and an offset (or LEVADA_OFFSET_NONE).
///
/// Free it with levada_positions_free(). One thread at a time adds; any may read meanwhile.
pub struct levada_positions {
    rows: Mutex<Vec<Row>>,
}

struct Row {
    /// Borrowed by C until the list is freed: it stays where it is when the list grows.
    topic: CString,
    partition: i32,
    offset: i64,
}

kinds! { levada_positions "positions" 5; }

impl levada_positions {
    pub fn new(rows: impl IntoIterator<Item = (TopicPartition, i64)>) -> levada_positions {
        let row = |(name, offset): (TopicPartition, i64)| Row {
            topic: c_string(&name.topic),
            partition: name.partition,
            offset,
        };
        levada_positions {
            rows: Mutex::new(rows.into_iter().map(row).collect()),
        }
    }

    pub fn rows(&self) -> Vec<(TopicPartition, i64)> {
        let rows = self.rows.lock();
        let row = |row: &Row| {
            let topic = row.topic.to_string_lossy();
            (TopicPartition::new(&*topic, row.partition), row.offset)
        };
        rows.iter().map(row).collect()
    }

    pub fn names(&self) -> Vec<TopicPartition> {
        self.rows().into_iter().map(|(name, _)| name).collect()
    }

    /// The offsets of those that have one.
    pub fn offsets(&self) -> BTreeMap<TopicPartition, Offset> {
        let rows = self
            .rows()
            .into_iter()
            .filter(|(_, offset)| *offset != LEVADA_OFFSET_NONE);
        rows.map(|(name, offset)| (name, Offset(offset))).collect()
    }

    /// For a commit: each needs an offset.
    pub fn commits(&self) -> Result<Vec<OffsetCommit>> {
        let commit = |(name, offset): (TopicPartition, i64)| match offset {
            0.. => Ok(OffsetCommit::new(
                name.topic,
                name.partition,
                Offset(offset),
            )),
            _ => Err(Error::invalid(format!(
                "{name}: offset {offset} cannot be committed: give one from 0 on"
            ))),
        };
        self.rows().into_iter().map(commit).collect()
    }

    fn read<T>(&self, index: usize, read: impl FnOnce(&Row) -> T) -> Option<T> {
        self.rows.lock().get(index).map(read)
    }
}

/// Makes an empty list.
///
/// The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_new(
    out_positions: Made<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let out = out_positions.get("out_positions")?;
        out.set(handle::make(levada_positions::new([])));
        Ok(())
    })
}

/// Adds a partition at the end. `topic` is copied; `offset` may be LEVADA_OFFSET_NONE.
///
/// LEVADA_INVALID: a negative partition, an offset below LEVADA_OFFSET_NONE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_add(
    positions: Handle<levada_positions>,
    topic: Text,
    partition: i32,
    offset: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let list = positions.get()?;
        let topic = topic.get("topic")?;
        if partition < 0 {
            return Err(Error::invalid(format!("partition {partition} is negative")));
        }
        if offset < LEVADA_OFFSET_NONE {
            return Err(Error::invalid(format!("offset {offset} is negative")));
        }
        let row = Row {
            topic: c_string(topic),
            partition,
            offset,
        };
        list.rows.lock().push(row);
        Ok(())
    })
}

/// How many partitions the list has.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_count(positions: View<levada_positions>) -> usize {
    positions.get().map_or(0, |p| p.rows.lock().len())
}

/// The topic at `index`, from 0 on; NULL beyond the end.
///
/// Borrowed: valid until `positions` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_topic(
    positions: View<levada_positions>,
    index: usize,
) -> *const c_char {
    let topic = positions
        .get()
        .ok()
        .and_then(|p| p.read(index, |row| row.topic.as_ptr()));
    topic.unwrap_or(std::ptr::null())
}

/// The partition at `index`; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_partition(
    positions: View<levada_positions>,
    index: usize,
) -> i32 {
    let partition = positions
        .get()
        .ok()
        .and_then(|p| p.read(index, |row| row.partition));
    partition.unwrap_or(-1)
}

/// The offset at `index`, which may be LEVADA_OFFSET_NONE, as it is beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_offset(positions: View<levada_positions>, index: usize) -> i64 {
    let offset = positions
        .get()
        .ok()
        .and_then(|p| p.read(index, |row| row.offset));
    offset.unwrap_or(LEVADA_OFFSET_NONE)
}

/// Frees a list. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_positions_free(positions: Handle<levada_positions>) {
    drop(positions.free());
}
