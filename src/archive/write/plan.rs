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
