//! Reading whole batches by offset.
//!
//! Cost: a map look-up of the segment, a binary search in its index, a walk over the headers of what
//! is given; sealed segments give a slice of their map, the active one a buffer read in one call.
//! No lock is held while bytes are read.

use std::sync::Arc;

use bytes::Bytes;

use super::Partition;
use super::options::{Chunk, Ends, Read};
use crate::error::{Code, Error, Kind, Result};
use crate::log::recover;
use crate::log::scan;
use crate::log::segment::Segment;
use crate::record::{BatchView, Batches, HEADER_BYTES};
use crate::types::{IsolationLevel, Offset};

/// How often a read starts again because segments went away under it. Each time the segments are
/// looked up anew, so more than a few cannot happen.
pub(super) const TRIES_MAX: usize = 16;

/// Read beside what was asked for from the active segment: the index leads to some KiB before it.
const SLACK_BYTES: usize = 8 << 10;

/// What a walk over headers found, as positions in the bytes it was given.
enum Cut {
    /// Nothing at or above the wanted offset.
    Nothing,
    /// The first wanted batch starts at `start` and needs bytes up to `need`.
    Short { start: usize, need: usize },
    /// The next batch is not visible yet, or does not fit.
    Withheld,
    /// The first wanted batch says that it reaches beyond the limit. The ends of a log lie between
    /// batches, so its header is probably damaged.
    Straddles { start: usize, end: usize },
    Range {
        start: usize,
        end: usize,
        next: Offset,
    },
    /// What starts at this position is no batch, or one whose offsets cannot be. `end` is where it ends
    /// if its length is to be believed.
    Damaged {
        at: usize,
        end: Option<usize>,
        why: &'static str,
    },
}

/// What the place of the bytes says of the offsets in them. A batch's base offset lies outside of its
/// checksum, so this is what tells a damaged one.
#[derive(Clone, Copy)]
struct Place {
    /// The first batch starts here or behind, when that is known.
    start: Option<Offset>,
    /// By the index, the first batch does not reach beyond this offset.
    first_last: Option<Offset>,
    /// No batch reaches beyond.
    end: Offset,
}

impl Place {
    const ANYWHERE: Place = Place {
        start: None,
        first_last: None,
        end: Offset::MAX,
    };

    /// What is wrong with the offsets of a batch, given what follows it.
    fn flaw(&self, batch: &scan::Peek, follower: &[u8]) -> Option<&'static str> {
        if self.start.is_some_and(|start| batch.base < start) {
            return Some("its base offset lies below the end of the batch before");
        }
        if batch.next > self.end {
            return Some("its offsets reach beyond the end of the segment");
        }
        if self.start.is_none_or(|start| batch.base == start) {
            return None;
        }
        // A gap: compaction's, unless the next batch contradicts.
        let follower = scan::peek(follower).ok().flatten()?;
        (follower.base < batch.next).then_some("its offsets reach into the next batch")
    }
}

/// What may be given.
struct Wanted {
    from: Offset,
    limit: Offset,
    max_bytes: usize,
    at_least_one: bool,
}

impl Partition {
    /// Reads below the visible (or last stable) end, from the archive where the offset lies there.
    /// OutOfRange below the log start and above the appended end.
    pub fn read(&self, read: Read) -> Result<Chunk> {
        let mut last_error = None;
        for _ in 0..TRIES_MAX {
            let (ends, segment, cold) = {
                let state = self.state.read();
                state.check_open()?;
                let ends = state.ends();
                let segment = state.segments.floor(read.from).or(state.segments.first());
                let cold = state.is_cold(read.from, &*self.options.cold);
                (ends, segment.cloned(), cold)
            };
            check_range(read.from, &ends).map_err(|e| e.at(&self.options.name))?;
            let limit = match read.isolation {
                IsolationLevel::ReadUncommitted => ends.visible,
                IsolationLevel::ReadCommitted => ends.last_stable,
            };
            let wanted = Wanted {
                from: read.from,
                limit,
                max_bytes: read.max_bytes,
                at_least_one: read.at_least_one,
            };
            let batches = if read.from >= limit {
                Ok(Some((Bytes::new(), read.from)))
            } else if cold {
                self.read_cold(&wanted)
            } else {
                self.read_local(segment, &wanted)
            };
            match batches {
                Ok(Some(batches)) => return self.chunk(batches, ends, &read),
                Ok(None) => continue,
                Err(e) if is_raced(&e) => last_error = Some(e),
                Err(e) => return Err(e),
            }
        }
        Err(last_error.unwrap_or_else(|| Error::unavailable("segments keep moving: read again")))
    }
}

