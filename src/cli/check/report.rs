//! What a check found.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::human;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Bytes that were safe on the disk are not what they were.
    Damage,
    /// What an unclean stop leaves: the next open mends it by itself.
    Recovery,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub path: PathBuf,
    /// In bytes from the start of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    pub what: String,
    /// Made from the log: it can be removed, and is then made anew.
    #[serde(skip)]
    pub derived: bool,
}

#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub dir: PathBuf,
    /// The last close was clean.
    pub clean: bool,
    pub partitions: u64,
    pub segments: u64,
    pub batches: u64,
    pub records: u64,
    pub bytes: u64,
    pub archive_files: u64,
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Damage)
    }

    /// Adds a finding.
    pub fn find(
        &mut self,
        severity: Severity,
        path: &Path,
        position: Option<u64>,
        what: impl Into<String>,
    ) {
        self.findings.push(Finding {
            severity,
            path: path.to_owned(),
            position,
            what: what.into(),
            derived: false,
        });
    }

    /// Adds a finding about a file that can be made anew from the log.
    pub fn find_derived(&mut self, severity: Severity, path: &Path, what: impl Into<String>) {
        self.find(severity, path, None, what);
        if let Some(last) = self.findings.last_mut() {
            last.derived = true;
        }
    }

    /// For people: a line a finding, and what was looked at.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(match finding.severity {
                Severity::Damage => "damaged: ",
                Severity::Recovery => "to be recovered: ",
            });
            text.push_str(&finding.path.display().to_string());
            if let Some(position) = finding.position {
                text.push_str(&format!(", byte {position}"));
            }
            text.push_str(&format!(": {}\n", finding.what));
        }
        let archive = match self.archive_files {
            0 => String::new(),
            count => format!(", {count} archive files"),
        };
        text.push_str(&format!(
            "checked {} partitions, {} segments, {} batches, {} records, {}{archive}: {}",
            self.partitions,
            self.segments,
            human::count(self.batches),
            human::count(self.records),
            human::bytes(self.bytes),
            match self.findings.len() {
                0 => "all is well".to_owned(),
                1 => "1 finding".to_owned(),
                count => format!("{count} findings"),
            }
        ));
        text
    }
}
