//! Where each leader epoch began: `leader-epoch-checkpoint`, Kafka's text format with lines of
//! `epoch start-offset`, both ascending.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::checkpoint::{fields, parse_lines};
use super::files::read_text;
use crate::disk::{Disk, replace, write_atomically};
use crate::error::{Error, Result};
use crate::types::{LeaderEpoch, Offset};

pub const FILE_NAME: &str = "leader-epoch-checkpoint";

const FILE_BYTES_MAX: u64 = 1 << 26;

/// The leader epochs of one partition, oldest first. A few entries: one for each change of leader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Vec<(LeaderEpoch, Offset)>,
    /// The file says something else.
    changed: bool,
}

impl Epochs {
    /// Reads the file of a partition directory; empty when there is none. Corrupt names the line.
    pub fn load(disk: &dyn Disk, dir: &Path) -> Result<Epochs> {
        let path = dir.join(FILE_NAME);
        let entries = match read_text(disk, &path, FILE_BYTES_MAX)? {
            Some(text) => parse(&text).map_err(|e| e.at(path.display()))?,
            None => Vec::new(),
        };
        Ok(Epochs {
            entries,
            changed: false,
        })
    }

    /// Writes the file when something changed since it was read or written.
    pub fn save(&mut self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let path: PathBuf = dir.join(FILE_NAME);
        write_atomically(disk, &path, self.format().as_bytes())?;
        self.changed = false;
        Ok(())
    }

    /// As [`save`](Self::save); the caller syncs the directory, and until then the file may be the
    /// old one again. Gives whether it wrote.
    pub fn save_unnamed(&mut self, disk: &dyn Disk, dir: &Path) -> Result<bool> {
        if !self.changed {
            return Ok(false);
        }
        replace(disk, &dir.join(FILE_NAME), self.format().as_bytes(), true)?;
        self.changed = false;
        Ok(true)
    }

    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Batches of `epoch` begin at `start`. Does nothing for the latest epoch (the hot path) and for
    /// an older one; drops entries at or behind `start`, which truncation has made void. Gives
    /// whether something changed.
    #[inline]
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if epoch < LeaderEpoch::FIRST || self.latest().is_some_and(|(latest, _)| latest >= epoch) {
            return false;
        }
        let keep = self.entries.partition_point(|(_, s)| *s < start);
        self.entries.truncate(keep);
        self.entries.push((epoch, start));
        self.changed = true;
        true
    }

    pub fn latest(&self) -> Option<(LeaderEpoch, Offset)> {
        self.entries.last().copied()
    }

    /// The largest epoch at or below `epoch` and where it ends (the start of the next, or `log_end`).
    /// An epoch below all known ones ends where the first begins. `None` for one above all.
    pub fn end_offset_for(
        &self,
        epoch: LeaderEpoch,
        log_end: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        if epoch < LeaderEpoch::FIRST {
            return None;
        }
        let (latest, _) = self.latest()?;
        if epoch == latest {
            return Some((epoch, log_end));
        }
        let above = self.entries.partition_point(|(e, _)| *e <= epoch);
        let (_, end) = *self.entries.get(above)?;
        let floor = above.checked_sub(1).and_then(|at| self.entries.get(at));
        Some((floor.map_or(epoch, |(e, _)| *e), end))
    }

    /// The epoch of the batch that holds `offset`.
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|(_, start)| *start <= offset);
        let at = after.checked_sub(1)?;
        self.entries.get(at).map(|(epoch, _)| *epoch)
    }

    /// The log ends before `end` now.
    pub fn truncate_from_end(&mut self, end: Offset) {
        let keep = self.entries.partition_point(|(_, start)| *start < end);
        self.changed |= keep < self.entries.len();
        self.entries.truncate(keep);
    }

    /// The log begins at `start` now: the epoch that holds it begins there too.
    pub fn truncate_from_start(&mut self, start: Offset) {
        let below = self.entries.partition_point(|(_, s)| *s <= start);
        let Some(holding) = below.checked_sub(1) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(holding) {
            self.changed |= holding > 0 || entry.1 != start;
            entry.1 = start;
        }
        self.entries.drain(..holding);
    }

    pub fn entries(&self) -> &[(LeaderEpoch, Offset)] {
        &self.entries
    }

    fn format(&self) -> String {
        let mut text = format!("0\n{}\n", self.entries.len());
        for (epoch, start) in &self.entries {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{epoch} {start}");
        }
        text
    }
}