impl Partition {
    fn chunk(&self, found: (Bytes, Offset), ends: Ends, read: &Read) -> Result<Chunk> {
        let (batches, next) = found;
        let committed = read.isolation == IsolationLevel::ReadCommitted;
        let aborted = match committed && !batches.is_empty() {
            true => self.aborted(read.from, next)?,
            false => Vec::new(),
        };
        Ok(Chunk {
            batches,
            ends,
            aborted,
        })
    }

    /// From the archive; `None` to look again, when it gave up the range in the meantime.
    fn read_cold(&self, wanted: &Wanted) -> Result<Option<(Bytes, Offset)>> {
        let bytes = self.options.cold.read(wanted.from, wanted.max_bytes)?;
        if bytes.is_empty() {
            // A gap at the end of what the archive has: the local log goes on from there.
            let first = self.state.read().segments.first().cloned();
            return self.read_local(first, wanted);
        }
        let limits = Wanted {
            max_bytes: usize::MAX,
            ..*wanted
        };
        match cut(&bytes, 0, &limits, Place::ANYWHERE) {
            Cut::Range { start, end, next } => Ok(Some((bytes.slice(start..end), next))),
            Cut::Nothing | Cut::Withheld => Ok(Some((Bytes::new(), wanted.from))),
            Cut::Short { .. } | Cut::Straddles { .. } => Err(Error::corrupt(format!(
                "the archive of {} gave half a batch at offset {}",
                self.options.name, wanted.from
            ))),
            Cut::Damaged { at, why, .. } => Err(Error::corrupt(format!(
                "the archive of {} gave damaged bytes for offset {}, at byte {at}: {why}",
                self.options.name, wanted.from
            ))),
        }
    }

    /// From the segment, or the next one where compaction left a gap at its end. `None` when a
    /// segment was removed or replaced meanwhile.
    fn read_local(
        &self,
        segment: Option<Arc<Segment>>,
        wanted: &Wanted,
    ) -> Result<Option<(Bytes, Offset)>> {
        let mut segment = segment;
        while let Some(here) = segment {
            let found = self.read_segment(&here, wanted);
            if !self.is_current(&here) {
                return Ok(None);
            }
            let found = match found {
                Err(e) if e.kind() == Kind::NotFound => {
                    return Err(e.with_code(Code::KafkaStorageError));
                }
                other => other?,
            };
            if found.is_some() {
                return Ok(found);
            }
            segment = self.state.read().segments.after(here.base).cloned();
        }
        Ok(Some((Bytes::new(), wanted.from)))
    }

