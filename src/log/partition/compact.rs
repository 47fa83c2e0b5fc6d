//! Compaction of a partition: the runs of [`crate::log::compact`] on its list of segments.
//!
//! Cleaning reads sealed segments and writes new files beside them; appends and reads go on. Only
//! the exchange of names keeps others out, and of them only who changes the list of segments or
//! lets go of files: readers hold the old bytes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Partition;
use super::options::Compacted;
use crate::config::TopicConfig;
use crate::error::{Kind, Result};
use crate::log::Stop;
use crate::log::compact::{
    CleanedGroup, Cleaner, Job, Plan, Situation, Source, discard, plan, swap_in,
};
use crate::log::segment::{Found, Indexes, Segment, Tail};
use crate::record::{BatchHeader, HEADER_BYTES};
use crate::types::{Offset, Timestamp};

impl Partition {
    /// One bounded compaction run; `None` when the topic is not compacted, nothing is dirty enough,
    /// or a run is under way. `map_bytes_max` bounds the key map; a run that it ends early leaves the
    /// rest for the next.
    ///
    /// Errors leave the log as it was, but for one in the exchange of files: that one closes the log
    /// to writes until it is reopened.
    pub fn compact(&self, map_bytes_max: usize) -> Result<Option<Compacted>> {
        self.compact_until(map_bytes_max, &Stop::new())
    }

    /// As [`compact`](Self::compact); soon after `stop` was set it ends with `None`. What was exchanged
    /// by then stays so, and the next run starts over.
    pub fn compact_until(&self, map_bytes_max: usize, stop: &Stop) -> Result<Option<Compacted>> {
        match self.compact_all(map_bytes_max, stop) {
            Err(e) if stop.is_set() && e.kind() == Kind::Closed => Ok(None),
            outcome => outcome,
        }
    }

    fn compact_all(&self, map_bytes_max: usize, stop: &Stop) -> Result<Option<Compacted>> {
        let config = self.config();
        let Some(_one_at_a_time) = self.compacting.try_lock() else {
            return Ok(None);
        };
        if !config.cleanup.compact {
            return Ok(None);
        }
        self.settle()?;
        let Some(plan) = self.plan(&config).map_err(|e| e.at(self.name()))? else {
            return Ok(None);
        };
        let from = plan.sources.first().map_or(Offset::ZERO, |s| s.base);
        let mut cleaner = Cleaner::prepare(Job {
            disk: self.options.disk.clone(),
            dir: &self.options.dir,
            aborted: self.aborted(from, plan.end)?,
            producers: self.writer.lock().producers.last_records(),
            now: self.options.clock.now(),
            config: &config,
            map_bytes_max,
            plan,
            stop,
        })?;
        while let Some(group) = cleaner.next_group()? {
            if !self.exchange(&group)? {
                // Retention was faster: what is left is planned anew.
                return Ok(None);
            }
        }
        let done = cleaner.done();
        self.cleaned
            .store(done.clean_until.get(), Ordering::Release);
        Ok(Some(done))
    }

    /// Everything below was cleaned: what the cleaner checkpoint says.
    pub fn cleaned(&self) -> Offset {
        Offset(self.cleaned.load(Ordering::Acquire))
    }

    /// Tells a partition that was opened what the cleaner checkpoint says of it; without, the first
    /// run cleans from the start.
    pub fn set_cleaned(&self, to: Offset) {
        self.cleaned.store(to.get(), Ordering::Release);
    }

