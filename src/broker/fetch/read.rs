//! Reading what a fetch wants, as far as there is something and as much as fits.
//!
//! Cost a partition: a look-up in a map and a read, which gives a slice of a mapped file or a buffer.

use std::time::Duration;

use super::partition::{Wanted, refused};
use crate::broker::context::Context;
use crate::broker::waiting::Watch;
use crate::engine::{Engine, PartitionHandle};
use crate::error::Result;
use crate::log::{Ends, Read};
use crate::protocol::messages::fetch::{AbortedTransaction, EpochEndOffset, PartitionData};
use crate::types::{IsolationLevel, Offset};

/// How much an answer may have, and when it is enough.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Limits {
    pub max_bytes: usize,
    pub min_bytes: usize,
    pub max_wait: Duration,
    pub isolation: IsolationLevel,
}

/// A fetch under way: it owns what it needs, so that it can wait.
#[derive(Debug)]
pub(in crate::broker) struct Reading {
    pub wanted: Vec<Wanted>,
    pub limits: Limits,
    /// One for each of `wanted`.
    pub data: Vec<PartitionData<'static>>,
    bytes: usize,
    failed: bool,
    /// The first partition that found no room.
    pub next: usize,
}

impl Reading {
    pub fn new(wanted: Vec<Wanted>, limits: Limits) -> Reading {
        Reading {
            data: Vec::with_capacity(wanted.len()),
            wanted,
            limits,
            bytes: 0,
            failed: false,
            next: 0,
        }
    }

    /// Whether some of it lies in the archive, or in a log that is not open yet, so that reading may wait
    /// for a disk.
    pub fn is_cold(&mut self, engine: &Engine) -> bool {
        let cold = |wanted: &mut Wanted| {
            let Ok(handle) = wanted.handle(engine) else {
                return false;
            };
            let archived =
                |ends: &Ends| wanted.from >= ends.log_start && wanted.from < ends.local_start;
            !handle.is_open() || handle.ends().is_ok_and(|ends| archived(&ends))
        };
        self.wanted.iter_mut().any(cold)
    }

    /// Reads everything once.
    pub fn read(&mut self, engine: &Engine) {
        self.data.clear();
        (self.bytes, self.failed, self.next) = (0, false, 0);
        for at in 0..self.wanted.len() {
            let left = self.limits.max_bytes.saturating_sub(self.bytes);
            let first = self.bytes == 0;
            let Some(wanted) = self.wanted.get_mut(at) else {
                break;
            };
            let index = wanted.place.partition;
            let data = read_one(wanted, engine, &self.limits, left, first);
            let data = data.unwrap_or_else(|error| {
                self.failed = true;
                refused(index, &error)
            });
            let bytes = data.records.as_ref().map_or(0, |r| r.len());
            self.failed |= data.diverging_epoch.epoch >= 0;
            self.bytes += bytes;
            if bytes > 0 {
                self.next = at + 1;
            }
            self.data.push(data);
        }
    }

    /// Whether the answer can go out.
    pub fn is_enough(&self) -> bool {
        self.failed || self.wanted.is_empty() || self.bytes >= self.limits.min_bytes
    }

    /// Reads again whenever a partition grows, until there is enough, the time is over or the server
    /// stops.
    pub async fn wait(&mut self, context: &Context) {
        let over = tokio::time::sleep(self.limits.max_wait);
        tokio::pin!(over);
        while !self.is_enough() {
            let watch = self.watch();
            if self.has_grown() {
                self.read(context.engine());
                continue;
            }
            tokio::select! {
                () = watch.bell.rung() => self.read(context.engine()),
                () = over.as_mut() => return,
                () = context.stopped() => return,
            }
        }
    }

    fn watch(&self) -> Watch {
        let mut watch = Watch::new();
        for (wanted, data) in self.wanted.iter().zip(&self.data) {
            if let Some(handle) = wanted.known() {
                // Beyond the last offset that was visible.
                watch.beyond(handle, Offset(data.high_watermark));
            }
        }
        watch
    }

    /// Whether an end moved, or was lost, between the read and the watch.
    fn has_grown(&self) -> bool {
        let mut both = self.wanted.iter().zip(&self.data);
        both.any(|(wanted, data)| {
            let known = wanted.known();
            known.is_some_and(|h| {
                h.state()
                    .map_or(true, |end| end.get() > data.high_watermark)
            })
        })
    }
}

fn read_one(
    wanted: &mut Wanted,
    engine: &Engine,
    limits: &Limits,
    left: usize,
    first: bool,
) -> Result<PartitionData<'static>> {
    let handle = wanted.handle(engine)?;
    if let Some((epoch, end)) = wanted.diverges(&handle)? {
        return diverging(wanted, &handle, epoch.get(), end);
    }
    let chunk = handle.read(Read {
        from: wanted.from,
        max_bytes: wanted.max_bytes.min(left),
        at_least_one: first,
        isolation: limits.isolation,
    })?;
    let committed = limits.isolation == IsolationLevel::ReadCommitted;
    let aborted = chunk.aborted.iter().map(|aborted| AbortedTransaction {
        producer_id: aborted.producer_id.get(),
        first_offset: aborted.first_offset.get(),
    });
    Ok(PartitionData {
        partition_index: wanted.place.partition,
        high_watermark: chunk.ends.visible.get(),
        last_stable_offset: chunk.ends.last_stable.get(),
        log_start_offset: chunk.ends.log_start.get(),
        aborted_transactions: committed.then(|| aborted.collect()),
        records: Some(chunk.batches.into()),
        ..PartitionData::default()
    })
}

fn diverging(
    wanted: &Wanted,
    handle: &PartitionHandle,
    epoch: i32,
    end: Offset,
) -> Result<PartitionData<'static>> {
    let ends = handle.ends()?;
    Ok(PartitionData {
        partition_index: wanted.place.partition,
        high_watermark: ends.visible.get(),
        last_stable_offset: ends.last_stable.get(),
        log_start_offset: ends.log_start.get(),
        records: Some(bytes::Bytes::new().into()),
        diverging_epoch: EpochEndOffset {
            epoch,
            end_offset: end.get(),
        },
        ..PartitionData::default()
    })
}
