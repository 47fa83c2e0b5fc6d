//! Walking a segment to find where it ends and to make anew what is derived from it.

use std::sync::Arc;

use super::resync::next_batch;
use crate::config::TopicConfig;
use crate::disk::File;
use crate::error::{Error, Result};
use crate::log::Epochs;
use crate::log::partition::aborted;
use crate::log::producers::ProducerStates;
use crate::log::scan::{self, Scanner, Step};
use crate::log::segment::{Growth, Indexes, Segment};
use crate::record::{BatchView, HEADER_BYTES};
use crate::types::{Offset, Timestamp};

/// What a walk over a segment found.
pub(super) struct Walked {
    pub growth: Growth,
    pub first_timestamp: Option<Timestamp>,
    /// Why the walk ended before the end of the file, which it did at `growth.tail.size`.
    pub bad: Option<String>,
    /// Positions of damaged batches that were passed over.
    pub damaged: Vec<(u64, String)>,
}

/// What a walk does beside checking frames.
pub(super) struct Walk<'a> {
    pub config: &'a TopicConfig,
    /// Compare checksums.
    pub check_crc: bool,
    /// The segment's new indexes, to be filled.
    pub indexes: Option<&'a Indexes>,
    /// Producer state, to learn what lies at or above the offset.
    pub producers: Option<(&'a mut ProducerStates, Offset)>,
    pub epochs: Option<&'a mut Epochs>,
    /// No batch may reach this offset: the next segment begins there.
    pub next_base: Offset,
    /// What lies below was synced once. Damage there is not the torn end of a write: it is passed
    /// over, where the walk can find its way again, and not cut off with all that follows.
    pub synced_below: Offset,
    /// From here on no records can be missing between two batches: compaction was not there yet.
    pub whole_from: Offset,
}

