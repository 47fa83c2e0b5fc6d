//! Recovery after a crash: everything from the recovery point on is read and checked.

use std::sync::Arc;

use super::cut::{copy, cut};
use super::load::{End, Loading};
use super::rebuild::{Walk, Walked, walk};
use crate::error::{Error, Result};
use crate::log::names::{self, Part};
use crate::log::producers::{ProducerStates, list_snapshots, snapshot_path};
use crate::log::segment::{Indexes, Segment};
use crate::types::Offset;

impl Loading<'_> {
    /// The base of the segment where scanning begins: the one that holds `point`, or, where `point`
    /// is between two, the one before. That may have been sealed since its last byte was synced, so
    /// that its indexes were not, unless a snapshot says so.
    pub(super) fn scan_from(&self, point: Offset) -> Result<Offset> {
        let known = list_snapshots(self.disk(), &self.options.dir)?;
        let sealed = known.last().is_some_and(|at| *at >= point);
        let point = if sealed { point } else { point.plus(-1) };
        let after = self.segments.partition_point(|s| s.base <= point);
        let start = self.segments.get(after.saturating_sub(1));
        Ok(start.map_or(Offset::ZERO, |s| s.base))
    }

    /// Reads everything from the segment that holds `point` on, cuts at the first bad batch, and
    /// makes indexes, epochs and producer state anew from there.
    pub(super) fn recover_from(&mut self, point: Offset) -> Result<End> {
        let from = self.scan_from(point)?;
        let start = self.segments.partition_point(|s| s.base < from);
        let latest = ProducerStates::load_latest(self.disk(), &self.options.dir, from)?;
        let (producers, at, damaged) = latest;
        (self.producers, self.snapshot_at) = (producers, at);
        self.recovered.rebuilt.extend(damaged);
        let known = list_snapshots(self.disk(), &self.options.dir)?;
        // A snapshot is written when what lies below it is synced.
        let synced = point.max(known.last().copied().unwrap_or(Offset::ZERO));
        self.drop_snapshots(known.iter().copied().filter(|at| *at > from))?;
        if at != Some(from) {
            self.replay(at.unwrap_or(Offset::ZERO), from)?;
        }
        self.epochs.truncate_from_end(from);
        let (mut end, mut at) = (None, start);
        while at < self.segments.len() {
            end = Some(self.recover_segment(at, synced)?);
            at += 1;
        }
        self.sync_dir()?;
        self.forget_failed_sync()?;
        let end = end.ok_or_else(|| Error::internal("a log without segments"))?;
        if end.growth.tail.next < point {
            let missing = format!(
                "records {}..{point} were synced once and are not there any more",
                end.growth.tail.next
            );
            let path = self.active()?.path();
            let place = (path, end.growth.tail.size, missing);
            self.recovered.damaged.push(place);
        }
        Ok(end)
    }

    /// Checks the segment at this place of the list, which becomes the last when it is cut; gives its
    /// end. What is kept is synced: it may have been in the page cache only.
    fn recover_segment(&mut self, at: usize, synced: Offset) -> Result<End> {
        let found = self.segments.get(at).cloned();
        let segment = found.ok_or_else(|| Error::internal("no such segment"))?;
        let len = segment.tail().size;
        let made = Indexes::create(self.place, segment.base);
        let later = self.segments.get(at + 1..).unwrap_or_default();
        let filled = later.iter().find(|s| s.tail().size > 0);
        let mut how = Walk {
            config: &self.options.config,
            check_crc: true,
            indexes: Some(&made),
            producers: Some((&mut self.producers, segment.base)),
            epochs: Some(&mut self.epochs),
            next_base: filled.map_or(Offset::MAX, |s| s.base),
            synced_below: synced,
            whole_from: match self.options.config.cleanup.compact {
                true => Offset::MAX,
                false => synced,
            },
        };
        let mut walked = walk(&segment, len, &mut how)?;
        self.drop_unborn(at + 1, walked.growth.tail.next)?;
        let next = self.segments.get(at + 1).map(|s| s.base);
        if walked.bad.is_none() && self.is_lost(walked.growth.tail.next, next, synced) {
            walked.bad = Some("the records up to the next segment were lost".to_owned());
        }
        self.recovered.scanned_bytes += len;
        let index = names::path(&self.place.dir, segment.base, Part::OffsetIndex);
        self.recovered.rebuilt.push(index);
        self.note_damage(&segment, next, &walked);
        self.remove_txn_index(&segment)?;
        let mut tail = walked.growth.tail;
        if let Some(why) = &walked.bad {
            self.recovered.cut_bytes += len - tail.size;
            self.recovered.cut = Some((segment.path(), tail.size, why.clone()));
            // First what lies behind: should a crash come now, the same is found again.
            self.drop_behind(at + 1)?;
            if tail.size < len && !self.sync_failed {
                cut(&segment, tail.size)?;
            }
        } else if let Some(next) = next {
            tail.next = next;
        }
        if self.sync_failed {
            copy(&segment, tail.size)?;
        }
        segment.set_tail(tail);
        segment.set_indexes(made);
        if at + 1 < self.segments.len() {
            segment.seal()?;
        } else {
            segment.make_active();
            if walked.damaged.is_empty() {
                segment.set_own_from(0);
            }
        }
        segment.sync()?;
        segment.rest();
        Ok(End {
            growth: walked.growth,
            first_timestamp: walked.first_timestamp,
        })
    }

    /// Removes the segments from this place of the list on, newest first.
    fn drop_behind(&mut self, at: usize) -> Result<()> {
        for dropped in self.segments.split_off(at).iter().rev() {
            self.recovered.cut_bytes += dropped.tail().size;
            dropped.remove()?;
        }
        self.sync_dir()
    }

    /// Empty segments that the one before reaches beyond: a roll that failed left them.
    fn drop_unborn(&mut self, at: usize, end: Offset) -> Result<()> {
        let unborn = |s: &Arc<Segment>| s.tail().size == 0 && s.base < end;
        while self.segments.get(at).is_some_and(unborn) {
            self.segments.remove(at).remove()?;
        }
        Ok(())
    }

    pub(super) fn sync_dir(&self) -> Result<()> {
        let dir = &self.options.dir;
        let synced = self.disk().sync_dir(dir);
        synced.map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))
    }

    /// Everything in doubt was written anew.
    fn forget_failed_sync(&self) -> Result<()> {
        if !self.sync_failed {
            return Ok(());
        }
        let path = self.options.dir.join(names::SYNC_FAILED);
        let removed = self.disk().remove_file(&path);
        removed.map_err(|e| Error::io(format_args!("remove {}", path.display()), e))
    }

    fn note_damage(&mut self, segment: &Segment, next: Option<Offset>, walked: &Walked) {
        for (position, why) in &walked.damaged {
            let place = (segment.path(), *position, why.clone());
            self.recovered.damaged.push(place);
        }
        let tail = &walked.growth.tail;
        if let Some(next) = next.filter(|next| tail.next < *next)
            && walked.bad.is_none()
            && !self.options.config.cleanup.compact
        {
            let gap = format!("records {}..{next} are missing behind it", tail.next);
            self.recovered
                .damaged
                .push((segment.path(), tail.size, gap));
        }
    }

    /// The new one is made by the first aborted transaction.
    fn remove_txn_index(&self, segment: &Segment) -> Result<()> {
        let path = names::path(&self.place.dir, segment.base, Part::TxnIndex);
        match self.disk().remove_file(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|e| Error::io(format_args!("remove {}", path.display()), e)),
        }
    }

    /// Whether a gap before the next segment is what a crash took of unsynced records: those behind
    /// it must go too, for a log is lost from its end. Compaction leaves gaps, and retention may
    /// have, but only in what was synced.
    fn is_lost(&self, end: Offset, next: Option<Offset>, synced: Offset) -> bool {
        let compacted = self.options.config.cleanup.compact;
        next.is_some_and(|next| end < next && next > synced && !compacted)
    }

    /// They stand for records that may not be there any more.
    fn drop_snapshots(&self, offsets: impl Iterator<Item = Offset>) -> Result<()> {
        for at in offsets {
            let path = snapshot_path(&self.options.dir, at);
            let removed = self.disk().remove_file(&path);
            removed.map_err(|e| Error::io(format_args!("remove {}", path.display()), e))?;
        }
        self.sync_dir()
    }
}
