//! Places in a log as the command line names them.

use crate::embedded::Start;
use crate::engine::PartitionHandle;
use crate::error::{Code, Error, Result};
use crate::types::{Offset, Timestamp};

use super::time;

/// Where to begin or to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    Earliest,
    Latest,
    Offset(Offset),
    /// That many offsets before the end.
    BeforeEnd(i64),
    /// Partition and offset; other partitions are left out.
    Each(Vec<(i32, Offset)>),
    /// The first record at or after the moment.
    Time(Timestamp),
}

/// For the arguments' help.
pub const FORMS: &str =
    "earliest, latest, an offset, -N (N before the end), PARTITION:OFFSET[,…] or a time (RFC 3339)";

impl Position {
    /// For clap, which wants the error as text.
    pub fn argument(text: &str) -> std::result::Result<Position, String> {
        Self::parse(text).ok_or_else(|| format!("it is none of {FORMS}"))
    }

    fn parse(text: &str) -> Option<Position> {
        match text {
            "earliest" | "beginning" => return Some(Position::Earliest),
            "latest" | "end" => return Some(Position::Latest),
            _ => {}
        }
        if let Ok(number) = text.parse::<i64>() {
            return Some(match number {
                0.. => Position::Offset(Offset(number)),
                _ => Position::BeforeEnd(number.saturating_neg()),
            });
        }
        if let Ok(moment) = time::parse(text) {
            return Some(Position::Time(moment));
        }
        let each = text.split(',').map(|pair| {
            let (partition, offset) = pair.split_once(':')?;
            let partition = partition.parse().ok().filter(|p| *p >= 0)?;
            Some((partition, Offset(offset.parse().ok().filter(|o| *o >= 0)?)))
        });
        each.collect::<Option<Vec<_>>>().map(Position::Each)
    }

    /// The offset in a partition; `None` when it is not among those named.
    ///
    /// Errors: OutOfRange for an offset outside of what is there.
    pub fn of(&self, partition: &PartitionHandle) -> Result<Option<Offset>> {
        let log = partition.log()?;
        let ends = log.ends();
        let inside = |offset: Offset| {
            if (ends.log_start..=ends.visible).contains(&offset) {
                return Ok(Some(offset));
            }
            let (name, start, end) = (partition.name(), ends.log_start, ends.visible);
            Err(Error::coded(
                Code::OffsetOutOfRange,
                format!(
                    "{name}: offset {offset} is outside of the log, {start} to {end}: name one within"
                ),
            ))
        };
        match self {
            Position::Earliest => Ok(Some(ends.log_start)),
            Position::Latest => Ok(Some(ends.visible)),
            Position::Offset(offset) => inside(*offset),
            Position::BeforeEnd(count) => Ok(Some(
                ends.visible
                    .plus(count.saturating_neg())
                    .max(ends.log_start),
            )),
            Position::Each(pairs) => {
                let number = partition.name().partition;
                let named = pairs.iter().find(|(p, _)| *p == number);
                named.map_or(Ok(None), |(_, offset)| inside(*offset))
            }
            Position::Time(moment) => {
                let found = log.offset_for_time(*moment)?;
                Ok(Some(found.map_or(ends.visible, |(offset, _)| offset)))
            }
        }
    }

    /// Where a group without committed offsets begins; `None` for what it has no word for.
    pub fn start(&self) -> Option<Start> {
        match self {
            Position::Earliest => Some(Start::Earliest),
            Position::Latest => Some(Start::Latest),
            Position::Time(moment) => Some(Start::Time(*moment)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let cases = [
            ("earliest", Some(Position::Earliest)),
            ("latest", Some(Position::Latest)),
            ("0", Some(Position::Offset(Offset(0)))),
            ("-5", Some(Position::BeforeEnd(5))),
            ("1:7", Some(Position::Each(vec![(1, Offset(7))]))),
            (
                "0:1,3:2",
                Some(Position::Each(vec![(0, Offset(1)), (3, Offset(2))])),
            ),
            ("1970-01-02", Some(Position::Time(Timestamp(86_400_000)))),
            ("yesterday", None),
            ("1:", None),
            ("1:-2", None),
            ("", None),
        ];
        for (text, position) in cases {
            assert_eq!(Position::parse(text), position, "{text}");
        }
    }
}
