//! From a chunk of batches to what a poll gives: records as positions in shared bytes, or the raw
//! batches for Arrow.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::PartitionHandle;
use crate::error::{Error, Result};
use crate::log::{Aborted, Chunk};
use crate::record::{
    BatchBuilder, BatchHeader, Batches, BuildOptions, PlainRecords, RecordSpan, RecordView,
};
use crate::types::{IsolationLevel, Offset, Timestamp, TopicId, TopicPartition};

/// No batch may decompress to more than this.
pub(super) const PLAIN_BYTES_MAX: usize = i32::MAX as usize;

/// The records of one batch from one partition, found but not decoded: keys and values are slices of
/// the batch's bytes. Cheap to clone; holds the bytes for as long as it lives.
#[derive(Clone, Debug)]
pub struct PolledBatch {
    topic_partition: TopicPartition,
    topic_id: TopicId,
    decoded: Arc<Decoded>,
    range: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Decoded {
    plain: PlainRecords,
    spans: Vec<RecordSpan>,
}

impl PolledBatch {
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }

    /// Which topic of that name it was; [`TopicId::NONE`] for one of nowhere.
    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    pub fn len(&self) -> usize {
        self.range.len()
    }

    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The record at `index`, borrowed; `None` beyond the end.
    #[inline]
    pub fn get(&self, index: usize) -> Option<RecordView<'_>> {
        let spans = self.decoded.spans.get(self.range.clone())?;
        Some(spans.get(index)?.view(&self.decoded.plain.payload))
    }

    /// Where the record at `index` lies in [`PolledBatch::payload`].
    #[inline]
    pub fn span(&self, index: usize) -> Option<&RecordSpan> {
        self.decoded.spans.get(self.range.clone())?.get(index)
    }

    /// The bytes that spans point into.
    pub fn payload(&self) -> &Bytes {
        &self.decoded.plain.payload
    }

    pub fn header(&self) -> &BatchHeader {
        &self.decoded.plain.header
    }

    pub fn iter(&self) -> impl Iterator<Item = RecordView<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The record at `index` alone; none beyond the end. No bytes are copied.
    pub fn only(&self, index: usize) -> PolledBatch {
        let from = self.range.end.min(self.range.start.saturating_add(index));
        PolledBatch {
            range: from..self.range.end.min(from + 1),
            ..self.clone()
        }
    }

    /// One record as if it had been read: one that was read elsewhere, or a test's.
    ///
    /// Errors: Invalid (an offset below 0, more than 2 GiB).
    pub fn of_record(
        topic_partition: TopicPartition,
        offset: Offset,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) -> Result<PolledBatch> {
        if offset < Offset::ZERO {
            return Err(Error::invalid(format!("offset {offset} is negative")));
        }
        let mut builder = BatchBuilder::default();
        builder.push(timestamp, key, value, headers);
        let options = BuildOptions {
            base_offset: offset,
            ..BuildOptions::default()
        };
        let batch = Bytes::copy_from_slice(builder.finish(&options)?);
        let plain = PlainRecords::open(&batch, PLAIN_BYTES_MAX)?;
        let spans = plain.spans().collect::<Result<Vec<_>>>()?;
        let range = 0..spans.len();
        Ok(PolledBatch {
            topic_partition,
            topic_id: TopicId::NONE,
            decoded: Arc::new(Decoded { plain, spans }),
            range,
        })
    }
}

/// Batches of one partition as they are stored, with what a reader must leave out.
#[derive(Clone, Debug)]
pub struct Raw {
    pub topic_partition: TopicPartition,
    pub topic_id: TopicId,
    pub batches: Bytes,
    /// Records below it were read before.
    pub from: Offset,
    /// For read-committed: batches of these transactions are left out.
    pub aborted: Vec<Aborted>,
    pub isolation: IsolationLevel,
}

/// Whether a consumer sees the batch: markers never, aborted transactions not when read-committed.
pub(super) fn is_shown(header: &BatchHeader, aborted: &[Aborted]) -> bool {
    if header.attributes.is_control() {
        return false;
    }
    !header.attributes.is_transactional()
        || !aborted.iter().any(|a| {
            a.producer_id == header.producer_id
                && (a.first_offset..=a.last_offset).contains(&header.base_offset)
        })
}

/// Records of one partition that are decoded and not handed out.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// Handed out from the back: the list is reversed.
    batches: Vec<PolledBatch>,
    /// After everything that was read into the buffer, markers and gaps included.
    next: Offset,
}

impl Buffer {
    /// Decodes all of `chunk` from `from` on.
    pub(super) fn fill(handle: &PartitionHandle, chunk: &Chunk, from: Offset) -> Result<Buffer> {
        let mut buffer = Buffer {
            batches: Vec::new(),
            next: from,
        };
        let mut walk = Batches::new(&chunk.batches);
        loop {
            let start = walk.position();
            let Some(batch) = walk.next() else { break };
            let header = *batch?.header();
            buffer.next = header.next_offset().max(buffer.next);
            if header.next_offset() <= from || !is_shown(&header, &chunk.aborted) {
                continue;
            }
            let bytes = chunk.batches.slice(start..start + header.size_bytes);
            let plain = PlainRecords::open(&bytes, PLAIN_BYTES_MAX)?;
            let mut spans =
                Vec::with_capacity(plain.payload.len().min(header.count.max(0) as usize));
            let mut walk = plain.spans();
            walk.skip_to(from);
            for span in walk {
                spans.push(span?);
            }
            let range = 0..spans.len();
            let decoded = Arc::new(Decoded { plain, spans });
            buffer.batches.push(PolledBatch {
                topic_partition: handle.name().clone(),
                topic_id: handle.topic_id(),
                decoded,
                range,
            });
        }
        buffer.batches.retain(|b| !b.is_empty());
        buffer.batches.reverse();
        Ok(buffer)
    }

    /// Moves up to `records_max` records into `into`; gives how many and the position after them.
    pub(super) fn take(
        &mut self,
        records_max: usize,
        into: &mut Vec<PolledBatch>,
    ) -> (usize, Option<Offset>) {
        let mut taken = 0;
        let mut position = None;
        while taken < records_max {
            let Some(mut batch) = self.batches.pop() else {
                break;
            };
            let room = records_max - taken;
            if batch.len() > room {
                let mut rest = batch.clone();
                rest.range.start += room;
                batch.range.end = rest.range.start;
                self.batches.push(rest);
            }
            taken += batch.len();
            position = batch
                .span(batch.len().saturating_sub(1))
                .map(|s| s.offset.next());
            into.push(batch);
        }
        if self.batches.is_empty() {
            position = Some(self.next);
        }
        (taken, position)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}
