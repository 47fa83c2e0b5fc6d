//! A run: the map of the dirty part first, then the segments anew, group by group.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::filter::{Filter, Filtered, Outcome, PLAIN_BYTES_MAX, Rules};
use super::keymap::KeyMap;
use super::output::{Output, OutputOptions};
use super::plan::{Plan, Source, groups};
use super::swap::{Part, discard, part_path};
use super::txns::{Fate, TxnWalk};
use crate::config::TopicConfig;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::{Aborted, Compacted, LastRecord, Stop};
use crate::record::{BatchView, Batches};
use crate::types::{Offset, ProducerId, Timestamp};

/// What a run needs to know.
#[derive(Debug)]
pub struct Job<'a> {
    pub disk: Arc<dyn Disk>,
    pub dir: &'a Path,
    pub plan: Plan,
    pub config: &'a TopicConfig,
    /// Every aborted transaction that overlaps the planned range, also those whose marker lies
    /// behind it.
    pub aborted: Vec<Aborted>,
    pub producers: HashMap<ProducerId, LastRecord>,
    pub now: Timestamp,
    pub map_bytes_max: usize,
    /// Looked at between batches: the run ends with Closed.
    pub stop: &'a Stop,
}

/// A segment written anew and synced under `.cleaned` names, to be swapped in for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanedGroup {
    /// Of the first replaced segment, and of the new one.
    pub base: Offset,
    pub next: Offset,
    /// Bases of the segments it stands for.
    pub replaces: Vec<Offset>,
    pub size_bytes: u64,
    /// The largest timestamp and the last offset of its batch; `None` when nothing is left.
    pub latest: Option<(Timestamp, Offset)>,
    pub index_bytes: u64,
    pub time_bytes: u64,
    /// `None` when it has no transaction index; one of no entries replaces an old one.
    pub txn_bytes: Option<u64>,
}

/// One run. Memory: the key map, one batch, and a megabyte.
#[derive(Debug)]
pub struct Cleaner<'a> {
    job: Job<'a>,
    rules: Rules,
    filter: Filter,
    txns: TxnWalk,
    groups: VecDeque<Vec<Source>>,
    done: Compacted,
}