fn parse(text: &str) -> Result<Vec<(LeaderEpoch, Offset)>> {
    let entries = parse_lines(text, |line| {
        let [epoch, start] = fields(line)?;
        let epoch = i32::from_str(epoch).ok().filter(|e| *e >= 0)?;
        let start = i64::from_str(start).ok().filter(|s| *s >= 0)?;
        Some((LeaderEpoch(epoch), Offset(start)))
    })?;
    let descends = entries
        .windows(2)
        .position(|w| !matches!(w, [a, b] if a.0 < b.0 && a.1 <= b.1));
    match descends {
        Some(at) => Err(Error::corrupt(format!(
            "line {}: epochs and offsets must ascend",
            at + 4
        ))),
        None => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> Epochs {
        let mut made = Epochs::default();
        for (epoch, start) in entries {
            made.assign(LeaderEpoch(*epoch), Offset(*start));
        }
        made
    }

    #[test]
    fn end_of_an_epoch_is_the_start_of_the_next_or_the_log_end() {
        let e = epochs(&[(2, 10), (5, 20), (6, 30)]);
        let end = |epoch| e.end_offset_for(LeaderEpoch(epoch), Offset(40));
        assert_eq!(end(1), Some((LeaderEpoch(1), Offset(10))));
        assert_eq!(end(2), Some((LeaderEpoch(2), Offset(20))));
        assert_eq!(end(4), Some((LeaderEpoch(2), Offset(20))));
        assert_eq!(end(6), Some((LeaderEpoch(6), Offset(40))));
        assert_eq!(end(7), None);
        assert_eq!(end(-1), None);
    }

    #[test]
    fn older_and_equal_epochs_change_nothing() {
        let mut e = epochs(&[(2, 10), (5, 20)]);
        assert!(!e.assign(LeaderEpoch(5), Offset(25)));
        assert!(!e.assign(LeaderEpoch(1), Offset(25)));
        assert_eq!(e, epochs(&[(2, 10), (5, 20)]));
    }

    #[test]
    fn text_is_kafkas_and_damage_names_its_line() {
        let e = epochs(&[(0, 0), (3, 100)]);
        assert_eq!(e.format(), "0\n2\n0 0\n3 100\n");
        assert_eq!(parse(&e.format()).unwrap(), e.entries());
        assert!(
            parse("0\n2\n3 0\n2 5\n")
                .unwrap_err()
                .message()
                .starts_with("line 4")
        );
    }

    proptest! {
        #[test]
        fn truncation_agrees_with_a_log_of_epochs(
            runs in prop::collection::vec((1..4_i32, 1..5_usize), 1..8),
            start in 0..20_i64,
            end in 0..30_i64,
        ) {
            // The model: the epoch of each offset.
            let (mut log, mut epoch, mut made) = (Vec::new(), 0, Epochs::default());
            for (step, len) in runs {
                epoch += step;
                made.assign(LeaderEpoch(epoch), Offset(log.len() as i64));
                log.extend(std::iter::repeat_n(epoch, len));
            }
            let start = start.min(log.len() as i64 - 1);
            let end = end.max(start + 1).min(log.len() as i64);
            made.truncate_from_end(Offset(end));
            made.truncate_from_start(Offset(start));
            prop_assert_eq!(made.entries()[0].1, Offset(start));
            for at in start..end {
                let want = LeaderEpoch(log[at as usize]);
                prop_assert_eq!(made.epoch_of(Offset(at)), Some(want));
                let end_of = log[..end as usize].iter().rposition(|e| *e == want.0).unwrap();
                let got = made.end_offset_for(want, Offset(end));
                prop_assert_eq!(got, Some((want, Offset(end_of as i64 + 1))));
            }
            prop_assert_eq!(parse(&made.format()).unwrap(), made.entries());
        }
    }
}
