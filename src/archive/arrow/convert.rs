//! From runs of Kafka batches to Arrow.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::aborted::AbortedRanges;
use super::columns::{Chunked, RowColumns};
use super::schema::{Binary, Columns};
use crate::error::Result;
use crate::record::BatchHeader;
use crate::types::{Offset, Timestamp};

/// Which records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Offset,
    /// Exclusive.
    pub until: Offset,
    pub time_from: Option<Timestamp>,
    /// Exclusive.
    pub time_until: Option<Timestamp>,
}

impl Default for Window {
    fn default() -> Self {
        Window {
            from: Offset::ZERO,
            until: Offset::MAX,
            time_from: None,
            time_until: None,
        }
    }
}

impl Window {
    pub fn offsets(from: Offset, until: Offset) -> Window {
        Window {
            from,
            until,
            ..Window::default()
        }
    }

    pub(crate) fn has_times(&self) -> bool {
        self.time_from.is_some() || self.time_until.is_some()
    }

    #[inline]
    pub(crate) fn holds(&self, offset: Offset, timestamp: Timestamp) -> bool {
        self.from <= offset
            && offset < self.until
            && self.time_from.is_none_or(|t| t <= timestamp)
            && self.time_until.is_none_or(|t| timestamp < t)
    }

    /// Whether all offsets of the batch lie inside.
    pub(crate) fn holds_offsets_of(&self, header: &BatchHeader) -> bool {
        self.from <= header.base_offset && header.last_offset() < self.until
    }

    /// Whether nothing of the batch can lie inside.
    pub(crate) fn misses(&self, header: &BatchHeader) -> bool {
        header.last_offset() < self.from
            || header.base_offset >= self.until
            || self.time_from.is_some_and(|t| header.max_timestamp < t)
    }
}

/// How batches become Arrow.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    pub partition: i32,
    pub columns: Columns,
    pub binary: Binary,
    /// Shows the records of aborted transactions too.
    pub show_aborted: bool,
    /// Shows commit and abort markers too.
    pub show_control: bool,
}

impl ConvertOptions {
    pub fn new(partition: i32) -> ConvertOptions {
        ConvertOptions {
            partition,
            columns: Columns::default(),
            binary: Binary::View,
            show_aborted: false,
            show_control: false,
        }
    }
}

/// Gathers records of one partition into record batches. Values of a chunk that is not compressed
/// are views into it: the record batch keeps the chunk alive.
#[derive(Debug)]
pub struct Converter {
    options: ConvertOptions,
    rows: RowColumns,
    /// Numbers sources over all chunks that went into the rows gathered so far.
    sources: u64,
}

impl Converter {
    pub fn new(options: ConvertOptions) -> Converter {
        Converter {
            rows: RowColumns::new(options.partition, &options.columns, options.binary),
            options,
            sources: 0,
        }
    }

    pub fn schema(&self) -> SchemaRef {
        self.options.columns.schema(self.options.binary)
    }

    /// Adds the records of `batches` (whole Kafka batches; what is cut short at the end is left out)
    /// that lie in `window`. Gives the offset after the last batch walked, which is where to go on.
    ///
    /// Errors: Corrupt for a batch that is damaged.
    pub fn push(
        &mut self,
        batches: &Bytes,
        aborted: &AbortedRanges,
        window: &Window,
    ) -> Result<Option<Offset>> {
        let mut chunk = Chunked::new(batches.clone(), self.sources);
        let mut next = None;
        while let Some(header) = chunk.peek()? {
            if header.base_offset >= window.until {
                break;
            }
            next = Some(header.next_offset());
            if self.hides(&header, aborted) || window.misses(&header) {
                chunk.skip(&header);
            } else if self.rows.counts_only()
                && window.holds_offsets_of(&header)
                && !window.has_times()
            {
                self.rows.push_count(header.count.max(0) as usize);
                chunk.skip(&header);
            } else {
                let batch = chunk.open(&header)?;
                self.rows.push(&batch, window)?;
            }
        }
        self.sources = chunk.next_number();
        Ok(next)
    }

    fn hides(&self, header: &BatchHeader, aborted: &AbortedRanges) -> bool {
        (header.attributes.is_control() && !self.options.show_control)
            || (!self.options.show_aborted && aborted.covers(header))
    }

    /// Rows gathered so far.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// Bytes of records behind the rows gathered so far.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    /// The rows gathered, as one record batch; the next one starts empty.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        self.rows.finish()
    }
}
