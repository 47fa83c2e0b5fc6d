//! Cutting the end of the log off, for a replica that must agree with a new leader.

use super::Partition;
use super::recover;
use super::segment::Segment;
use crate::error::{Code, Error, Result};
use crate::log::PartitionOptions;
use crate::record::Batches;
use crate::types::Offset;

impl Partition {
    /// Removes every batch that reaches to `end` or beyond; gives the new end, which lies below `end`
    /// when a batch held it. All ends move back with it, the visible one too: the caller knows that
    /// nothing of this was to be seen. Readers keep the bytes they hold.
    ///
    /// OutOfRange below the first local offset. A failure poisons the log: reopening recovers it.
    pub fn truncate_to(&self, end: Offset) -> Result<Offset> {
        let _compacting = self.compacting.lock();
        let _maintaining = self.maintaining.lock();
        let _syncing = self.syncing.lock();
        let mut writer = self.writer.lock();
        let (appended, local_start, visible, durable, log_start) = {
            let state = self.state.read();
            state
                .check_writable()
                .map_err(|e| e.at(&self.options.name))?;
            let ends = state.ends();
            (
                ends.appended,
                ends.local_start,
                ends.visible,
                ends.durable,
                ends.log_start,
            )
        };
        if end >= appended {
            return Ok(appended);
        }
        if end < local_start {
            let message =
                format!("cannot truncate to {end}: the local log begins at {local_start}");
            let refused = Error::coded(Code::OffsetOutOfRange, message);
            return Err(refused.at(&self.options.name));
        }
        // The index knows nothing of what a failure leaves, so recovery looks at the files.
        let loaded = self.cut_files(end).and_then(|()| {
            let options = PartitionOptions {
                clean: false,
                recovery_point: durable.min(end),
                log_start: Some(log_start),
                config: self.config(),
                ..self.options.clone()
            };
            recover::load(&options, &self.place)
        });
        let loaded = loaded.inspect_err(|e| self.poison(e))?;
        let mut state = self.state.write();
        *writer = loaded.writer;
        *state = loaded.state;
        state.visible = visible.min(state.appended);
        Ok(state.appended)
    }

    /// Removes what lies behind, newest first, and cuts the segment that holds `end`.
    fn cut_files(&self, end: Offset) -> Result<()> {
        let segments: Vec<_> = self.state.read().segments.iter().cloned().collect();
        for segment in segments.iter().rev() {
            let first = segments.first().is_some_and(|s| s.base == segment.base);
            if segment.base >= end && !first {
                segment.remove()?;
                continue;
            }
            let position = position_of(segment, end)?;
            if position < segment.tail().size {
                recover::cut(segment, position)?;
            }
            break;
        }
        let dir = &self.options.dir;
        let synced = self.options.disk.sync_dir(dir);
        synced.map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))
    }
}

/// Where the first batch begins that reaches to `end` or beyond.
fn position_of(segment: &Segment, end: Offset) -> Result<u64> {
    let size = segment.tail().size;
    let from = match end <= segment.base {
        true => 0,
        false => u64::from(segment.indexes().offset.lookup(end)?.1),
    };
    let (bytes, at) = segment.bytes(from, size - from)?;
    let mut position = from;
    for batch in Batches::new(bytes.get(at..).unwrap_or_default()) {
        let batch = batch.map_err(|e| e.at(segment.path().display()))?;
        if batch.header().next_offset() > end {
            break;
        }
        position += batch.header().size_bytes as u64;
    }
    Ok(position)
}
