//! Polled records, read in place.
//!
//! A batch holds the bytes that were read, or decompressed, and where each record lies in them. Looking at a
//! record costs a comparison of the handle's tag and a little arithmetic; columns are made at the first call
//! of each and cost one pass.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, OnceLock};

use levada::embedded::{PolledBatch, RecordView};
use levada::{Error, Result};

use crate::arg::{Out, c_string};
use crate::enter::look;
use crate::handle::{Handle, View, kinds};

/// Records that a poll gave. Read them by their index, from 0 to levada_batch_count(), or as columns. Any
/// number of threads may read one. Free it with levada_batch_free(), also after the consumer or the database.
///
/// Pointers into a batch are valid until it is freed. The calls that take a batch do not look it up among all
/// handles: hand in one that is not freed before the call has ended.
pub struct levada_batch {
    /// Never empty, and none of them is.
    parts: Vec<Part>,
    count: usize,
    offsets: OnceLock<Vec<i64>>,
    timestamps: OnceLock<Vec<i64>>,
    partitions: OnceLock<Vec<i32>>,
    keys: OnceLock<Column>,
    values: OnceLock<Column>,
}

/// The records of one batch of a partition.
struct Part {
    /// Records of the parts before it.
    before: usize,
    /// The parts of one topic share it.
    topic: Arc<CString>,
    batch: PolledBatch,
}

/// Pointers into the payloads of the parts, which live as long as the batch.
struct Column {
    pointers: Vec<*const c_void>,
    sizes: Vec<usize>,
}

// SAFETY: the pointers lead to bytes that nobody writes and that live as long as the batch.
unsafe impl Send for Column {}
// SAFETY: as above.
unsafe impl Sync for Column {}

kinds! { levada_batch "batch" 19; }

impl levada_batch {
    pub fn new(polled: Vec<PolledBatch>) -> levada_batch {
        let mut count = 0;
        let mut topics = BTreeMap::new();
        let part = |batch: PolledBatch| {
            let before = count;
            count += batch.len();
            let name = batch.topic_partition().topic.clone();
            let topic = topics
                .entry(name)
                .or_insert_with_key(|name| Arc::new(c_string(name)));
            Part {
                before,
                topic: topic.clone(),
                batch,
            }
        };
        let parts = polled.into_iter().map(part).collect();
        levada_batch {
            parts,
            count,
            offsets: OnceLock::new(),
            timestamps: OnceLock::new(),
            partitions: OnceLock::new(),
            keys: OnceLock::new(),
            values: OnceLock::new(),
        }
    }

    /// The part that holds the record at `index`; `None` beyond the end.
    #[inline]
    fn part(&self, index: usize) -> Option<&Part> {
        if index >= self.count {
            return None;
        }
        let behind = match self.parts.as_slice() {
            [_] => 1,
            parts => parts.partition_point(|p| p.before <= index),
        };
        self.parts.get(behind.checked_sub(1)?)
    }

    #[inline]
    fn record(&self, index: usize) -> Option<RecordView<'_>> {
        let part = self.part(index)?;
        part.batch.get(index - part.before)
    }

    fn records(&self) -> impl Iterator<Item = RecordView<'_>> {
        self.parts.iter().flat_map(|part| part.batch.iter())
    }

    fn column<'a>(&'a self, cell: impl Fn(RecordView<'a>) -> Option<&'a [u8]>) -> Column {
        let mut column = Column {
            pointers: Vec::with_capacity(self.count),
            sizes: Vec::with_capacity(self.count),
        };
        for record in self.records() {
            let bytes = cell(record);
            column.pointers.push(pointer(bytes));
            column.sizes.push(bytes.map_or(0, <[u8]>::len));
        }
        column
    }

    fn keys(&self) -> &Column {
        self.keys.get_or_init(|| self.column(|record| record.key))
    }

    fn values(&self) -> &Column {
        self.values
            .get_or_init(|| self.column(|record| record.value))
    }
}

/// NULL is null; empty bytes have an address.
#[inline]
fn pointer(bytes: Option<&[u8]>) -> *const c_void {
    bytes.map_or(std::ptr::null(), |b| b.as_ptr().cast())
}

#[cold]
fn beyond() -> Error {
    Error::invalid("index is beyond the end")
}

#[inline]
fn give(bytes: Option<&[u8]>, out_size: &Out<usize>) -> *const c_void {
    if let Some(out) = out_size.get_optional() {
        out.set(bytes.map_or(0, <[u8]>::len));
    }
    pointer(bytes)
}

#[inline]
fn of<T>(
    batch: View<levada_batch>,
    index: usize,
    otherwise: T,
    read: impl FnOnce(RecordView<'_>) -> Result<T>,
) -> T {
    look(otherwise, || {
        read(batch.glance()?.record(index).ok_or_else(beyond)?)
    })
}

/// How many records the batch has: 1 at least.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_count(batch: View<levada_batch>) -> usize {
    look(0, || Ok(batch.glance()?.count))
}

/// The topic of the record at `index`; NULL beyond the end. Within a batch the same topic is the same pointer.
///
/// Borrowed: valid until `batch` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_topic(batch: View<levada_batch>, index: usize) -> *const c_char {
    look(std::ptr::null(), || {
        let batch = batch.glance()?;
        let part = batch.part(index);
        Ok(part.ok_or_else(beyond)?.topic.as_ptr())
    })
}

