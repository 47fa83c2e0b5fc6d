//! Places in a log as the command line names them.

use super::backend::Logs;
use super::time;
use crate::client::At;
use crate::embedded::Start;
use crate::error::{Code, Error, Result};
use crate::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

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

    /// The offset in each place, those left out that are not among the named.
    ///
    /// Errors: OutOfRange for an offset outside of what is there.
    pub fn resolve(
        &self,
        logs: &mut (impl Logs + ?Sized),
        places: &[TopicPartition],
    ) -> Result<Vec<(TopicPartition, Offset)>> {
        let latest = At::Latest(IsolationLevel::ReadUncommitted);
        let starts = match self {
            Position::Latest | Position::Time(_) => vec![None; places.len()],
            _ => logs.offsets(places, At::Earliest)?,
        };
        let ends = match self {
            Position::Earliest => vec![None; places.len()],
            _ => logs.offsets(places, latest)?,
        };
        let found = match self {
            Position::Time(moment) => logs.offsets(places, At::Time(*moment))?,
            _ => vec![None; places.len()],
        };
        let mut resolved = Vec::with_capacity(places.len());
        let ends_of = starts.into_iter().zip(ends);
        for ((place, (start, end)), found) in places.iter().zip(ends_of).zip(found) {
            let start = start.unwrap_or(Offset::ZERO);
            let end = end.unwrap_or(start);
            let offset = match self {
                Position::Earliest => start,
                Position::Latest => end,
                Position::Offset(offset) => inside(place, *offset, start, end)?,
                Position::BeforeEnd(count) => end.plus(count.saturating_neg()).max(start),
                Position::Each(pairs) => match pairs.iter().find(|(p, _)| *p == place.partition) {
                    Some((_, offset)) => inside(place, *offset, start, end)?,
                    None => continue,
                },
                Position::Time(_) => found.unwrap_or(end),
            };
            resolved.push((place.clone(), offset));
        }
        Ok(resolved)
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

fn inside(place: &TopicPartition, offset: Offset, start: Offset, end: Offset) -> Result<Offset> {
    if (start..=end).contains(&offset) {
        return Ok(offset);
    }
    Err(Error::coded(
        Code::OffsetOutOfRange,
        format!(
            "{place}: offset {offset} is outside of the log, {start} to {end}: name one within"
        ),
    ))
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
