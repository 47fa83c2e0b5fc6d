//! How far a segment goes, and how it grows.

use super::Indexes;
use crate::error::{Error, Result};
use crate::record::BatchHeader;
use crate::types::{Offset, Timestamp};

/// How far a segment goes.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct Tail {
    pub size: u64,
    /// After the last record; for a sealed segment, the base of the next one.
    pub next: Offset,
    /// The largest timestamp and the last offset of the batch that has it; `None` until it is
    /// looked up in the time index.
    pub latest: Option<(Timestamp, Offset)>,
}

/// How a segment grows, batch by batch: what the writer and recovery have in common.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct Growth {
    pub tail: Tail,
    /// Bytes behind the last index entry.
    pub behind_index: u64,
}

impl Growth {
    /// Of a segment without batches.
    pub(in crate::log) fn empty(base: Offset) -> Growth {
        let tail = Tail {
            size: 0,
            next: base,
            latest: Some((Timestamp::NONE, base)),
        };
        Growth {
            tail,
            behind_index: 0,
        }
    }

    /// What lies before `position` is damaged; sound batches go on there. The first gets an index entry:
    /// the way to it must not lead through the damage.
    pub(in crate::log) fn jump(&mut self, position: u64) {
        self.behind_index = u64::from(u32::MAX) + 1;
        self.tail.size = position;
    }

    /// As [`add`](Self::add) without indexes.
    pub(in crate::log) fn skip(&mut self, batch: &BatchHeader) {
        let latest = self
            .tail
            .latest
            .unwrap_or((Timestamp::NONE, batch.base_offset));
        if batch.max_timestamp > latest.0 {
            self.tail.latest = Some((batch.max_timestamp, batch.last_offset()));
        }
        self.behind_index += batch.size_bytes as u64;
        self.tail.size += batch.size_bytes as u64;
        self.tail.next = batch.next_offset();
    }

    /// A batch stands at the end of the file now. An index entry every `interval` bytes; no I/O.
    pub(in crate::log) fn add(
        &mut self,
        batch: &BatchHeader,
        indexes: &Indexes,
        interval: u32,
    ) -> Result<()> {
        let (behind, position) = (self.behind_index, self.tail.size);
        self.skip(batch);
        if behind > u64::from(interval) {
            let position = u32::try_from(position)
                .map_err(|_| Error::internal("a segment grew beyond 4 GiB"))?;
            if !indexes.offset.is_full()? {
                indexes.offset.append(batch.last_offset(), position)?;
            }
            if let Some((timestamp, offset)) = self.tail.latest
                && !indexes.time.is_full()?
            {
                indexes.time.append(timestamp, offset)?;
            }
            self.behind_index = batch.size_bytes as u64;
        }
        Ok(())
    }
}
