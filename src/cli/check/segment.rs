//! One segment: every batch, and the indexes against them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;

use super::files::SegmentFiles;
use super::indexes::{OffsetEntries, TimeEntries};
use super::report::{Report, Severity};
use crate::cli::names;
use crate::disk::{Disk, Open};
use crate::error::Result;
use crate::log::{OffsetIndex, Scanner, Step, TimeIndex, TxnIndex};
use crate::record::BatchView;
use crate::types::Offset;

/// What a segment is checked with.
pub struct SegmentCheck<'a> {
    pub disk: &'a Arc<dyn Disk>,
    pub dir: &'a Path,
    pub base: Offset,
    pub files: &'a SegmentFiles,
    /// Where the next segment begins.
    pub next_base: Option<Offset>,
    /// Below it everything was synced; `None`: all of it, the close was clean.
    pub recovery_point: Option<Offset>,
    pub deep: bool,
    pub report: &'a mut Report,
    pub bar: &'a ProgressBar,
}

/// How far the walk over a log file came.
struct Walk {
    position: u64,
    /// After the last sound batch.
    next: Offset,
    /// The same, damaged batches counted as far as their headers can be believed.
    claimed: Offset,
    offsets: OffsetEntries,
    times: TimeEntries,
    scratch: Vec<u8>,
}