/// The partition of the record at `index`; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_partition(batch: View<levada_batch>, index: usize) -> i32 {
    look(-1, || {
        let batch = batch.glance()?;
        let part = batch.part(index);
        Ok(part.ok_or_else(beyond)?.batch.topic_partition().partition)
    })
}

/// The offset of the record at `index`; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_offset(batch: View<levada_batch>, index: usize) -> i64 {
    of(batch, index, -1, |record| Ok(record.offset.get()))
}

/// The timestamp of the record at `index`, in milliseconds since 1970 UTC; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_timestamp(batch: View<levada_batch>, index: usize) -> i64 {
    of(batch, index, -1, |record| Ok(record.timestamp.get()))
}

/// The key of the record at `index`, and its size where `out_size`, when not NULL, points to. NULL is null (no
/// key), and also what is given beyond the end.
///
/// Borrowed: valid until `batch` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_key(
    batch: View<levada_batch>,
    index: usize,
    out_size: Out<usize>,
) -> *const c_void {
    of(batch, index, std::ptr::null(), |record| {
        Ok(give(record.key, &out_size))
    })
}

/// The value of the record at `index`, and its size where `out_size`, when not NULL, points to. NULL is null (a
/// tombstone), and also what is given beyond the end.
///
/// Borrowed: valid until `batch` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_value(
    batch: View<levada_batch>,
    index: usize,
    out_size: Out<usize>,
) -> *const c_void {
    of(batch, index, std::ptr::null(), |record| {
        Ok(give(record.value, &out_size))
    })
}

/// How many headers the record at `index` has.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_header_count(batch: View<levada_batch>, index: usize) -> usize {
    of(batch, index, 0, |record| Ok(record.headers.len()))
}

/// The name of a header of the record at `index`, `header` counted from 0 on, and its size where `out_size`,
/// when not NULL, points to. Any bytes, without a closing NUL. NULL beyond the end.
///
/// Borrowed: valid until `batch` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_header_name(
    batch: View<levada_batch>,
    index: usize,
    header: usize,
    out_size: Out<usize>,
) -> *const c_char {
    of(batch, index, std::ptr::null(), |record| {
        let found = record.headers.iter().nth(header).ok_or_else(beyond)?;
        Ok(give(Some(found.key), &out_size).cast())
    })
}

/// The value of a header, and its size where `out_size`, when not NULL, points to. NULL is null, and also what
/// is given beyond the end.
///
/// Borrowed: valid until `batch` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_header_value(
    batch: View<levada_batch>,
    index: usize,
    header: usize,
    out_size: Out<usize>,
) -> *const c_void {
    of(batch, index, std::ptr::null(), |record| {
        let found = record.headers.iter().nth(header).ok_or_else(beyond)?;
        Ok(give(found.value, &out_size))
    })
}

/// The offsets of all records, an array of levada_batch_count().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_offsets(batch: View<levada_batch>) -> *const i64 {
    look(std::ptr::null(), || {
        let batch = batch.glance()?;
        let made = || batch.records().map(|r| r.offset.get()).collect();
        Ok(batch.offsets.get_or_init(made).as_ptr())
    })
}

/// The timestamps of all records in milliseconds, an array of levada_batch_count().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_timestamps(batch: View<levada_batch>) -> *const i64 {
    look(std::ptr::null(), || {
        let batch = batch.glance()?;
        let made = || batch.records().map(|r| r.timestamp.get()).collect();
        Ok(batch.timestamps.get_or_init(made).as_ptr())
    })
}

/// The partitions of all records, an array of levada_batch_count().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_partitions(batch: View<levada_batch>) -> *const i32 {
    look(std::ptr::null(), || {
        let batch = batch.glance()?;
        let of_part =
            |p: &Part| std::iter::repeat_n(p.batch.topic_partition().partition, p.batch.len());
        let made = || batch.parts.iter().flat_map(of_part).collect();
        Ok(batch.partitions.get_or_init(made).as_ptr())
    })
}

/// Pointers to the keys of all records, an array of levada_batch_count(); NULL is null. Their sizes are in
/// levada_batch_key_sizes().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_keys(batch: View<levada_batch>) -> *const *const c_void {
    look(std::ptr::null(), || {
        Ok(batch.glance()?.keys().pointers.as_ptr())
    })
}

/// The sizes of the keys of all records, an array of levada_batch_count().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_key_sizes(batch: View<levada_batch>) -> *const usize {
    look(std::ptr::null(), || {
        Ok(batch.glance()?.keys().sizes.as_ptr())
    })
}

/// Pointers to the values of all records, an array of levada_batch_count(); NULL is null. Their sizes are in
/// levada_batch_value_sizes().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_values(batch: View<levada_batch>) -> *const *const c_void {
    look(std::ptr::null(), || {
        Ok(batch.glance()?.values().pointers.as_ptr())
    })
}

/// The sizes of the values of all records, an array of levada_batch_count().
///
/// Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_value_sizes(batch: View<levada_batch>) -> *const usize {
    look(std::ptr::null(), || {
        Ok(batch.glance()?.values().sizes.as_ptr())
    })
}

/// Frees a batch, and lets go of the bytes that it holds. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_batch_free(batch: Handle<levada_batch>) {
    drop(batch.free());
}
