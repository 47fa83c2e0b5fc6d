//! One partition's directory.

use std::path::Path;
use std::sync::Arc;

use indicatif::ProgressBar;

use super::files::{self, Files};
use super::report::{Report, Severity};
use super::segment::SegmentCheck;
use crate::disk::{Disk, Open};
use crate::error::{Kind, Result};
use crate::log::{
    EPOCHS_FILE, Epochs, ProducerStates, Scanner, Step, metadata_file, snapshot_path,
};
use crate::types::Offset;

/// What is known of the partition from elsewhere.
pub struct PartitionCheck<'a> {
    pub disk: &'a Arc<dyn Disk>,
    pub dir: &'a Path,
    pub clean: bool,
    /// What the checkpoint says; below it everything was synced.
    pub recovery_point: Option<Offset>,
    /// What the checkpoint of the log start says.
    pub log_start: Option<Offset>,
    pub deep: bool,
    pub report: &'a mut Report,
    pub bar: &'a ProgressBar,
}

impl PartitionCheck<'_> {
    pub fn run(mut self) -> Result<()> {
        self.report.partitions += 1;
        let files = files::list(&**self.disk, self.dir)?;
        self.check_small_files(&files)?;
        let next = self.check_segments(&files);
        self.check_snapshots(&files, next)?;
        for path in &files.metadata_snapshots {
            self.check_metadata_snapshot(path);
        }
        for path in &files.left_over {
            let what = "left by something that was interrupted: opening finishes or removes it";
            self.report.find(Severity::Recovery, path, None, what);
        }
        self.check_end(next);
        Ok(())
    }

    /// What an unclean stop may have left, when it was one.
    fn severity(&self) -> Severity {
        match self.clean {
            true => Severity::Damage,
            false => Severity::Recovery,
        }
    }

    fn check_small_files(&mut self, files: &Files) -> Result<()> {
        match metadata_file::read(&**self.disk, self.dir) {
            Ok(Some(_)) => {}
            Ok(None) if files.segments.is_empty() => {}
            Ok(None) => {
                let path = self.dir.join(metadata_file::FILE_NAME);
                let severity = self.severity();
                self.report
                    .find(severity, &path, None, "the file is missing");
            }
            Err(error) if error.kind() == Kind::Corrupt => {
                let path = self.dir.join(metadata_file::FILE_NAME);
                self.report
                    .find(Severity::Damage, &path, None, error.message());
            }
            Err(error) => return Err(error),
        }
        match Epochs::load(&**self.disk, self.dir) {
            Err(error) if error.kind() == Kind::Corrupt => {
                let path = self.dir.join(EPOCHS_FILE);
                self.report
                    .find_derived(Severity::Damage, &path, error.message());
                Ok(())
            }
            other => other.map(drop),
        }
    }

    fn check_segments(&mut self, files: &Files) -> Offset {
        let bases: Vec<Offset> = files.segments.keys().copied().collect();
        let mut end = self.log_start.unwrap_or(Offset::ZERO);
        for (at, (base, files)) in files.segments.iter().enumerate() {
            let next = SegmentCheck {
                disk: self.disk,
                dir: self.dir,
                base: *base,
                files,
                next_base: bases.get(at + 1).copied(),
                recovery_point: match self.clean {
                    true => None,
                    false => Some(self.recovery_point.unwrap_or(Offset::ZERO)),
                },
                deep: self.deep,
                report: self.report,
                bar: self.bar,
            }
            .run();
            end = end.max(next);
        }
        end
    }

    /// What was synced must be there.
    fn check_end(&mut self, end: Offset) {
        let Some(point) = self.recovery_point.filter(|point| *point > end) else {
            return;
        };
        let what = format!(
            "the log ends before offset {end}, but everything up to {point} was synced once"
        );
        self.report.find(Severity::Damage, self.dir, None, what);
    }

    fn check_snapshots(&mut self, files: &Files, next: Offset) -> Result<()> {
        for offset in &files.snapshots {
            let path = snapshot_path(self.dir, *offset);
            match ProducerStates::load(&**self.disk, self.dir, *offset) {
                Err(error) if error.kind() == Kind::Corrupt => {
                    self.report
                        .find_derived(Severity::Damage, &path, error.message());
                }
                Err(error) => return Err(error),
                Ok(_) if *offset > next => {
                    let what =
                        format!("it tells of offset {offset}, but the log ends before {next}");
                    let severity = self.severity();
                    self.report.find_derived(severity, &path, what);
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// A snapshot of the metadata is a run of batches.
    fn check_metadata_snapshot(&mut self, path: &Path) {
        let disk = self.disk;
        let opened = disk.open(path, Open::Read).and_then(|f| Ok((f.len()?, f)));
        let (size, file) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                let what = format!("cannot be opened: {e}");
                return self.report.find(Severity::Damage, path, None, what);
            }
        };
        let mut scanner = Scanner::new(&*file, 0, size);
        let mut position = 0;
        loop {
            let bad = match scanner.step() {
                Ok(Step::End) => return,
                Ok(Step::Batch(batch, _)) => {
                    let size = batch.header().size_bytes as u64;
                    match batch.check_crc() {
                        Ok(()) => {
                            position += size;
                            self.report.bytes += size;
                            continue;
                        }
                        Err(error) => error.message().to_owned(),
                    }
                }
                Ok(Step::Bad(reason)) => reason,
                Err(e) => format!("cannot be read: {e}"),
            };
            return self
                .report
                .find(Severity::Damage, path, Some(position), bad);
        }
    }
}