impl<'a> Walk<'a> {
    /// A walk that only follows headers.
    pub(super) fn headers(config: &'a TopicConfig) -> Walk<'a> {
        Walk {
            config,
            check_crc: false,
            indexes: None,
            producers: None,
            epochs: None,
            next_base: Offset::MAX,
            synced_below: Offset::MAX,
            whole_from: Offset::MAX,
        }
    }

    /// Takes in one sound batch.
    fn learn(&mut self, batch: &BatchView<'_>, walked: &mut Walked) -> Result<()> {
        let header = batch.header();
        if walked.growth.tail.size == 0 {
            walked.first_timestamp = Some(header.max_timestamp);
        }
        if let Some((producers, from)) = &mut self.producers
            && header.base_offset >= *from
        {
            // A marker that says nothing must not keep the log from opening.
            let done = producers.replay(batch).unwrap_or_else(|error| {
                tracing::warn!(offset = %header.base_offset, %error, "control batch passed over");
                None
            });
            if let (Some(done), Some(indexes)) = (done.filter(|d| d.aborted), self.indexes) {
                indexes.txn.append(&aborted(&done))?;
            }
        }
        if let Some(epochs) = &mut self.epochs {
            epochs.assign(header.leader_epoch, header.base_offset);
        }
        let interval = self.config.index_interval_bytes;
        match self.indexes {
            Some(indexes) => walked.growth.add(header, indexes, interval),
            None => {
                walked.growth.skip(header);
                Ok(())
            }
        }
    }
}

/// Walks `len` bytes of a segment from its start.
pub(super) fn walk(segment: &Segment, len: u64, walk: &mut Walk<'_>) -> Result<Walked> {
    let wrong = |e| Error::io(format_args!("read {}", segment.path().display()), e);
    let file = segment.file().map_err(wrong)?;
    let mut scanner = Scanner::new(&*file, 0, len);
    let mut walked = Walked {
        growth: Growth::empty(segment.base),
        first_timestamp: None,
        bad: None,
        damaged: Vec::new(),
    };
    // Nothing tells the offsets of what is damaged but that they were synced.
    let damaged_end = walk.next_base.min(walk.synced_below);
    let mut behind_damage = false;
    loop {
        let (reason, after) = match scanner.step().map_err(wrong)? {
            Step::End => return Ok(walked),
            Step::Bad(reason) => (reason, None),
            Step::Batch(batch, follower) => match flaw(segment, &batch, follower, &walked, walk)? {
                None => {
                    walk.learn(&batch, &mut walked)?;
                    behind_damage = false;
                    continue;
                }
                Some(reason) => (reason, Some(batch.header().size_bytes as u64)),
            },
        };
        let position = walked.growth.tail.size;
        let Some(to) = way_on(segment, &*file, len, &walked, walk, after) else {
            if behind_damage {
                // What is kept of it keeps its offsets: they are not given out again.
                walked.growth.tail.next = damaged_end;
            }
            walked.bad = Some(reason);
            return Ok(walked);
        };
        walked.damaged.push((position, reason));
        walked.growth.jump(to);
        behind_damage = true;
        if to == len {
            walked.growth.tail.next = damaged_end;
        }
        scanner.seek(to);
    }
}

/// What is wrong with a batch whose frame is whole. An error when the file does not belong here.
///
/// The base offset lies outside of the checksum: only its neighbours tell whether it is damaged.
fn flaw(
    segment: &Segment,
    batch: &BatchView<'_>,
    follower: Option<Offset>,
    walked: &Walked,
    walk: &Walk<'_>,
) -> Result<Option<String>> {
    if walk.check_crc
        && let Err(why) = batch.check_crc()
    {
        return Ok(Some(why.message().to_owned()));
    }
    let (header, tail) = (batch.header(), &walked.growth.tail);
    let (base, next, expected) = (header.base_offset, header.next_offset(), tail.next);
    let reason = if base < expected {
        format!("the batch has base offset {base}, but {expected} comes next")
    } else if next > walk.next_base {
        let next_base = walk.next_base;
        format!(
            "the batch at offset {base} reaches into the next segment, which begins at {next_base}"
        )
    } else if header.last_offset().since(segment.base) > i64::from(i32::MAX) {
        format!("the batch at offset {base} is too far from the segment's start")
    } else if base > expected && follower.is_some_and(|f| f < next) {
        format!("the batch at offset {base} reaches into the next batch")
    } else if base > expected && expected >= walk.whole_from && walked.damaged.is_empty() {
        format!("the records {expected}..{base} before the batch are missing")
    } else {
        return Ok(None);
    };
    let fits = |f: Offset| f >= segment.base && f < walk.next_base;
    let belongs =
        tail.size > 0 || (fits(base) && fits(next.plus(-1))) || follower.is_some_and(fits);
    match belongs {
        true => Ok(Some(reason)),
        false => Err(misnamed(segment, &reason)),
    }
}

fn misnamed(segment: &Segment, reason: &str) -> Error {
    Error::corrupt(format!(
        "{} does not belong where it is: {reason}; restore the file, or move it away",
        segment.path().display()
    ))
}

/// Where sound batches begin again behind damage in what was synced: at the end of the damaged
/// frame, where the old index says that a batch begins, or where one is found.
fn way_on(
    segment: &Segment,
    file: &dyn File,
    len: u64,
    walked: &Walked,
    walk: &Walk<'_>,
    frame: Option<u64>,
) -> Option<u64> {
    let tail = &walked.growth.tail;
    if tail.next >= walk.synced_below {
        return None;
    }
    let sound = |at: u64| {
        let mut bytes = [0; HEADER_BYTES];
        let Ok(HEADER_BYTES) = file.read_at(&mut bytes, at) else {
            return false;
        };
        let found = scan::peek(&bytes).ok().flatten();
        found.is_some_and(|b| {
            b.base >= tail.next && b.next <= walk.next_base && at + b.size as u64 <= len
        })
    };
    if let Some(at) = frame.map(|size| tail.size + size)
        && (at == len || sound(at))
    {
        return Some(at);
    }
    let entries = segment.indexes().offset.entries().unwrap_or_default();
    let after = entries.partition_point(|(_, at)| u64::from(*at) <= tail.size);
    let later = entries.get(after..).unwrap_or_default();
    let mut positions = later.iter().map(|(_, at)| u64::from(*at));
    let indexed = positions.find(|at| *at < len && sound(*at));
    let fits = |b: &scan::Peek| {
        let in_segment = b.base.since(segment.base) <= i64::from(i32::MAX);
        in_segment && b.base >= tail.next && b.next <= walk.next_base
    };
    indexed.or_else(|| next_batch(file, tail.size + 1, len, fits).ok().flatten())
}

/// Makes offset and time index of a sealed segment anew from its batches' headers.
pub(in crate::log) fn rebuild_indexes(segment: &Segment, config: &TopicConfig) -> Result<()> {
    let made = Indexes::create(segment.place(), segment.base);
    let mut how = Walk {
        indexes: Some(&made),
        ..Walk::headers(config)
    };
    let walked = walk(segment, segment.tail().size, &mut how)?;
    if let Some((timestamp, offset)) = walked.growth.tail.latest {
        made.time.append(timestamp, offset)?;
    }
    segment.replace_indexes(made)
}

/// Makes the transaction index of a segment anew. Its entries tell where transactions began, which
/// may be in any segment before: all of them are walked.
pub(in crate::log) fn rebuild_txn_index(
    segments: &[Arc<Segment>],
    segment: &Segment,
    config: &TopicConfig,
) -> Result<()> {
    let mut producers = ProducerStates::default();
    for before in segments.iter().filter(|s| s.base < segment.base) {
        let mut how = Walk {
            producers: Some((&mut producers, Offset::ZERO)),
            ..Walk::headers(config)
        };
        walk(before, before.tail().size, &mut how)?;
    }
    let made = Indexes::create(segment.place(), segment.base);
    let mut how = Walk {
        indexes: Some(&made),
        producers: Some((&mut producers, Offset::ZERO)),
        ..Walk::headers(config)
    };
    walk(segment, segment.tail().size, &mut how)?;
    segment.replace_txn_index(made)
}
