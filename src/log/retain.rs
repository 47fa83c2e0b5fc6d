//! Letting go of the oldest segments: by age, by size, by request, or because the archive has them.

use std::sync::Arc;

use super::Partition;
use super::segment::Segment;
use crate::error::{Code, Error, Result};
use crate::types::Offset;

impl Partition {
    /// DeleteRecords: moves the log start; whole segments below it go. Gives the new log start.
    /// `Offset(-1)` stands for the high watermark; OutOfRange above it.
    pub fn delete_records(&self, before: Offset) -> Result<Offset> {
        let start = {
            let mut state = self.state.write();
            state
                .check_writable()
                .map_err(|e| e.at(&self.options.name))?;
            let to = if before == Offset(-1) {
                state.visible
            } else {
                before
            };
            if to > state.visible || to < Offset::ZERO {
                let range = format!("offset {to} is not in 0..={}", state.visible);
                return Err(Error::coded(Code::OffsetOutOfRange, range).at(&self.options.name));
            }
            state.set_log_start(to);
            state.log_start
        };
        self.drop_below(start)?;
        Ok(start)
    }

    /// Retention by time and size over the local segments; gives the bytes that went. The engine asks
    /// the archive first, so that sizes count both. What the archive keeps below the local segments
    /// keeps them too: records leave a log from its start only, and times need not ascend.
    ///
    /// Kafka's rules: from the oldest on, a segment goes when its largest timestamp is older than
    /// `retention.ms`, or as long as what stays is still `retention.bytes` or more. The active one is
    /// sealed first when it is to go as well. Nothing goes that is not visible yet.
    pub fn retain(&self) -> Result<u64> {
        let config = self.config();
        let (segments, visible) = {
            let state = self.state.read();
            state
                .check_writable()
                .map_err(|e| e.at(&self.options.name))?;
            let segments: Vec<Arc<Segment>> = state.segments.iter().cloned().collect();
            (segments, state.visible)
        };
        if !config.cleanup.delete {
            let start = self.ends().log_start;
            return self.drop_below(start);
        }
        if self.is_held_by_archive(&segments) {
            return self.drop_below(self.ends().log_start);
        }
        let now = self.options.clock.now();
        let total: u64 = segments.iter().map(|s| s.tail().size).sum();
        let size_max = config.retention_bytes.filter(|max| *max >= 0);
        let mut over = size_max.map_or(0, |max| total.saturating_sub(max.unsigned_abs()));
        let mut to = None;
        for segment in &segments {
            let tail = segment.tail();
            if tail.next > visible || (tail.size == 0 && !segment.is_sealed()) {
                break;
            }
            if tail.size == 0 {
                // Compaction left nothing of it: it goes with what is behind it.
                continue;
            }
            let (latest, _) = self.latest_of(segment)?;
            let old = config
                .retention_ms
                .filter(|ms| *ms >= 0)
                .is_some_and(|ms| latest.get() >= 0 && now.get().saturating_sub(latest.get()) > ms);
            let large = over >= tail.size && size_max.is_some();
            if !old && !large {
                break;
            }
            over = over.saturating_sub(tail.size);
            to = Some(tail.next);
        }
        let Some(to) = to else {
            return self.drop_below(self.ends().log_start);
        };
        if segments.last().is_some_and(|last| last.tail().next <= to) {
            self.roll(true)?;
        }
        self.state.write().set_log_start(to);
        self.drop_below(to)
    }

    /// Whether the cold store has records that may be read and lie before these segments.
    fn is_held_by_archive(&self, segments: &[Arc<Segment>]) -> bool {
        let local = segments.first().map_or(Offset::ZERO, |s| s.base);
        let start = self.ends().log_start;
        let cold = self.options.cold.range();
        cold.is_some_and(|(first, end)| first < local && end > start)
    }

    /// Removes local segments wholly below `before`, which the cold store has. The log start stays.
    pub fn drop_archived(&self, before: Offset) -> Result<u64> {
        let archived = self
            .options
            .cold
            .range()
            .map_or(Offset::ZERO, |(_, end)| end);
        self.drop_below(before.min(archived.max(self.ends().log_start)))
    }

    /// Takes whole sealed segments below `before` out of the log, then removes their files. Who reads
    /// from one of them keeps the bytes it holds, or looks again.
    fn drop_below(&self, before: Offset) -> Result<u64> {
        let _maintaining = self.maintaining.lock();
        let in_doubt = {
            let state = self.state.read();
            let below = state.segments.below(before.min(state.visible));
            below.iter().any(|s| !state.is_settled(s))
        };
        if in_doubt {
            self.sync()?;
        }
        let gone = {
            let _writer = self.writer.lock();
            let mut state = self.state.write();
            // What was sealed since waits for the next time.
            let gone = state.settled_below(before.min(state.durable));
            for segment in &gone {
                state.segments.remove(segment.base);
            }
            if !gone.is_empty() {
                let start = state.segments.first().map_or(before, |s| s.base);
                if self.options.cold.range().is_none() {
                    state.epochs.truncate_from_start(start);
                }
            }
            gone
        };
        let mut bytes = 0;
        for segment in gone {
            bytes += segment.tail().size;
            segment.remove()?;
            // One after the other, so that a crash leaves no gap between what is left.
            let dir = &self.options.dir;
            let synced = self.options.disk.sync_dir(dir);
            synced.map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))?;
        }
        Ok(bytes)
    }

    /// Forgets producers that were silent for `producer.id.expiration.ms`; gives how many.
    pub fn expire_producers(&self) -> usize {
        let after_ms = self.config().producer_id_expiration_ms;
        let now = self.options.clock.now();
        self.writer.lock().producers.expire(now, after_ms)
    }
}