impl SegmentCheck<'_> {
    /// Gives the offset after the segment's last batch.
    pub fn run(mut self) -> Offset {
        let Some(size) = self.files.log else {
            let path = self.path("log");
            let what = "the log file is missing, but an index of it is there";
            self.report.find(Severity::Damage, &path, None, what);
            return self.base;
        };
        self.report.segments += 1;
        let mut walk = Walk {
            position: 0,
            next: self.base,
            claimed: self.base,
            offsets: OffsetEntries::new(self.offset_entries()),
            times: TimeEntries::new(self.time_entries()),
            scratch: Vec::new(),
        };
        self.walk(size, &mut walk);
        self.judge_indexes(size, &mut walk);
        self.check_txn_index(walk.claimed);
        walk.claimed
    }

    fn path(&self, suffix: &str) -> PathBuf {
        names::path(self.dir, self.base, suffix)
    }

    /// What is wrong from `offset` on: torn by an unclean stop, or damaged.
    fn severity(&self, offset: Offset) -> Severity {
        match self.recovery_point {
            Some(point) if offset >= point => Severity::Recovery,
            _ => Severity::Damage,
        }
    }

    fn walk(&mut self, size: u64, walk: &mut Walk) {
        let path = self.path("log");
        let file = match self.disk.open(&path, Open::Read) {
            Ok(file) => file,
            Err(e) => {
                let what = format!("cannot be opened: {e}");
                self.report.find(Severity::Damage, &path, None, what);
                return;
            }
        };
        let mut scanner = Scanner::new(&*file, 0, size);
        loop {
            let step = match scanner.step() {
                Ok(step) => step,
                Err(e) => Step::Bad(format!("cannot be read: {e}")),
            };
            let reason = match step {
                Step::End => return,
                Step::Batch(batch, _) => {
                    self.batch(&path, &batch, walk);
                    continue;
                }
                Step::Bad(reason) => reason,
            };
            let severity = self.severity(walk.next);
            let resumed = walk.offsets.next_after(walk.position);
            let until = resumed.unwrap_or(size);
            let lost = until - walk.position;
            let what = format!("{lost} bytes are not readable as batches: {reason}");
            self.report.find(severity, &path, Some(walk.position), what);
            walk.times.blind();
            let Some(position) = resumed.filter(|p| *p < size) else {
                return;
            };
            walk.offsets.skip_to(position);
            walk.position = position;
            scanner.seek(position);
        }
    }

    fn batch(&mut self, path: &Path, batch: &BatchView<'_>, walk: &mut Walk) {
        let (header, position) = (batch.header(), walk.position);
        walk.position += header.size_bytes as u64;
        self.bar.inc(header.size_bytes as u64);
        self.report.batches += 1;
        self.report.bytes += header.size_bytes as u64;
        if self
            .next_base
            .is_none_or(|next| header.next_offset() <= next)
        {
            walk.claimed = walk.claimed.max(header.next_offset());
        }
        if let Err(error) = self.sound(batch, walk) {
            let severity = self.severity(header.base_offset.max(walk.next));
            self.report.find(severity, path, Some(position), error);
            walk.times.blind();
            walk.offsets.skip_to(position + 1);
            return;
        }
        self.report.records += u64::from(header.count.unsigned_abs());
        walk.offsets.batch(position, header);
        walk.times.batch(header);
        walk.next = header.next_offset();
    }

    /// Checksum, order, and with `deep` every record.
    fn sound(&self, batch: &BatchView<'_>, walk: &mut Walk) -> Result<(), String> {
        batch.check_crc().map_err(|e| e.message().to_owned())?;
        let header = batch.header();
        if header.base_offset < walk.next {
            let (base, next) = (header.base_offset, walk.next);
            return Err(format!(
                "the batch of offset {base} stands where {next} is next"
            ));
        }
        if let Some(next) = self.next_base.filter(|next| header.next_offset() > *next) {
            let base = header.base_offset;
            return Err(format!(
                "the batch of offset {base} reaches into the next segment, which begins at {next}"
            ));
        }
        if self.deep {
            let records = batch.records(&mut walk.scratch, i32::MAX as usize);
            let records = records.map_err(|e| e.message().to_owned())?;
            for record in records {
                record.map_err(|e| e.message().to_owned())?;
            }
        }
        Ok(())
    }

    fn offset_entries(&mut self) -> Vec<(Offset, u32)> {
        let Some(size) = self.files.index else {
            return Vec::new();
        };
        let path = self.path("index");
        let index = OffsetIndex::open(self.disk.clone(), &path, self.base, u32::MAX, size, true);
        let entries = index.entries();
        self.entries_or_finding(&path, entries)
    }

    fn time_entries(&mut self) -> Vec<(crate::types::Timestamp, Offset)> {
        let Some(size) = self.files.time else {
            return Vec::new();
        };
        let path = self.path("timeindex");
        let index = TimeIndex::open(self.disk.clone(), &path, self.base, u32::MAX, size, true);
        let entries = index.entries();
        self.entries_or_finding(&path, entries)
    }

    fn entries_or_finding<T>(&mut self, path: &Path, entries: Result<Vec<T>>) -> Vec<T> {
        entries.unwrap_or_else(|error| {
            let severity = self.severity(self.next_base.unwrap_or(Offset::MAX));
            self.report.find_derived(severity, path, error.message());
            Vec::new()
        })
    }

    fn judge_indexes(&mut self, size: u64, walk: &mut Walk) {
        walk.offsets.end(walk.position.min(size));
        walk.times.end(walk.claimed);
        let severity = self.severity(walk.claimed.plus(1));
        // Kafka and Levada both keep these two for every segment with records.
        for (suffix, there) in [("index", self.files.index), ("timeindex", self.files.time)] {
            if there.is_none() && size > 0 {
                let path = self.path(suffix);
                self.report
                    .find_derived(severity, &path, "the file is missing");
            }
        }
        let wrong = [
            ("index", walk.offsets.wrong.take()),
            ("timeindex", walk.times.wrong.take()),
        ];
        for (suffix, wrong) in wrong {
            if let Some(what) = wrong {
                let path = self.path(suffix);
                self.report.find_derived(severity, &path, what);
            }
        }
    }

    fn check_txn_index(&mut self, next: Offset) {
        let Some(size) = self.files.txn else {
            return;
        };
        let path = self.path("txnindex");
        let index = TxnIndex::open(self.disk.clone(), &path, self.base, size, true);
        let severity = self.severity(next.plus(1));
        match index.entries() {
            Err(error) => self.report.find_derived(severity, &path, error.message()),
            Ok(entries) => {
                if let Some(beyond) = entries.iter().find(|a| a.last_offset >= next) {
                    let what = format!(
                        "it names a transaction that ends at offset {}, but the log ends before {next}",
                        beyond.last_offset
                    );
                    self.report.find_derived(severity, &path, what);
                }
            }
        }
    }
}
