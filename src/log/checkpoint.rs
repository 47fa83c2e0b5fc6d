//! Kafka's text checkpoints: one offset for each partition of a data directory
//! (`recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`,
//! `replication-offset-checkpoint`, `cleaner-offset-checkpoint`). Line one the version 0, line two
//! the number of entries, then `topic partition offset`.

use std::fmt::Write;
use std::path::Path;
use std::str::FromStr;

use super::files::read_text;
use crate::disk::{Disk, write_atomically};
use crate::error::{Error, Result};
use crate::types::{Offset, TopicPartition};

pub const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
pub const LOG_START: &str = "log-start-offset-checkpoint";
/// High watermarks.
pub const HIGH_WATERMARK: &str = "replication-offset-checkpoint";
/// The first offset that compaction has not cleaned.
pub const CLEANER: &str = "cleaner-offset-checkpoint";

/// A million partitions with the longest names.
const FILE_BYTES_MAX: u64 = 1 << 28;

/// Reads a checkpoint; empty when there is no file. Corrupt names the line.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<(TopicPartition, Offset)>> {
    match read_text(disk, path, FILE_BYTES_MAX)? {
        Some(text) => parse(&text).map_err(|e| e.at(path.display())),
        None => Ok(Vec::new()),
    }
}

/// Replaces a checkpoint: after a crash the old or the new one is there.
pub fn write<'a>(
    disk: &dyn Disk,
    path: &Path,
    entries: impl IntoIterator<Item = (&'a TopicPartition, Offset)>,
) -> Result<()> {
    write_atomically(disk, path, format(entries).as_bytes())
}

fn format<'a>(entries: impl IntoIterator<Item = (&'a TopicPartition, Offset)>) -> String {
    let (mut lines, mut count) = (String::new(), 0);
    for (name, offset) in entries {
        let (topic, partition) = (&name.topic, name.partition);
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{topic} {partition} {offset}");
        count += 1;
    }
    format!("0\n{count}\n{lines}")
}

fn parse(text: &str) -> Result<Vec<(TopicPartition, Offset)>> {
    parse_lines(text, |line| {
        let [topic, partition, offset] = fields(line)?;
        let partition = i32::from_str(partition).ok().filter(|p| *p >= 0)?;
        let offset = i64::from_str(offset).ok().filter(|o| *o >= 0)?;
        Some((TopicPartition::new(topic, partition), Offset(offset)))
    })
}

/// The frame that all of Kafka's text checkpoints share: version 0, the count, the entries.
/// `entry` gives `None` for a line that it cannot read.
pub(super) fn parse_lines<T>(
    text: &str,
    mut entry: impl FnMut(&str) -> Option<T>,
) -> Result<Vec<T>> {
    // A new Kafka leaves empty files behind.
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = text.lines().zip(1..);
    let mut header = |what: &str| -> Result<usize> {
        let (line, number) = lines.next().unwrap_or(("", 0));
        let value = usize::from_str(line.trim()).map_err(|_| {
            Error::corrupt(format!(
                "line {number}: expected the {what}, found {line:?}"
            ))
        })?;
        Ok(value)
    };
    let version = header("version")?;
    if version != 0 {
        return Err(Error::corrupt(format!(
            "line 1: version {version} is unknown, 0 was expected"
        )));
    }
    let count = header("number of entries")?;
    let mut entries = Vec::new();
    for (line, number) in lines.filter(|(l, _)| !l.trim().is_empty()) {
        let wrong = || Error::corrupt(format!("line {number}: cannot read the entry {line:?}"));
        entries.push(entry(line).ok_or_else(wrong)?);
    }
    if entries.len() != count {
        let found = entries.len();
        return Err(Error::corrupt(format!(
            "line 2: {count} entries were announced, {found} are there"
        )));
    }
    Ok(entries)
}

/// Exactly `N` fields between white space.
pub(super) fn fields<const N: usize>(line: &str) -> Option<[&str; N]> {
    let mut found = [""; N];
    let mut words = line.split_whitespace();
    for place in &mut found {
        *place = words.next()?;
    }
    words.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kafkas_text_is_read_and_written() {
        let text = "0\n2\norders 0 17\nwith.dots-and_more 12 9223372036854775807\n";
        let entries = parse(text).unwrap();
        assert_eq!(entries[0], (TopicPartition::new("orders", 0), Offset(17)));
        assert_eq!(entries[1].1, Offset::MAX);
        assert_eq!(format(entries.iter().map(|(n, o)| (n, *o))), text);
        assert_eq!(parse("0\n0\n").unwrap(), []);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn every_malformed_line_is_named() {
        for (text, line) in [
            ("x\n0\n", "line 1"),
            ("1\n0\n", "line 1"),
            ("0\nmany\n", "line 2"),
            ("0\n2\na 0 1\n", "line 2"),
            ("0\n1\na 0\n", "line 3"),
            ("0\n1\na 0 1 2\n", "line 3"),
            ("0\n2\na 0 1\na -1 2\n", "line 4"),
            ("0\n1\na 0 99999999999999999999\n", "line 3"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().starts_with(line), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-z \n-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
