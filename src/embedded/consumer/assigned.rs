//! One partition that a consumer reads.

use std::sync::Arc;

use super::decode::{Buffer, PolledBatch, Raw};
use super::options::{ConsumerOptions, Start};
use crate::engine::{PartitionHandle, Signal, WaiterId};
use crate::error::{Code, Result};
use crate::log::{Chunk, Ends, Read};
use crate::record::Batches;
use crate::types::{IsolationLevel, Offset};

#[derive(Debug)]
pub(super) struct Assigned {
    pub handle: Arc<PartitionHandle>,
    /// The next record to give; `None` until it is looked up.
    pub position: Option<Offset>,
    pub paused: bool,
    /// An open transaction may still change the committed offset that the position is to come from:
    /// nothing is read until it has ended.
    pub unstable: bool,
    /// Decoded from `position` on; let go when the position is moved by hand.
    buffer: Buffer,
    waiter: WaiterId,
}

impl Assigned {
    pub(super) fn new(handle: Arc<PartitionHandle>) -> Assigned {
        Assigned {
            handle,
            position: None,
            paused: false,
            unstable: false,
            buffer: Buffer::default(),
            waiter: WaiterId::next(),
        }
    }

    pub(super) fn seek(&mut self, to: Offset) {
        self.position = Some(to);
        self.unstable = false;
        self.buffer = Buffer::default();
    }

    /// Where the position stands, looked up by `start` when it is not set yet.
    pub(super) fn locate(&mut self, start: Start) -> Result<Offset> {
        if let Some(position) = self.position {
            return Ok(position);
        }
        if self.unstable {
            return Err(crate::Error::coded(
                Code::UnstableOffsetCommit,
                format!(
                    "{}: the group's offset is in an open transaction: poll until it has ended",
                    self.handle.name()
                ),
            ));
        }
        let log = self.handle.log()?;
        let ends = log.ends();
        let position = match start {
            Start::Earliest => ends.log_start,
            Start::Latest => ends.visible,
            Start::Time(moment) => log
                .offset_for_time(moment)?
                .map_or(ends.visible, |(offset, _)| offset),
            Start::Fail => {
                let message = format!(
                    "{}: no committed offset, and auto.offset.reset is none: seek, or commit one",
                    self.handle.name()
                );
                return Err(crate::Error::coded(Code::OffsetOutOfRange, message));
            }
        };
        self.position = Some(position);
        Ok(position)
    }

    /// Up to `records_max` records from the buffer, or from the log when the buffer is empty.
    pub(super) fn records(
        &mut self,
        records_max: usize,
        options: &ConsumerOptions,
        into: &mut Vec<PolledBatch>,
    ) -> Result<usize> {
        if self.buffer.is_empty() {
            let Some((from, chunk)) = self.fetch(options.partition_fetch_bytes_max, options)?
            else {
                return Ok(0);
            };
            self.buffer = Buffer::fill(self.handle.name(), &chunk, from)?;
        }
        let (taken, position) = self.buffer.take(records_max, into);
        if position.is_some() {
            self.position = position;
        }
        Ok(taken)
    }

    /// Batches as stored, about `bytes_max` of them; the position moves behind them.
    pub(super) fn raw(
        &mut self,
        bytes_max: usize,
        options: &ConsumerOptions,
    ) -> Result<Option<Raw>> {
        self.buffer = Buffer::default();
        let Some((from, chunk)) = self.fetch(bytes_max, options)? else {
            return Ok(None);
        };
        let mut next = from;
        for batch in Batches::new(&chunk.batches) {
            next = batch?.header().next_offset().max(next);
        }
        self.position = Some(next);
        Ok(Some(Raw {
            topic_partition: self.handle.name().clone(),
            batches: chunk.batches,
            from,
            aborted: chunk.aborted,
            isolation: options.isolation,
        }))
    }

    /// Reads from the position on; `None` when nothing is there yet. An offset that is gone is looked
    /// up anew as `auto.offset.reset` says.
    fn fetch(
        &mut self,
        max_bytes: usize,
        options: &ConsumerOptions,
    ) -> Result<Option<(Offset, Chunk)>> {
        let from = self.locate(options.start)?;
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
                self.position = None;
                let start = if matches!(options.start, Start::Latest) {
                    Start::Latest
                } else {
                    Start::Earliest
                };
                let from = self.locate(start)?;
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

    /// Has `signal` set when a record is there to read; at once when one is.
    pub(super) fn wake_on_data(
        &self,
        signal: &Arc<Signal>,
        isolation: IsolationLevel,
    ) -> Result<()> {
        let Some(position) = self.position else {
            return Ok(());
        };
        // A stable end that lags behind moves when something becomes visible, so the visible end is
        // what to wait for in both cases.
        let seen = self.handle.ends()?;
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

/// Where a reader must stop.
pub(in crate::embedded) fn end_for(ends: &Ends, isolation: IsolationLevel) -> Offset {
    match isolation {
        IsolationLevel::ReadUncommitted => ends.visible,
        IsolationLevel::ReadCommitted => ends.last_stable,
    }
}
