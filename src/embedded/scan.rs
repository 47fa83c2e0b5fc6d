//! One Arrow stream over archive and live log.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::Database;
use crate::archive::arrow::{Binary, Columns, Window};
use crate::archive::scan::{self, ScanPart, ScanSource};
use crate::engine::PartitionHandle;
use crate::error::{Code, Error, Result};
use crate::log::{Chunk, Ends, Read};
use crate::types::{IsolationLevel, Offset, Timestamp};

/// Where a scan begins or ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bound {
    /// The start, or the end, of each partition at the time of the call.
    #[default]
    Open,
    /// By partition; partitions that are not named are open.
    Offsets(BTreeMap<i32, Offset>),
    Time(Timestamp),
}

/// What to scan.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// `None`: all.
    pub partitions: Option<Vec<i32>>,
    /// Inclusive.
    pub start: Bound,
    /// Exclusive.
    pub end: Bound,
    pub columns: Columns,
    pub binary: Binary,
    /// Read-committed leaves aborted records out and stops at open transactions.
    pub isolation: IsolationLevel,
}

/// The records of a topic as record batches, partition by partition, in offset order: each offset once,
/// also while segments move to the archive meanwhile. The ends are those of the moment of the call.
#[derive(Debug)]
pub struct Scan {
    stream: scan::Scan,
}

impl Database {
    /// Scans a topic. Errors: NotFound (topic, partition), OutOfRange (an offset outside of the log).
    pub fn scan(&self, topic: &str, options: ScanOptions) -> Result<Scan> {
        let handle = self.engine().topic(topic)?;
        let wanted = match &options.partitions {
            Some(numbers) => numbers.clone(),
            None => (0..i32::try_from(handle.partitions().len()).unwrap_or(i32::MAX)).collect(),
        };
        for bound in [&options.start, &options.end] {
            if let Bound::Offsets(offsets) = bound {
                for number in offsets.keys() {
                    self.engine().partition(topic, *number)?;
                }
            }
        }
        let mut parts = Vec::with_capacity(wanted.len());
        for number in wanted {
            parts.push(part(self.engine().partition(topic, number)?, &options)?);
        }
        let options = scan::ScanOptions {
            columns: options.columns,
            binary: options.binary,
            isolation: options.isolation,
        };
        let stream = scan::Scan::new(parts, options)?;
        Ok(Scan { stream })
    }
}

fn part(handle: Arc<PartitionHandle>, options: &ScanOptions) -> Result<ScanPart> {
    let ends = handle.ends()?;
    let end = super::consumer::end_for(&ends, options.isolation);
    let number = handle.name().partition;
    let named = |bound: &Bound| match bound {
        Bound::Offsets(offsets) => offsets.get(&number).copied(),
        _ => None,
    };
    let mut window = Window::offsets(ends.log_start, end);
    if let Some(start) = named(&options.start) {
        if start < ends.log_start || start > end {
            let message = format!(
                "{}: offset {start} is outside of the log, {} to {end}",
                handle.name(),
                ends.log_start
            );
            return Err(Error::coded(Code::OffsetOutOfRange, message));
        }
        window.from = start;
    }
    if let Some(until) = named(&options.end) {
        window.until = until.min(end);
    }
    if let Bound::Time(moment) = options.start {
        window.time_from = Some(moment);
    }
    if let Bound::Time(moment) = options.end {
        window.time_until = Some(moment);
    }
    Ok(ScanPart {
        partition: number,
        archive: handle.archive()?,
        source: handle,
        window,
    })
}

impl ScanSource for PartitionHandle {
    fn ends(&self) -> Result<Ends> {
        PartitionHandle::ends(self)
    }
    fn read(&self, read: Read) -> Result<Chunk> {
        PartitionHandle::read(self, read)
    }
    fn offset_for_time(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        self.log()?.offset_for_time(timestamp)
    }
}

impl Scan {
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

impl Iterator for Scan {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.stream.next_batch().transpose()
    }
}
