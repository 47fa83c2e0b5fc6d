//! A segment's indexes held against the batches they speak of, as those go by.

use crate::record::BatchHeader;
use crate::types::{Offset, Timestamp};

/// An offset index: each entry must name the start of a batch that begins at or below its offset, so
/// that who starts there misses nothing.
#[derive(Debug, Default)]
pub struct OffsetEntries {
    entries: Vec<(Offset, u32)>,
    /// The first entry that no batch was compared with.
    at: usize,
    /// The first thing that is wrong.
    pub wrong: Option<String>,
}

impl OffsetEntries {
    pub fn new(entries: Vec<(Offset, u32)>) -> OffsetEntries {
        OffsetEntries {
            entries,
            ..OffsetEntries::default()
        }
    }

    /// The first place behind `position` where a batch should begin: the way on behind damage.
    pub fn next_after(&self, position: u64) -> Option<u64> {
        let at = self
            .entries
            .partition_point(|(_, p)| u64::from(*p) <= position);
        self.entries.get(at).map(|(_, p)| u64::from(*p))
    }

    /// Entries before `position` point into damage and are not to be judged.
    pub fn skip_to(&mut self, position: u64) {
        self.at = self
            .entries
            .partition_point(|(_, p)| u64::from(*p) < position);
    }

    pub fn batch(&mut self, position: u64, header: &BatchHeader) {
        while let Some((offset, at)) = self.entries.get(self.at).copied() {
            if u64::from(at) > position {
                return;
            }
            self.at += 1;
            if u64::from(at) < position {
                self.find(format!(
                    "the entry for offset {offset} points to byte {at} of the log, where no batch begins"
                ));
            } else if offset < header.base_offset {
                self.find(format!(
                    "the entry for offset {offset} points to byte {at}, where the batch of offset {} begins",
                    header.base_offset
                ));
            }
        }
    }

    /// The log ends at `size_bytes`.
    pub fn end(&mut self, size_bytes: u64) {
        if let Some((offset, at)) = self.entries.get(self.at).copied() {
            self.find(format!(
                "the entry for offset {offset} points to byte {at}, but the log has sound batches up to byte {size_bytes} only"
            ));
        }
    }

    fn find(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}

/// A time index: an entry says that no record before its offset is later than its timestamp, and that
/// this one or an earlier one has it.
#[derive(Debug)]
pub struct TimeEntries {
    entries: Vec<(Timestamp, Offset)>,
    at: usize,
    latest: Timestamp,
    /// After damage nobody knows what the latest timestamp was.
    blind: bool,
    pub wrong: Option<String>,
}

impl TimeEntries {
    pub fn new(entries: Vec<(Timestamp, Offset)>) -> TimeEntries {
        TimeEntries {
            entries,
            at: 0,
            latest: Timestamp::NONE,
            blind: false,
            wrong: None,
        }
    }

    pub fn blind(&mut self) {
        self.blind = true;
    }

    pub fn batch(&mut self, header: &BatchHeader) {
        let before = self.latest;
        self.latest = before.max(header.max_timestamp);
        while let Some((timestamp, offset)) = self.entries.get(self.at).copied() {
            if offset >= header.next_offset() {
                return;
            }
            self.at += 1;
            // Compaction may have taken the record that the entry was made for.
            if self.blind || offset < header.base_offset {
                continue;
            }
            if before > timestamp || self.latest < timestamp {
                let latest = if before > timestamp {
                    before
                } else {
                    self.latest
                };
                self.wrong.get_or_insert(format!(
                    "the entry for timestamp {timestamp} names offset {offset}, up to which the latest is {latest}"
                ));
            }
        }
    }

    /// The log ends before `next`.
    pub fn end(&mut self, next: Offset) {
        let last = self.entries.last().copied();
        if let Some((timestamp, offset)) = last.filter(|(_, offset)| *offset >= next) {
            self.wrong.get_or_insert(format!(
                "the entry for timestamp {timestamp} names offset {offset}, but the log ends before {next}"
            ));
        }
    }
}
