//! Sealing the active segment and starting the next.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::Partition;
use super::open::Writer;
use crate::config::TopicConfig;
use crate::error::Result;
use crate::log::segment::{Growth, Segment};
use crate::types::{Offset, Timestamp};

impl Partition {
    /// Seals the active segment when its age or size says so, or always with `force` (unless it is
    /// empty). Gives whether it did.
    pub fn roll(&self, force: bool) -> Result<bool> {
        let config = self.config();
        let mut writer = self.writer.lock();
        self.state
            .read()
            .check_writable()
            .map_err(|e| e.at(&self.options.name))?;
        if writer.growth.tail.size == 0 {
            return Ok(false);
        }
        let age = self
            .options
            .clock
            .monotonic()
            .saturating_sub(writer.since)
            .as_millis();
        let old = age > self.age_ms_max(&writer, &config).unsigned_abs().into();
        let next = writer.growth.tail.next;
        if !force && !old && !self.is_full(&writer, 0, next, None, &config)? {
            return Ok(false);
        }
        self.roll_locked(&mut writer)?;
        Ok(true)
    }

    /// Kafka's rules: size, the first batch's timestamp against that of the new one, a full index,
    /// an offset too far from the base.
    pub(in crate::log) fn is_full(
        &self,
        writer: &Writer,
        bytes: u64,
        last: Offset,
        latest: Option<Timestamp>,
        config: &TopicConfig,
    ) -> Result<bool> {
        let size = writer.growth.tail.size;
        if size == 0 {
            return Ok(false);
        }
        let waited = match (writer.first_timestamp, latest) {
            (Some(first), Some(latest)) if first >= Timestamp(0) => {
                latest.get().saturating_sub(first.get())
            }
            _ => 0,
        };
        let indexes = writer.active.indexes();
        Ok(size + bytes > u64::from(config.segment_bytes)
            || waited > self.age_ms_max(writer, config)
            || last.since(writer.active.base) > i64::from(i32::MAX)
            || indexes.offset.is_full()?
            || indexes.time.is_full()?)
    }

    /// `segment.ms` less this segment's share of `segment.jitter.ms`, so that partitions which
    /// began together do not roll together.
    fn age_ms_max(&self, writer: &Writer, config: &TopicConfig) -> i64 {
        let jitter = match config.segment_jitter_ms.min(config.segment_ms) {
            ..=0 => 0,
            max => {
                let mut hasher = DefaultHasher::new();
                (&self.options.name, writer.active.base).hash(&mut hasher);
                (hasher.finish() % max.unsigned_abs()).cast_signed()
            }
        };
        config.segment_ms.saturating_sub(jitter)
    }

    /// The next append goes to a new file. The producer snapshot is taken now and written by the
    /// next sync, after the data that it stands for.
    pub(in crate::log) fn roll_locked(&self, writer: &mut Writer) -> Result<()> {
        let next = writer.growth.tail.next;
        let segment = Arc::new(Segment::create(&self.place, next)?);
        if let Err(e) = writer.active.seal() {
            // An empty segment left behind would stand in the way of what the active one gets now.
            match segment.remove() {
                Err(_) => self.poison(&e),
                Ok(()) => self.state.write().dir_changed = true,
            }
            return Err(e);
        }
        let mut state = self.state.write();
        state.segments.insert(segment.clone());
        state.mark_unsynced(&writer.active);
        state.dir_changed = true;
        state.snapshots.push((next, writer.producers.encode()));
        drop(state);
        writer.active = segment;
        writer.growth = Growth::empty(next);
        writer.first_timestamp = None;
        writer.indexes_changed = false;
        Ok(())
    }
}