    /// What one segment has for a reader; `None` when nothing at or above the wanted offset.
    fn read_segment(
        &self,
        segment: &Arc<Segment>,
        wanted: &Wanted,
    ) -> Result<Option<(Bytes, Offset)>> {
        let tail = segment.tail();
        let (mut position, mut place) = self.position_of(segment, wanted.from)?;
        place.end = tail.next;
        let mut length = wanted.max_bytes.saturating_add(SLACK_BYTES) as u64;
        while position < tail.size {
            let left = tail.size - position;
            let (bytes, at) = segment.bytes(position, length.min(left))?;
            let window = Window {
                segment,
                bytes: &bytes,
                origin: position - at as u64,
            };
            let (damaged, frame) = match cut(&bytes, at, wanted, place) {
                Cut::Damaged { .. } if place.first_last.is_some() => {
                    // It may be the index that is damaged, or the batch that it leads to.
                    (position, place) = self.without_index(segment);
                    place.end = tail.next;
                    continue;
                }
                Cut::Nothing if ((bytes.len() - at) as u64) < left => {
                    // The end of what was read, but not of the segment.
                    length = length.saturating_mul(2);
                    continue;
                }
                Cut::Nothing => return Ok(None),
                Cut::Straddles { end, .. } if end > bytes.len() && (end - at) as u64 <= left => {
                    length = length.max((end - at) as u64);
                    continue;
                }
                Cut::Short { need, .. } if (need - at) as u64 <= left => {
                    length = length.max((need - at) as u64);
                    continue;
                }
                Cut::Withheld => return Ok(Some((Bytes::new(), wanted.from))),
                Cut::Range { start, end, next } => match window.verified(start, end, next) {
                    Ok(found) => return Ok(Some(found)),
                    Err(e) => (e, window.frame_end(start)),
                },
                Cut::Straddles { start, end } => match window.check(start, end) {
                    Ok(()) => return Ok(Some((Bytes::new(), wanted.from))),
                    Err(e) => (e, Some(window.origin + end as u64)),
                },
                Cut::Short { start, .. } => (window.damage(start, "half a batch"), None),
                Cut::Damaged { at, end, why } => {
                    let frame = end.map(|end| window.origin + end as u64);
                    (window.damage(at, why), frame)
                }
            };
            // Damage wholly below the wanted offset is stepped over.
            match frame.filter(|at| begins_at_or_below(segment, *at, wanted.from)) {
                Some(behind) => (position, place.start) = (behind, None),
                None => return Err(damaged),
            }
        }
        Ok(None)
    }

    /// Where to start walking for the batch that holds `offset`, or the next one.
    fn position_of(&self, segment: &Arc<Segment>, offset: Offset) -> Result<(u64, Place)> {
        if offset > segment.base
            && let (last, position @ 1..) =
                self.with_indexes(segment, |i| i.offset.lookup(offset))?
        {
            let place = Place {
                first_last: Some(last),
                ..Place::ANYWHERE
            };
            return Ok((u64::from(position), place));
        }
        Ok(Self::start_of(segment))
    }

    fn start_of(segment: &Segment) -> (u64, Place) {
        let place = Place {
            start: Some(segment.base),
            ..Place::ANYWHERE
        };
        (0, place)
    }

    /// An entry of the index did not fit the batch that it leads to. The index of a sealed segment is
    /// made anew for the next time; this read walks from the start.
    fn without_index(&self, segment: &Arc<Segment>) -> (u64, Place) {
        tracing::warn!(file = %segment.path().display(), "the offset index does not fit: not used");
        if segment.is_sealed() {
            let _maintaining = self.maintaining.lock();
            if self.is_current(segment)
                && let Err(error) = recover::rebuild_indexes(segment, &self.config())
            {
                tracing::warn!(file = %segment.path().display(), %error, "index not made anew");
            }
        }
        Self::start_of(segment)
    }

    /// Whether the log still has this very segment: not one that was removed, or put in its place.
    pub(in crate::log) fn is_current(&self, segment: &Arc<Segment>) -> bool {
        let state = self.state.read();
        state
            .segments
            .get(segment.base)
            .is_some_and(|s| Arc::ptr_eq(s, segment))
    }
}

/// Whether something that was looked up may have gone in the meantime. Damage does not pass.
pub(super) fn is_raced(error: &Error) -> bool {
    matches!(error.kind(), Kind::NotFound | Kind::OutOfRange)
}

fn check_range(from: Offset, ends: &Ends) -> Result<()> {
    if from >= ends.log_start && from <= ends.appended {
        return Ok(());
    }
    Err(Error::coded(
        Code::OffsetOutOfRange,
        format!(
            "offset {from} is outside of {}..{}: seek to one of these",
            ends.log_start, ends.appended
        ),
    ))
}

