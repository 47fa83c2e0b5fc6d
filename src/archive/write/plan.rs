//! Cuts segments into row groups by walking batch headers; the records are not touched.

use std::ops::Range;

use bytes::Bytes;

use super::super::layout::ROW_GROUP_BYTES;
use crate::error::{Error, Result};
use crate::record::{BatchView, Batches, HEADER_BYTES};
use crate::types::{LeaderEpoch, Offset};

/// A sealed segment to archive.
#[derive(Clone, Debug)]
pub struct Segment {
    pub base_offset: Offset,
    /// After its last record.
    pub next_offset: Offset,
    pub bytes: Bytes,
    /// For messages: which file it is.
    pub place: String,
}

/// What is missing of these segments in an archive that reaches up to `end`. The first of them may have
/// its first part there: a crash can take the name of the segment behind it, and then it goes on growing.
pub(crate) fn missing(segments: &[Segment], end: Offset) -> Result<Vec<Segment>> {
    let beyond = segments.iter().filter(|s| s.next_offset > end);
    let mut missing: Vec<Segment> = beyond.cloned().collect();
    if let Some(first) = missing.first_mut() {
        if first.base_offset < end {
            first.bytes = bytes_from(first, end)?;
        }
        // What is missing between two files is missing for good: the later one covers it.
        first.base_offset = end;
    }
    Ok(missing)
}

/// The batches at or above `end`.
fn bytes_from(segment: &Segment, end: Offset) -> Result<Bytes> {
    let mut position = 0;
    for batch in Batches::new(&segment.bytes) {
        let batch =
            batch.map_err(|e| e.at(format_args!("{}: position {position}", segment.place)))?;
        let header = batch.header();
        if header.base_offset >= end {
            break;
        }
        if header.next_offset() > end {
            return Err(Error::corrupt(format!(
                "{}: position {position}: the batch at offset {} does not end at {end}, where the \
                 archive ends: the two are not of one log",
                segment.place, header.base_offset
            )));
        }
        position += header.size_bytes;
    }
    Ok(segment.bytes.slice(position..))
}

/// A stretch of whole batches of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub segment: usize,
    pub range: Range<usize>,
}

/// What a file will hold.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Each row group as the stretches that it is made of.
    pub row_groups: Vec<Vec<Stretch>>,
    /// Headers of batches without records.
    pub empty: Vec<[u8; HEADER_BYTES]>,
    /// The first offset of each leader epoch.
    pub epochs: Vec<(LeaderEpoch, Offset)>,
}

/// How much larger a compressed batch is taken to be when it is plain.
const RATIO_GUESS: usize = 4;

impl Plan {
    /// Errors: Corrupt when a segment is not a run of whole batches with ascending offsets inside the
    /// bounds that it claims.
    pub fn of(segments: &[Segment]) -> Result<Plan> {
        let mut plan = Plan::default();
        let mut group = Vec::new();
        let mut group_bytes = 0;
        let mut expected = segments.first().map_or(Offset::ZERO, |s| s.base_offset);
        for (number, segment) in segments.iter().enumerate() {
            let damaged = |position: usize, what: String| {
                Error::corrupt(format!("{}: position {position}: {what}", segment.place))
            };
            let batches = Batches::new(&segment.bytes);
            let mut start = 0;
            let mut position = 0;
            for batch in batches {
                let batch = batch.map_err(|e| damaged(position, e.message().to_owned()))?;
                let header = batch.header();
                let in_order = header.base_offset >= expected
                    && header.next_offset() <= segment.next_offset.max(expected);
                if !in_order {
                    let what = format!("batch at offset {} is out of place", header.base_offset);
                    return Err(damaged(position, what));
                }
                expected = header.next_offset();
                let end = position + header.size_bytes;
                plan.note_epoch(header.leader_epoch, header.base_offset);
                if header.count == 0 {
                    plan.keep_empty(&batch);
                    push(&mut group, number, start..position);
                    start = end;
                } else {
                    group_bytes += plain_guess(&batch);
                }
                position = end;
                if group_bytes >= ROW_GROUP_BYTES {
                    push(&mut group, number, start..position);
                    plan.row_groups.push(std::mem::take(&mut group));
                    (group_bytes, start) = (0, position);
                }
            }
            if position != segment.bytes.len() {
                return Err(damaged(
                    position,
                    String::from("the last batch is cut short"),
                ));
            }
            push(&mut group, number, start..position);
        }
        if !group.is_empty() {
            plan.row_groups.push(group);
        }
        Ok(plan)
    }

    fn note_epoch(&mut self, epoch: LeaderEpoch, at: Offset) {
        if self.epochs.last().is_none_or(|(last, _)| *last < epoch) {
            self.epochs.push((epoch, at));
        }
    }

    fn keep_empty(&mut self, batch: &BatchView<'_>) {
        if let Some(header) = batch.bytes().first_chunk() {
            self.empty.push(*header);
        }
    }
}

fn push(group: &mut Vec<Stretch>, segment: usize, range: Range<usize>) {
    if !range.is_empty() {
        group.push(Stretch { segment, range });
    }
}

fn plain_guess(batch: &BatchView<'_>) -> usize {
    let header = batch.header();
    let compressed = header.attributes.0 & 7 != 0;
    let factor = if compressed { RATIO_GUESS } else { 1 };
    header.size_bytes.saturating_mul(factor)
}
