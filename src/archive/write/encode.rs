//! One row group: batches are opened, checked, turned into columns and encoded. Runs on a worker.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};

use super::super::arrow::{AbortedRanges, Chunked};
use super::plan::{Segment, Stretch};
use super::rows::{ArchiveRows, Flags};
use crate::error::{Error, Result};
use crate::record::BatchView;
use crate::types::{Offset, Timestamp};

/// Rows, or bytes of records, that are encoded in one go.
const ROWS_AT_ONCE: usize = 4096;
const BYTES_AT_ONCE: usize = 4 << 20;

/// What all row groups of a file have in common.
#[derive(Debug)]
pub(super) struct Encoder<'a> {
    pub partition: i32,
    pub segments: &'a [Segment],
    pub aborted: AbortedRanges,
    /// Base offsets of batches whose own bytes are kept beside their rows.
    pub raw: &'a HashSet<i64>,
}

/// A row group, encoded and compressed.
#[derive(Debug)]
pub(super) struct Encoded {
    pub columns: Vec<ArrowColumnChunk>,
    pub facts: GroupFacts,
}

/// What the catalog wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupFacts {
    pub rows: u64,
    /// The latest timestamp and the first offset that has it.
    pub latest: Option<(Timestamp, Offset)>,
}

impl GroupFacts {
    pub fn add(&mut self, other: &GroupFacts) {
        self.rows += other.rows;
        let later = match (self.latest, other.latest) {
            (Some((mine, _)), Some((theirs, _))) => theirs > mine,
            (None, Some(_)) => true,
            _ => false,
        };
        if later {
            self.latest = other.latest;
        }
    }
}

impl Encoder<'_> {
    pub fn encode(
        &self,
        factory: &ArrowRowGroupWriterFactory,
        number: usize,
        stretches: &[Stretch],
    ) -> Result<Encoded> {
        let mut writers = factory.create_column_writers(number).map_err(failed)?;
        let mut rows = ArchiveRows::new(self.partition);
        let mut facts = GroupFacts::default();
        let mut sources = 0;
        for stretch in stretches {
            let segment = self.segment(stretch)?;
            let bytes = segment.bytes.slice(stretch.range.clone());
            let mut chunk = Chunked::new(bytes.clone(), sources);
            let mut position = 0;
            while let Some(header) = chunk.peek()? {
                let own = bytes.get(position..).unwrap_or_default();
                let place = |e: Error| {
                    e.at(format_args!(
                        "{}: position {}",
                        segment.place,
                        stretch.range.start + position
                    ))
                };
                BatchView::parse(own)
                    .and_then(|v| v.check_crc())
                    .map_err(place)?;
                let batch = chunk.open(&header).map_err(place)?;
                let keep = self.raw.contains(&header.base_offset.get());
                let flags = Flags {
                    aborted: self.aborted.covers(&header),
                    raw: keep.then(|| own.get(..header.size_bytes)).flatten(),
                };
                let before = rows.rows();
                rows.push(&batch, flags).map_err(place)?;
                facts.rows += (rows.rows() - before) as u64;
                position += header.size_bytes;
                if rows.rows() >= ROWS_AT_ONCE || rows.bytes() >= BYTES_AT_ONCE {
                    write(&mut writers, &rows.finish()?)?;
                }
            }
            sources = chunk.next_number();
        }
        facts.latest = rows.latest();
        write(&mut writers, &rows.finish()?)?;
        let closed: Result<Vec<_>, _> = writers.into_iter().map(|w| w.close()).collect();
        Ok(Encoded {
            columns: closed.map_err(failed)?,
            facts,
        })
    }

    fn segment(&self, stretch: &Stretch) -> Result<&Segment> {
        let found = self.segments.get(stretch.segment);
        found.ok_or_else(|| Error::internal("the plan names a segment that is not there"))
    }
}

fn write(writers: &mut [ArrowColumnWriter], rows: &RecordBatch) -> Result<()> {
    let mut writers = writers.iter_mut();
    for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
        for leaf in compute_leaves(field, array).map_err(failed)? {
            let writer = writers.next();
            let writer = writer.ok_or_else(|| Error::internal("more leaves than columns"))?;
            writer.write(&leaf).map_err(failed)?;
        }
    }
    Ok(())
}

/// The encoder works in memory: what fails there is a defect.
fn failed(error: parquet::errors::ParquetError) -> Error {
    Error::internal(format!("encoding parquet: {error}"))
}
