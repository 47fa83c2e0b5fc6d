//! The stream: partition after partition, each from its first offset to its last.
//!
//! The plan is made of offsets, not of files or segments: each step reads on at the next offset, from
//! whichever holds it at that moment. So segments may move to the archive, and retention may run,
//! without an offset being shown twice or left out.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

use super::cold::ColdRows;
use super::source::ScanSource;
use crate::archive::PartitionArchive;
use crate::archive::arrow::{AbortedRanges, Binary, Columns, ConvertOptions, Converter, Window};
use crate::error::{Error, Kind, Result};
use crate::log::{Ends, Read};
use crate::types::{IsolationLevel, Offset};

/// A record batch is given when it has this many rows, or holds on to this many bytes.
const BATCH_ROWS: usize = 64 << 10;
const BATCH_BYTES: usize = 32 << 20;
/// What is asked of the log at once.
const READ_BYTES: usize = 8 << 20;

/// One partition of a scan.
#[derive(Clone)]
pub struct ScanPart {
    pub partition: i32,
    pub source: Arc<dyn ScanSource>,
    /// Where offsets below the local start are read from directly; without it, through the source.
    pub archive: Option<Arc<PartitionArchive>>,
    /// Bounds by offset, by time, or both.
    pub window: Window,
}

/// What a scan shows.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    pub columns: Columns,
    pub binary: Binary,
    /// `ReadUncommitted` shows records of aborted and open transactions too. Markers are never shown.
    pub isolation: IsolationLevel,
}

/// A stream of record batches. Ends at the offsets that were visible when it was made.
pub struct Scan {
    schema: SchemaRef,
    options: ScanOptions,
    parts: VecDeque<ScanPart>,
    open: Option<OpenPart>,
    /// An error was given: nothing comes after it.
    failed: bool,
}

impl std::fmt::Debug for ScanPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScanPart({}, {:?})", self.partition, self.window)
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scan({} partitions to go)", self.parts.len())
    }
}

struct OpenPart {
    part: ScanPart,
    options: ConvertOptions,
    isolation: IsolationLevel,
    /// Everything below was shown or does not count.
    next: Offset,
    /// An archive file that is being read, and where the archive goes on after it.
    cold: Option<(ColdRows, Offset)>,
}

impl Scan {
    /// Fixes the end of each partition and where time bounds lead.
    pub fn new(mut parts: Vec<ScanPart>, options: ScanOptions) -> Result<Scan> {
        for part in &mut parts {
            let ends = part.source.ends()?;
            let end = end_of(&ends, options.isolation);
            part.window.until = part.window.until.min(end);
            if let Some(from) = part.window.time_from {
                let found = part.source.offset_for_time(from)?;
                let start = found.map_or(part.window.until, |(offset, _)| offset);
                part.window.from = part.window.from.max(start);
            }
        }
        Ok(Scan {
            schema: options.columns.schema(options.binary),
            options,
            parts: parts.into(),
            open: None,
            failed: false,
        })
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next rows; never an empty batch. `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.failed {
            let Some(open) = &mut self.open else {
                let Some(part) = self.parts.pop_front() else {
                    return Ok(None);
                };
                self.open = Some(OpenPart::new(part, &self.options));
                continue;
            };
            match open.next_batch() {
                Ok(Some(batch)) => return Ok(Some(batch)),
                Ok(None) => self.open = None,
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }
}

fn end_of(ends: &Ends, isolation: IsolationLevel) -> Offset {
    match isolation {
        IsolationLevel::ReadUncommitted => ends.visible,
        IsolationLevel::ReadCommitted => ends.last_stable,
    }
}

impl OpenPart {
    fn new(part: ScanPart, options: &ScanOptions) -> OpenPart {
        OpenPart {
            options: ConvertOptions {
                partition: part.partition,
                columns: options.columns.clone(),
                binary: options.binary,
                show_aborted: options.isolation == IsolationLevel::ReadUncommitted,
                show_control: false,
            },
            isolation: options.isolation,
            next: part.window.from,
            cold: None,
            part,
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.next >= self.part.window.until {
                return Ok(None);
            }
            let ends = self.part.source.ends()?;
            // Retention may have been there.
            self.next = self.next.max(ends.log_start);
            let step = match self.next < ends.local_start && self.part.archive.is_some() {
                true => self.cold_step(),
                false => self.live_step(),
            };
            match step {
                Ok(Some(batch)) if batch.num_rows() > 0 => return Ok(Some(batch)),
                Ok(_) => {}
                Err(e) if e.kind() == Kind::OutOfRange && self.retained_away(&ends)? => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Whether the log start moved past what was to be read.
    fn retained_away(&mut self, before: &Ends) -> Result<bool> {
        self.cold = None;
        let now = self.part.source.ends()?.log_start;
        Ok(now > self.next && now > before.log_start)
    }

    fn window(&self) -> Window {
        Window {
            from: self.next,
            ..self.part.window
        }
    }

    /// Rows of an archive file. Moves on in any case.
    fn cold_step(&mut self) -> Result<Option<RecordBatch>> {
        let Some(archive) = &self.part.archive else {
            return Err(Error::internal("a scan without an archive reads from it"));
        };
        let (mut rows, end) = match self.cold.take() {
            Some(cold) => cold,
            None => {
                let Some(entry) = archive.entry_at(self.next) else {
                    return self.live_step();
                };
                let file = archive.file(&entry)?;
                (
                    ColdRows::new(&file, self.window(), &self.options)?,
                    entry.next(),
                )
            }
        };
        match rows.next()? {
            Some((batch, next)) => {
                self.next = next;
                self.cold = Some((rows, end));
                Ok(Some(batch))
            }
            None => {
                self.next = self.next.max(end);
                Ok(None)
            }
        }
    }

    /// Rows of the log: as many chunks as make a batch worth giving.
    fn live_step(&mut self) -> Result<Option<RecordBatch>> {
        self.cold = None;
        let mut converter = Converter::new(self.options.clone());
        while self.next < self.part.window.until
            && converter.rows() < BATCH_ROWS
            && converter.bytes() < BATCH_BYTES
        {
            let read = Read {
                from: self.next,
                max_bytes: READ_BYTES,
                at_least_one: true,
                isolation: self.isolation,
            };
            let chunk = match self.part.source.read(read) {
                Ok(chunk) => chunk,
                // What was gathered is given first; the error comes again.
                Err(_) if converter.rows() > 0 => break,
                Err(e) => return Err(e),
            };
            if chunk.batches.is_empty() {
                // Nothing but a gap up to the end.
                self.next = self.part.window.until;
                break;
            }
            let aborted = AbortedRanges::new(&chunk.aborted);
            match converter.push(&chunk.batches, &aborted, &self.window())? {
                Some(next) if next > self.next => self.next = next,
                _ => self.next = self.part.window.until,
            }
        }
        match converter.rows() {
            0 => Ok(None),
            _ => converter.finish().map(Some),
        }
    }
}

impl Iterator for Scan {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch().transpose()?;
        Some(batch.map_err(|e| ArrowError::ExternalError(Box::new(e))))
    }
}

impl RecordBatchReader for Scan {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