impl<'a> Cleaner<'a> {
    /// Reads the dirty part.
    pub fn prepare(job: Job<'a>) -> Result<Cleaner<'a>> {
        let plan = &job.plan;
        let keys_max = plan.end.since(plan.first_dirty).max(0).cast_unsigned();
        let mut map = KeyMap::new(job.map_bytes_max, keys_max);
        let map_end = fill(&mut map, &job)?;
        let below = |s: &&Source| s.base < map_end;
        let sources: Vec<Source> = plan.sources.iter().take_while(below).copied().collect();
        let rules = Rules {
            map,
            map_end,
            end: plan.end,
            producers: job.producers.clone(),
            now: job.now,
            delete_retention_ms: job.config.delete_retention_ms,
            codec: job.config.compression,
            level: job.config.compression_level,
        };
        Ok(Cleaner {
            rules,
            filter: Filter::default(),
            txns: TxnWalk::new(job.aborted.clone()),
            groups: groups(&sources, job.config).into(),
            done: Compacted {
                clean_until: map_end,
                ..Compacted::default()
            },
            job,
        })
    }

    /// Cleans the next group; `None` when all are done. A lone segment in which nothing changed is
    /// passed over. The caller swaps the group in before it asks for the next.
    pub fn next_group(&mut self) -> Result<Option<CleanedGroup>> {
        while let Some(group) = self.groups.pop_front() {
            match self.clean(&group) {
                Ok(None) => {}
                Ok(cleaned) => return Ok(cleaned),
                Err(e) => {
                    // Room for the log, should it be the disk that is full; the first error counts.
                    let base = group.first().map_or(Offset::ZERO, |s| s.base);
                    let _ = discard(&*self.job.disk, self.job.dir, base);
                    return Err(e);
                }
            }
        }
        Ok(None)
    }

    /// What was done so far; `clean_until` holds once every group is swapped in.
    pub fn done(&self) -> Compacted {
        self.done
    }

    fn clean(&mut self, group: &[Source]) -> Result<Option<CleanedGroup>> {
        let Some((first, last)) = group.first().zip(group.last()) else {
            return Ok(None);
        };
        let options = OutputOptions {
            base: first.base,
            index_bytes_max: self.job.config.segment_index_bytes,
            index_interval_bytes: self.job.config.index_interval_bytes,
        };
        let mut output = Output::new(self.job.disk.clone(), self.job.dir, options);
        let mut changed = group.len() > 1;
        let mut had_txn = false;
        let mut bytes = Bytes::new();
        for source in group {
            output.end_run(&bytes)?;
            bytes = map_source(&self.job, source)?;
            changed |= self.clean_into(source, &bytes, &mut output)?;
            let txn = part_path(self.job.dir, source.base, Part::Txn, "");
            had_txn |= self.job.disk.exists(&txn);
        }
        let bytes_before: u64 = group.iter().map(|s| s.size_bytes).sum();
        self.done.segments += group.len();
        self.done.bytes_before += bytes_before;
        if !changed {
            self.done.bytes_after += bytes_before;
            return Ok(None);
        }
        output.finish(&bytes, had_txn)?;
        self.done.bytes_after += output.size_bytes();
        let txn_bytes = output.txn.size_bytes()?;
        Ok(Some(CleanedGroup {
            base: first.base,
            next: last.next,
            replaces: group.iter().map(|s| s.base).collect(),
            size_bytes: output.size_bytes(),
            latest: output.latest,
            index_bytes: output.index.size_bytes()?,
            time_bytes: output.time.size_bytes()?,
            txn_bytes: Some(txn_bytes).filter(|size| had_txn || *size > 0),
        }))
    }

    /// Filters one segment; gives whether anything is not as it was.
    fn clean_into(&mut self, source: &Source, bytes: &Bytes, output: &mut Output) -> Result<bool> {
        let mut changed = false;
        let mut position = 0;
        let (rules, txns, filter) = (&self.rules, &mut self.txns, &mut self.filter);
        let done = &mut self.done;
        walk(&self.job, source, bytes, |batch| {
            let header = batch.header();
            done.records_before += u64::from(header.count.unsigned_abs());
            let range = position..position + header.size_bytes;
            position = range.end;
            let Filtered {
                outcome,
                records,
                aborted,
                max_timestamp,
            } = filter.batch(rules, txns, batch)?;
            done.records_after += records;
            changed |= outcome != Outcome::Same;
            let last = header.last_offset();
            match outcome {
                Outcome::Nothing => {}
                Outcome::Same => output.same(bytes, range, last, max_timestamp)?,
                Outcome::Rebuilt(new) => output.rebuilt(bytes, new, last, max_timestamp)?,
            }
            if let Some(aborted) = aborted {
                output.txn.append(&aborted)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(changed)
    }
}

/// Puts the keys of the dirty part into the map; gives the end of what fitted.
fn fill(map: &mut KeyMap, job: &Job<'_>) -> Result<Offset> {
    let plan = &job.plan;
    let overlaps = |a: &&Aborted| a.last_offset >= plan.first_dirty;
    let mut txns = TxnWalk::new(job.aborted.iter().filter(overlaps).copied().collect());
    let mut scratch = Vec::new();
    let mut full_at = None;
    for source in plan.sources.iter().filter(|s| s.next > plan.first_dirty) {
        let bytes = map_source(job, source)?;
        walk(job, source, &bytes, |batch| {
            let header = batch.header();
            if header.attributes.is_control() {
                txns.control(batch)?;
                return Ok(ControlFlow::Continue(()));
            }
            let aborted = txns.data(header) == Fate::Discard;
            if aborted || header.next_offset() <= plan.first_dirty {
                return Ok(ControlFlow::Continue(()));
            }
            for record in batch.records(&mut scratch, PLAIN_BYTES_MAX)? {
                let record = record?;
                if let Some(key) = record.key.filter(|_| record.offset >= plan.first_dirty)
                    && !map.put(key, record.offset)
                {
                    full_at = Some(record.offset);
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if full_at.is_some() {
            break;
        }
    }
    Ok(full_at.unwrap_or(plan.end))
}

fn map_source(job: &Job<'_>, source: &Source) -> Result<Bytes> {
    if source.size_bytes == 0 {
        return Ok(Bytes::new());
    }
    let path = part_path(job.dir, source.base, Part::Log, "");
    let map = job.disk.map(&path);
    map.map_err(|e| Error::io(format_args!("map {}", path.display()), e))
}

/// Gives every batch of a segment to `each`, its checksum compared: damage is never carried over
/// into a new file, where it would look sound.
fn walk(
    job: &Job<'_>,
    source: &Source,
    bytes: &[u8],
    mut each: impl FnMut(&BatchView<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut batches = Batches::new(bytes);
    let at = |position: usize| {
        let path = part_path(job.dir, source.base, Part::Log, "");
        format!("compact {} at byte {position}", path.display())
    };
    loop {
        let position = bytes.len() - batches.rest().len();
        let Some(batch) = batches.next() else {
            break;
        };
        job.stop.check()?;
        let batch = batch.map_err(|e| e.at(at(position)))?;
        batch.check_crc().map_err(|e| e.at(at(position)))?;
        if each(&batch).map_err(|e| e.at(at(position)))?.is_break() {
            return Ok(());
        }
    }
    if batches.rest().is_empty() {
        return Ok(());
    }
    let position = bytes.len() - batches.rest().len();
    Err(Error::corrupt("the segment ends within a batch").at(at(position)))
}
