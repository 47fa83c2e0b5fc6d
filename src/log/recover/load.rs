//! From a directory to a partition's state.
//!
//! Cost after a clean close: a listing, the small files, the indexes' last entries and a few KiB of
//! the last segment. Otherwise: one sequential read with checksums from the segment that holds the
//! recovery point on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::files;
use super::rebuild::{Walk, rebuild_indexes, walk};
use super::tail;
use crate::disk::Disk;
use crate::error::{Error, Kind, Result};
use crate::log::compact::finish_swaps;
use crate::log::partition::{PartitionOptions, Recovered, State, Writer};
use crate::log::producers::ProducerStates;
use crate::log::segment::{Found, Growth, Place, Segment};
use crate::log::segments::Segments;
use crate::log::{Epochs, names};
use crate::types::{Offset, Timestamp};

/// What opening found and made.
pub(in crate::log) struct Loaded {
    pub writer: Writer,
    pub state: State,
    pub recovered: Recovered,
}

/// The end of the log while it is being opened.
pub(super) struct End {
    pub growth: Growth,
    pub first_timestamp: Option<Timestamp>,
}

pub(super) struct Loading<'a> {
    pub options: &'a PartitionOptions,
    pub place: &'a Place,
    /// Oldest first; the last is active.
    pub segments: Vec<Arc<Segment>>,
    pub producers: ProducerStates,
    pub snapshot_at: Option<Offset>,
    pub epochs: Epochs,
    pub recovered: Recovered,
    /// What was not synced may be readable and yet lost: it is written anew.
    pub sync_failed: bool,
}

pub(in crate::log) fn load(options: &PartitionOptions, place: &Place) -> Result<Loaded> {
    files::prepare(options)?;
    for log in finish_swaps(&*place.disk, &place.dir)? {
        tracing::info!(file = %log.display(), "compaction that a crash cut short completed");
    }
    let found = files::list(place)?;
    let mut loading = Loading {
        options,
        place,
        segments: Vec::with_capacity(found.len().max(1)),
        producers: ProducerStates::default(),
        snapshot_at: None,
        epochs: Epochs::default(),
        recovered: Recovered::default(),
        sync_failed: place.disk.exists(&place.dir.join(names::SYNC_FAILED)),
    };
    loading.load_epochs()?;
    let created = found.is_empty();
    if created {
        loading.create_first()?;
    } else {
        loading.open_segments(&found);
    }
    let end = match options.clean && !loading.sync_failed {
        true => loading.open_clean(&found)?,
        false => {
            loading.drop_deleted()?;
            let from = loading.scan_from(options.recovery_point)?;
            loading.complete_indexes(&found, from)?;
            loading.recover_from(options.recovery_point)?
        }
    };
    let end = loading.settle_start(end)?;
    files::settle(options, created)?;
    loading.finish(end)
}