/// Walks headers from `at` on: skips what ends at or below `from`, then takes whole batches.
fn cut(bytes: &[u8], at: usize, wanted: &Wanted, place: Place) -> Cut {
    let (mut at, mut place) = (at, place);
    let mut range: Option<(usize, usize, Offset)> = None;
    loop {
        let done = |otherwise| match range {
            Some((start, end, next)) => Cut::Range { start, end, next },
            None => otherwise,
        };
        let left = bytes.get(at..).unwrap_or_default();
        let batch = match scan::peek(left) {
            Ok(Some(batch)) => batch,
            Ok(None) if range.is_none() && !left.is_empty() => {
                return Cut::Short {
                    start: at,
                    need: at + HEADER_BYTES,
                };
            }
            Ok(None) => return done(Cut::Nothing),
            Err(_) if range.is_some() => return done(Cut::Nothing),
            Err(why) => return Cut::Damaged { at, end: None, why },
        };
        // Older brokers name the last offset of several batches that were appended at once.
        let other = place.first_last.take().filter(|l| batch.next > l.plus(1));
        let flaw = match other {
            Some(_) => Some("it is not the batch that the index says"),
            None => place.flaw(&batch, left.get(batch.size..).unwrap_or_default()),
        };
        match flaw {
            Some(_) if range.is_some() => return done(Cut::Nothing),
            Some(why) => {
                let end = Some(at.saturating_add(batch.size));
                return Cut::Damaged { at, end, why };
            }
            None => place.start = Some(batch.next),
        }
        if batch.next <= wanted.from {
            at += batch.size;
            continue;
        }
        let start = range.map_or(at, |(start, _, _)| start);
        let first = range.is_none();
        let fits = at + batch.size - start <= wanted.max_bytes || (first && wanted.at_least_one);
        if first && batch.base < wanted.limit && batch.next > wanted.limit {
            let end = at.saturating_add(batch.size);
            return Cut::Straddles { start: at, end };
        }
        if batch.next > wanted.limit || !fits {
            return done(Cut::Withheld);
        }
        if batch.size > left.len() {
            return match first {
                true => Cut::Short {
                    start: at,
                    need: at + batch.size,
                },
                false => done(Cut::Nothing),
            };
        }
        at += batch.size;
        range = Some((start, at, batch.next));
    }
}

/// Whether a batch starts at this position of the segment whose first offset is not above `offset`.
fn begins_at_or_below(segment: &Segment, position: u64, offset: Offset) -> bool {
    let size = segment.tail().size;
    if position + HEADER_BYTES as u64 > size {
        return false;
    }
    let Ok((bytes, at)) = segment.bytes(position, HEADER_BYTES as u64) else {
        return false;
    };
    let found = scan::peek(bytes.get(at..).unwrap_or_default());
    found.ok().flatten().is_some_and(|b| b.base <= offset)
}

/// Bytes of a segment that are in memory.
struct Window<'a> {
    segment: &'a Segment,
    bytes: &'a Bytes,
    /// Where in the file `bytes` begin.
    origin: u64,
}

impl Window<'_> {
    fn damage(&self, at: usize, why: &str) -> Error {
        Error::corrupt(format!(
            "{} is damaged at byte {}: {why}; what lies behind can be read",
            self.segment.path().display(),
            self.origin + at as u64
        ))
    }

    fn frame_end(&self, start: usize) -> Option<u64> {
        let frame = scan::peek(self.bytes.get(start..)?).ok().flatten()?;
        Some(self.origin + (start + frame.size) as u64)
    }

    /// Compares the checksum of the batch in `start..end`.
    fn check(&self, start: usize, end: usize) -> Result<()> {
        let Some(bytes) = self.bytes.get(start..end) else {
            return Err(self.damage(start, "half a batch"));
        };
        let checked = BatchView::parse(bytes).and_then(|batch| batch.check_crc());
        checked.map_err(|e| self.damage(start, e.message()))
    }

    /// Compares the checksums of batches that are read for the first time. What is damaged is never
    /// given: what lies before it is, or else an error.
    fn verified(&self, start: usize, end: usize, next: Offset) -> Result<(Bytes, Offset)> {
        let from = self.origin + start as u64;
        if self.segment.is_verified(from, self.origin + end as u64) {
            return Ok((self.bytes.slice(start..end), next));
        }
        let (mut sound, mut sound_next) = (start, next);
        for batch in Batches::new(self.bytes.get(start..end).unwrap_or_default()) {
            match batch.and_then(|b| b.check_crc().map(|()| b)) {
                Ok(batch) => {
                    sound += batch.bytes().len();
                    sound_next = batch.header().next_offset();
                }
                Err(e) if sound == start => return Err(self.damage(sound, e.message())),
                Err(_) => break,
            }
        }
        self.segment.set_verified(from, self.origin + sound as u64);
        Ok((self.bytes.slice(start..sound), sound_next))
    }
}