    fn plan(&self, config: &TopicConfig) -> Result<Option<Plan>> {
        let (segments, last_stable, durable) = {
            let state = self.state.read();
            state.check_writable()?;
            let segments = state.settled_below(state.appended);
            (segments, state.last_stable(), state.durable)
        };
        let mut sources = Vec::with_capacity(segments.len());
        for segment in &segments {
            let tail = segment.tail();
            let max_timestamp = match config.min_compaction_lag_ms {
                ..=0 => Timestamp::NONE,
                _ => self.latest_of(segment)?.0,
            };
            sources.push(Source {
                base: segment.base,
                next: tail.next,
                size_bytes: tail.size,
                max_timestamp,
            });
        }
        let situation = Situation {
            sources: &sources,
            first_dirty: self.cleaned(),
            last_stable: last_stable.min(durable),
            now: self.options.clock.now(),
            config,
        };
        plan(&situation, |source| {
            let segment = segments.iter().find(|s| s.base == source.base);
            match segment.filter(|_| source.size_bytes > 0) {
                Some(segment) => first_timestamp(segment),
                None => Ok(self.options.clock.now()),
            }
        })
    }

    /// Puts a cleaned group in the place of its segments; `false` when one of them is gone.
    fn exchange(&self, group: &CleanedGroup) -> Result<bool> {
        let (disk, dir) = (&*self.options.disk, &*self.options.dir);
        let _maintaining = self.maintaining.lock();
        let old: Vec<Arc<Segment>> = {
            let state = self.state.read();
            state.check_writable()?;
            let replaced = group.replaces.iter();
            replaced
                .filter_map(|base| state.segments.get(*base).cloned())
                .collect()
        };
        if old.len() < group.replaces.len() {
            discard(disk, dir, group.base)?;
            return Ok(false);
        }
        if group.size_bytes == 0 && self.drop_emptied(group, &old)? {
            return Ok(true);
        }
        for segment in &old {
            // From here on the names may stand for other bytes: everything is read before.
            let held = self.with_indexes_maintaining(segment, Indexes::hold);
            let held = held.and_then(|()| segment.bytes(0, 0).map(drop));
            if let Err(e) = held {
                discard(disk, dir, group.base)?;
                return Err(e);
            }
        }
        if let Err(e) = swap_in(disk, dir, group) {
            self.poison(&e);
            return Err(e);
        }
        let new = self.cleaned_segment(group);
        let _writer = self.writer.lock();
        let mut state = self.state.write();
        for segment in &old {
            state.segments.remove(segment.base);
        }
        state.segments.insert(new);
        Ok(true)
    }

    /// Nothing is left of these segments: they go, and the one before them reaches up to the next.
    /// `false` when there is none before them; the first stays, so that the log starts where it did.
    fn drop_emptied(&self, group: &CleanedGroup, old: &[Arc<Segment>]) -> Result<bool> {
        {
            let _writer = self.writer.lock();
            let mut state = self.state.write();
            let below = state.segments.below(group.base);
            let Some(before) = below.last() else {
                return Ok(false);
            };
            before.set_tail(Tail {
                next: group.next,
                ..before.tail()
            });
            for segment in old {
                state.segments.remove(segment.base);
            }
        }
        discard(&*self.options.disk, &self.options.dir, group.base)?;
        for segment in old {
            segment.remove()?;
        }
        Ok(true)
    }

    fn cleaned_segment(&self, group: &CleanedGroup) -> Arc<Segment> {
        let found = Found {
            log_bytes: Some(group.size_bytes),
            index_bytes: Some(group.index_bytes),
            time_bytes: Some(group.time_bytes),
            txn_bytes: group.txn_bytes,
        };
        let segment = Segment::open(&self.place, group.base, group.next, &found);
        segment.set_tail(Tail {
            size: group.size_bytes,
            next: group.next,
            latest: Some(group.latest.unwrap_or((Timestamp::NONE, group.base))),
        });
        Arc::new(segment)
    }
}

/// Kafka measures `max.compaction.lag.ms` from the first batch.
fn first_timestamp(segment: &Segment) -> Result<Timestamp> {
    let (bytes, at) = segment.bytes(0, HEADER_BYTES as u64)?;
    let header = BatchHeader::parse(bytes.get(at..).unwrap_or_default())?;
    Ok(header.max_timestamp)
}
