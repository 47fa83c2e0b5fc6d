//! Where a log starts, by the checkpoint and by the archive, against what its files say.

use std::sync::Arc;

use super::load::{End, Loading};
use super::rebuild::{Walk, walk};
use crate::error::{Error, Result};
use crate::log::checkpoint;
use crate::log::producers::ProducerStates;
use crate::log::segment::{Growth, Segment};
use crate::types::Offset;

impl Loading<'_> {
    /// Before segments are recovered: those that were deleted go, because damage in them must not cut
    /// what was not deleted.
    pub(super) fn drop_deleted(&mut self) -> Result<()> {
        let last = self.segments.last().map_or(Offset::ZERO, |s| s.base);
        if self.options.log_start.is_some_and(|start| start > last) && !self.is_empty() {
            let end = self.end_by_headers()?;
            self.check_log_start(end)?;
        }
        self.drop_below_log_start()
    }

    /// Holds the end that was found against log start and archive; gives the end from which the log goes
    /// on.
    pub(super) fn settle_start(&mut self, end: End) -> Result<End> {
        let found = end.growth.tail.next;
        let archived = self.options.cold.range();
        let archived = archived.map_or(Offset::ZERO, |(_, end)| end);
        let start = self.options.log_start.unwrap_or(Offset::ZERO);
        let end = if found < archived {
            // The offsets up to there were given out.
            self.start_over(archived)?
        } else if found < start && self.is_empty() {
            self.start_over(start)?
        } else {
            end
        };
        self.check_log_start(end.growth.tail.next)?;
        self.drop_below_log_start()?;
        Ok(end)
    }

    /// Nothing that is here lies above `base`: the log goes on there. What is known of producers goes
    /// too: it is of before, and a transaction that is open in it was ended.
    fn start_over(&mut self, base: Offset) -> Result<End> {
        for segment in std::mem::take(&mut self.segments).iter().rev() {
            segment.remove()?;
        }
        let first = Segment::create(self.place, base)?;
        self.segments.push(Arc::new(first));
        self.sync_dir()?;
        (self.producers, self.snapshot_at) = (ProducerStates::default(), None);
        Ok(End {
            growth: Growth::empty(base),
            first_timestamp: None,
        })
    }

    /// A crash may have come between the moving of the log start and the removal of segments.
    fn drop_below_log_start(&mut self) -> Result<()> {
        let start = self.options.log_start.unwrap_or(Offset::ZERO);
        let begun = self.segments.partition_point(|s| s.base <= start);
        for segment in self.segments.drain(..begun.saturating_sub(1)) {
            segment.remove()?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.segments.iter().all(|s| s.tail().size == 0)
    }

    /// Where the log ends at most: by its last headers, before their checksums are compared.
    fn end_by_headers(&self) -> Result<Offset> {
        let last = self.active()?;
        let mut how = Walk::headers(&self.options.config);
        Ok(walk(&last, last.tail().size, &mut how)?.growth.tail.next)
    }

    /// The log start is told by a file without a checksum: it must not take a whole log away.
    fn check_log_start(&self, end: Offset) -> Result<()> {
        match self.options.log_start {
            Some(start) if start > end => Err(Error::corrupt(format!(
                "{} says that the log starts at {start}, but it ends at {end}: restore its segments, or \
                 take its line out of that file",
                checkpoint::LOG_START
            ))),
            _ => Ok(()),
        }
    }
}
