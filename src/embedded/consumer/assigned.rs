//! One partition that a consumer reads.

use std::sync::Arc;

use super::Consumer;
use super::decode::{Buffer, PolledBatch, Raw};
use super::options::Start;
use super::start::{Begin, SeekTo};
use crate::engine::{PartitionHandle, Signal, WaiterId};
use crate::error::{Code, Error, Result};
use crate::log::{Chunk, Ends, Read};
use crate::record::Batches;
use crate::types::{IsolationLevel, Offset};

#[derive(Debug)]
pub(super) struct Assigned {
    pub handle: Arc<PartitionHandle>,
    /// The next record to give; `None` until [`Assigned::locate`] has found it, and it alone does: a
    /// partition whose beginning could not be looked up has none.
    pub position: Option<Offset>,
    /// Where it begins.
    pub begin: Begin,
    pub paused: bool,
    /// Decoded from `position` on; let go when the position is moved by hand.
    buffer: Buffer,
    waiter: WaiterId,
}

impl Assigned {
    pub(super) fn new(handle: Arc<PartitionHandle>, begin: Begin) -> Assigned {
        Assigned {
            handle,
            position: None,
            begin,
            paused: false,
            buffer: Buffer::default(),
            waiter: WaiterId::next(),
        }
    }

    pub(super) fn seek(&mut self, to: Offset) {
        self.position = Some(to);
        self.buffer = Buffer::default();
    }

    /// Where the position stands; looked up when it does not stand anywhere yet.
    pub(super) fn locate(&mut self, consumer: &Consumer) -> Result<Offset> {
        if let Some(position) = self.position {
            return Ok(position);
        }
        let position = self.begin.find(consumer, &self.handle)?;
        self.position = Some(position);
        Ok(position)
    }

    /// Up to `records_max` records from the buffer, or from the log when the buffer is empty.
    pub(super) fn records(
        &mut self,
        records_max: usize,
        consumer: &Consumer,
        into: &mut Vec<PolledBatch>,
    ) -> Result<usize> {
        if self.buffer.is_empty() {
            let Some((from, chunk)) =
                self.fetch(consumer.options.partition_fetch_bytes_max, consumer)?
            else {
                return Ok(0);
            };
            self.buffer = Buffer::fill(&self.handle, &chunk, from)?;
        }
        let (taken, position) = self.buffer.take(records_max, into);
        if position.is_some() {
            self.position = position;
        }
        Ok(taken)
    }

    /// Batches as stored, about `bytes_max` of them; the position moves behind them.
    pub(super) fn raw(&mut self, bytes_max: usize, consumer: &Consumer) -> Result<Option<Raw>> {
        self.buffer = Buffer::default();
        let Some((from, chunk)) = self.fetch(bytes_max, consumer)? else {
            return Ok(None);
        };
        let mut next = from;
        for batch in Batches::new(&chunk.batches) {
            next = batch?.header().next_offset().max(next);
        }
        self.position = Some(next);
        Ok(Some(Raw {
            topic_partition: self.handle.name().clone(),
            topic_id: self.handle.topic_id(),
            batches: chunk.batches,
            from,
            aborted: chunk.aborted,
            isolation: consumer.options.isolation,
        }))
    }

    /// Reads from the position on; `None` when nothing is there yet. An offset that is gone is looked
    /// up anew as `auto.offset.reset` says.
    fn fetch(&mut self, max_bytes: usize, consumer: &Consumer) -> Result<Option<(Offset, Chunk)>> {
        let options = &consumer.options;
        let from = self.locate(consumer)?;
        let read = Read {
            from,
            max_bytes,
            at_least_one: true,
            isolation: options.isolation,
        };
        let chunk = match self.handle.read(read) {
            Err(error)
                if error.code() == Code::OffsetOutOfRange && options.start != Start::Fail =>
            {
                tracing::warn!(partition = %self.handle.name(), offset = %from, "offset is gone, starting anew");
                let to = match options.start {
                    Start::Latest => SeekTo::End,
                    _ => SeekTo::Beginning,
                };
                let from = to.find(&self.handle, options.isolation)?;
                self.position = Some(from);
                let chunk = self.handle.read(Read { from, ..read })?;
                return Ok(self.found(from, chunk, options.isolation));
            }
            other => other?,
        };
        Ok(self.found(from, chunk, options.isolation))
    }

    /// The ends are those that the read went by: nothing below them means that the rest of the log is a
    /// gap (its records were lost to damage), which the position must not stand before for ever.
    fn found(
        &mut self,
        from: Offset,
        chunk: Chunk,
        isolation: IsolationLevel,
    ) -> Option<(Offset, Chunk)> {
        if !chunk.batches.is_empty() {
            return Some((from, chunk));
        }
        let end = end_for(&chunk.ends, isolation);
        if end > from {
            self.position = Some(end);
        }
        None
    }

    /// How many bytes can be read, `enough` at most, or all there could be when reading would fail.
    pub(super) fn bytes_there(&mut self, enough: usize, consumer: &Consumer) -> usize {
        if !self.buffer.is_empty() {
            return usize::MAX;
        }
        let from = match self.locate(consumer) {
            Ok(from) => from,
            Err(error) if is_unstable(&error) => return 0,
            Err(_) => return usize::MAX,
        };
        let read = Read {
            from,
            max_bytes: enough,
            at_least_one: true,
            isolation: consumer.options.isolation,
        };
        self.handle
            .read(read)
            .map_or(usize::MAX, |chunk| chunk.batches.len())
    }

    /// Has `signal` set when a record is there to read, or with `more` one beyond those that are there;
    /// at once when one is.
    pub(super) fn wake_on_data(
        &self,
        signal: &Arc<Signal>,
        isolation: IsolationLevel,
        more: bool,
    ) -> Result<()> {
        let Some(position) = self.position else {
            return Ok(());
        };
        // A stable end that lags behind moves when something becomes visible, so the visible end is
        // what to wait for in both cases.
        let seen = self.handle.ends()?;
        let position = match more {
            true => end_for(&seen, isolation).max(position),
            false => position,
        };
        let beyond = if isolation == IsolationLevel::ReadCommitted && seen.last_stable <= position {
            seen.visible.plus(-1).max(position)
        } else {
            position
        };
        self.handle.wait_beyond(self.waiter, beyond, signal.clone());
        let ends = self.handle.ends()?;
        if end_for(&ends, isolation) > position {
            signal.set();
        }
        Ok(())
    }

    pub(super) fn stop_waiting(&self) {
        self.handle.stop_waiting(self.waiter);
    }
}

/// The group's offset may still be changed by an open transaction: the partition begins when that has
/// ended.
pub(super) fn is_unstable(error: &Error) -> bool {
    error.code() == Code::UnstableOffsetCommit
}

/// Where a reader must stop.
pub(in crate::embedded) fn end_for(ends: &Ends, isolation: IsolationLevel) -> Offset {
    match isolation {
        IsolationLevel::ReadUncommitted => ends.visible,
        IsolationLevel::ReadCommitted => ends.last_stable,
    }
}