impl Loading<'_> {
    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.options.disk
    }

    /// A damaged file is removed: recovery learns the epochs of what it scans.
    fn load_epochs(&mut self) -> Result<()> {
        self.epochs = match Epochs::load(self.disk(), &self.options.dir) {
            Err(e) if e.kind() == Kind::Corrupt => {
                tracing::warn!(partition = %self.options.name, error = %e, "leader epochs lost");
                let path = self.options.dir.join(crate::log::EPOCHS_FILE);
                self.recovered.rebuilt.push(path);
                Epochs::default()
            }
            other => other?,
        };
        Ok(())
    }

    fn create_first(&mut self) -> Result<()> {
        let archived = self
            .options
            .cold
            .range()
            .map_or(Offset::ZERO, |(_, end)| end);
        let base = self.options.log_start.unwrap_or(Offset::ZERO).max(archived);
        self.segments
            .push(Arc::new(Segment::create(self.place, base)?));
        Ok(())
    }

    fn open_segments(&mut self, found: &BTreeMap<Offset, Found>) {
        let bases: Vec<Offset> = found.keys().copied().collect();
        for (at, (base, found)) in found.iter().enumerate() {
            let segment = match bases.get(at + 1) {
                Some(next) => Segment::open(self.place, *base, *next, found),
                None => Segment::open_active(self.place, *base, found),
            };
            self.segments.push(Arc::new(segment));
        }
    }

    pub(super) fn active(&self) -> Result<Arc<Segment>> {
        let last = self.segments.last().cloned();
        last.ok_or_else(|| Error::internal("a log without segments"))
    }

    /// After a clean close. Should the end of the log not fit together, it is recovered after all.
    fn open_clean(&mut self, found: &BTreeMap<Offset, Found>) -> Result<End> {
        self.complete_indexes(found, Offset::MAX)?;
        let active = self.active()?;
        let files = found.get(&active.base).copied().unwrap_or_default();
        let size = active.tail().size;
        let sound = size == 0 || has_indexes(&files);
        let end = match sound {
            true => tail::find(&active, size)?,
            false => None,
        };
        let Some((growth, first_timestamp)) = end else {
            return self.recover_from(active.base);
        };
        active.set_tail(growth.tail);
        self.load_producers(growth.tail.next)?;
        Ok(End {
            growth,
            first_timestamp,
        })
    }

    /// Indexes that are missing, or cut short, are made anew for the sealed segments below `end`.
    fn complete_indexes(&mut self, found: &BTreeMap<Offset, Found>, end: Offset) -> Result<()> {
        let sealed = self
            .segments
            .iter()
            .filter(|s| s.is_sealed() && s.base < end);
        for segment in sealed {
            let files = found.get(&segment.base).copied().unwrap_or_default();
            if segment.tail().size > 0 && !has_indexes(&files) {
                rebuild_indexes(segment, &self.options.config)?;
                let path = index_path(self.place, segment.base);
                self.recovered.rebuilt.push(path);
            }
        }
        Ok(())
    }

    /// Producer state at `end`: the newest snapshot, and the batches behind it.
    fn load_producers(&mut self, end: Offset) -> Result<()> {
        let latest = ProducerStates::load_latest(self.disk(), &self.options.dir, end)?;
        let (producers, at, damaged) = latest;
        (self.producers, self.snapshot_at) = (producers, at);
        self.recovered.rebuilt.extend(damaged);
        if at != Some(end) {
            self.replay(at.unwrap_or(Offset::ZERO), end)?;
        }
        Ok(())
    }

    /// Takes the headers of `from..to` into the producer state.
    pub(super) fn replay(&mut self, from: Offset, to: Offset) -> Result<()> {
        for segment in &self.segments {
            let tail = segment.tail();
            if segment.base >= to || (segment.is_sealed() && tail.next <= from) {
                continue;
            }
            let mut how = Walk {
                producers: Some((&mut self.producers, from)),
                ..Walk::headers(&self.options.config)
            };
            let walked = walk(segment, tail.size, &mut how)?;
            if let Some(why) = walked.bad {
                tracing::warn!(file = %segment.path().display(), position = walked.growth.tail.size, why,
                    "damage in a segment that recovery does not touch");
            }
            segment.rest();
        }
        Ok(())
    }

    fn finish(mut self, end: End) -> Result<Loaded> {
        let appended = end.growth.tail.next;
        let active = self.active()?;
        active.rest();
        let first = self.segments.first().map_or(appended, |s| s.base);
        let cold = self.options.cold.range();
        let known = cold.map_or(first, |(start, _)| start.min(first));
        let log_start = self
            .options
            .log_start
            .unwrap_or(known)
            .max(known)
            .min(appended);
        self.epochs.truncate_from_end(appended);
        let mut segments = Segments::default();
        for segment in self.segments {
            segments.insert(segment);
        }
        let epochs_unsaved = self.epochs.is_changed().then_some(Offset::ZERO);
        let state = State {
            segments,
            log_start,
            visible: appended,
            durable: appended,
            appended,
            first_unstable: self.producers.first_open().map(|(offset, _)| offset),
            ended: VecDeque::new(),
            unsynced: Vec::new(),
            in_sync: Vec::new(),
            unsynced_since: None,
            dir_changed: false,
            snapshots: Vec::new(),
            epochs: self.epochs,
            epochs_unsaved,
            failed: None,
            closed: false,
        };
        self.producers.on_visible(appended);
        let writer = Writer {
            active,
            growth: end.growth,
            producers: self.producers,
            first_timestamp: end.first_timestamp,
            since: self.options.clock.monotonic(),
            snapshot_at: self.snapshot_at,
            indexes_changed: !self.recovered.rebuilt.is_empty(),
        };
        Ok(Loaded {
            writer,
            state,
            recovered: self.recovered,
        })
    }
}

/// Whether both indexes are there, with sizes that they can have.
fn has_indexes(found: &Found) -> bool {
    found.index_bytes.is_some_and(|b| b.is_multiple_of(8))
        && found.time_bytes.is_some_and(|b| b.is_multiple_of(12))
}

fn index_path(place: &Place, base: Offset) -> std::path::PathBuf {
    names::path(&place.dir, base, names::Part::OffsetIndex)
}
