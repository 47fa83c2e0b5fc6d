//! A topic as one Arrow stream over archive and live log.

use levada::embedded::Database;
use levada::sync::Mutex;
use levada::{Error, Result};

use crate::arg::{Made, Text, Texts};
use crate::arrow::{self, Stream};
use crate::database::levada_database;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle, kinds};
use crate::status::levada_status;

/// What to read of a topic as Arrow. Set what is wanted, then take a stream, as often as one likes. One thread at
/// a time. Free it with levada_scan_free(); streams may outlive it.
pub struct levada_scan {
    database: Database,
    topic: String,
    wishes: Mutex<Wishes>,
}

kinds! { levada_scan "scan" 20; }

/// What was asked for so far.
#[derive(Clone, Debug)]
pub struct Wishes {
    pub columns: Option<Vec<String>>,
    pub partitions: Option<Vec<i32>>,
    pub from: Limit,
    pub until: Limit,
    pub committed: bool,
    pub layout: i32,
}

/// Where a scan begins or ends: by time when that is said, else by offsets.
#[derive(Clone, Debug, Default)]
pub struct Limit {
    pub offsets: Vec<(i32, i64)>,
    pub time: Option<i64>,
}

impl Limit {
    fn at_offset(&mut self, partition: i32, offset: i64) -> Result<()> {
        if partition < 0 || offset < 0 {
            return Err(Error::invalid(format!(
                "partition {partition}, offset {offset}: both count from 0 on"
            )));
        }
        if self.time.is_some() {
            return Err(both());
        }
        self.offsets.retain(|(known, _)| *known != partition);
        self.offsets.push((partition, offset));
        Ok(())
    }

    fn at_time(&mut self, ms: i64) -> Result<()> {
        if !self.offsets.is_empty() {
            return Err(both());
        }
        self.time = Some(ms);
        Ok(())
    }
}

fn both() -> Error {
    Error::invalid("a scan begins or ends at offsets or at a time, not at both: choose one")
}

fn wish(
    scan: &Handle<levada_scan>,
    out_error: Made<levada_error>,
    change: impl FnOnce(&mut Wishes) -> Result<()>,
) -> levada_status {
    call(out_error, || change(&mut scan.get()?.wishes.lock()))
}

/// Makes a scan of all of a topic: every partition, all columns, from the first record to the end of the moment
/// at which a stream is taken, without records of aborted transactions.
///
/// The scan belongs to the caller: free it with levada_scan_free(). LEVADA_NOT_FOUND. LEVADA_INVALID: this build
/// has no archive. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_new(
    database: Handle<levada_database>,
    topic: Text,
    out_scan: Made<levada_scan>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_scan.get("out_scan")?;
        arrow::check_built_in()?;
        let topic = topic.get("topic")?;
        database.inner().engine().topic(topic)?;
        let wishes = Wishes {
            columns: None,
            partitions: None,
            from: Limit::default(),
            until: Limit::default(),
            committed: true,
            layout: 0,
        };
        out.set(handle::make(levada_scan {
            database: database.inner().clone(),
            topic: topic.to_owned(),
            wishes: Mutex::new(wishes),
        }));
        Ok(())
    })
}

/// Reads these columns alone, an array of names closed by NULL: `"partition"`, `"offset"`, `"timestamp"`,
/// `"key"`, `"value"`, `"headers"` and the facts of batches (see docs/archive-format.md).
///
/// LEVADA_INVALID: none; when a stream is taken: no such column. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_columns(
    scan: Handle<levada_scan>,
    names: Texts,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        let names = names.list("names")?;
        if names.is_empty() {
            return Err(Error::invalid("names has no column: name one at least"));
        }
        wishes.columns = Some(names.into_iter().map(str::to_owned).collect());
        Ok(())
    })
}

/// Reads one partition more; without a call of this all are read.
///
/// LEVADA_NOT_FOUND when a stream is taken: no such partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_partition(
    scan: Handle<levada_scan>,
    partition: i32,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        let chosen = wishes.partitions.get_or_insert_default();
        if !chosen.contains(&partition) {
            chosen.push(partition);
        }
        Ok(())
    })
}

/// Begins a partition at this offset.
///
/// LEVADA_INVALID: negative, or a time was set. LEVADA_OUT_OF_RANGE when a stream is taken. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_from_offset(
    scan: Handle<levada_scan>,
    partition: i32,
    offset: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        wishes.from.at_offset(partition, offset)
    })
}

/// Ends a partition before this offset.
///
/// LEVADA_INVALID: negative, or a time was set. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_until_offset(
    scan: Handle<levada_scan>,
    partition: i32,
    offset: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        wishes.until.at_offset(partition, offset)
    })
}

/// Reads records of this moment and later, in milliseconds since 1970 UTC.
///
/// LEVADA_INVALID: offsets were set. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_from_time(
    scan: Handle<levada_scan>,
    timestamp_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| wishes.from.at_time(timestamp_ms))
}

/// Reads records before this moment alone, in milliseconds since 1970 UTC.
///
/// LEVADA_INVALID: offsets were set. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_until_time(
    scan: Handle<levada_scan>,
    timestamp_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        wishes.until.at_time(timestamp_ms)
    })
}

/// Whether records of transactions that were aborted, or are still open, are left out; they are by default.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_committed(
    scan: Handle<levada_scan>,
    committed: bool,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        wishes.committed = committed;
        Ok(())
    })
}

/// How bytes lie in the columns, one of levada_layout; LEVADA_LAYOUT_VIEW by default.
///
/// LEVADA_INVALID: none of them. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_layout(
    scan: Handle<levada_scan>,
    layout: i32,
    out_error: Made<levada_error>,
) -> levada_status {
    wish(&scan, out_error, |wishes| {
        arrow::check_layout(layout)?;
        wishes.layout = layout;
        Ok(())
    })
}

/// Gives the records as an Arrow stream: partition by partition, in offset order, each offset once, also while
/// segments move to the archive meanwhile. Its batches are read as they are asked for, on any one thread at a
/// time.
///
/// The stream belongs to the caller: call its `release`. LEVADA_INVALID, LEVADA_NOT_FOUND, LEVADA_OUT_OF_RANGE:
/// what was asked for is not there. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_stream(
    scan: Handle<levada_scan>,
    out_stream: Stream,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let scan = scan.get()?;
        let wishes = scan.wishes.lock().clone();
        arrow::scan(&scan.database, &scan.topic, wishes, &out_stream)
    })
}

/// Frees a scan. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_scan_free(scan: Handle<levada_scan>) {
    drop(scan.free());
}
