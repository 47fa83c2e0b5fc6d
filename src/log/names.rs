//! The names of the files in a partition's directory, which are Kafka's.

use std::path::{Path, PathBuf};

use crate::types::Offset;

/// The files that carry a base offset in their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Log,
    OffsetIndex,
    TimeIndex,
    TxnIndex,
    /// Producer state up to (not including) the offset in the name.
    Snapshot,
}

impl Part {
    /// Everything that goes when a segment goes.
    pub(super) const OF_SEGMENT: [Part; 4] = [
        Part::Log,
        Part::OffsetIndex,
        Part::TimeIndex,
        Part::TxnIndex,
    ];

    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Part::Log => "log",
            Part::OffsetIndex => "index",
            Part::TimeIndex => "timeindex",
            Part::TxnIndex => "txnindex",
            Part::Snapshot => "snapshot",
        }
    }

    fn from_suffix(suffix: &str) -> Option<Part> {
        [
            Part::Log,
            Part::OffsetIndex,
            Part::TimeIndex,
            Part::TxnIndex,
            Part::Snapshot,
        ]
        .into_iter()
        .find(|p| p.suffix() == suffix)
    }
}

/// Lies in a directory from a failed sync until what it concerned was written anew. The system
/// counts the pages of a failed sync as clean: they can be read, but no later sync writes them. A
/// restart of the machine loses the mark together with those pages, so it needs no sync itself.
pub(super) const SYNC_FAILED: &str = "sync-failed";

/// What a name in a partition's directory means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    File(Offset, Part),
    /// Removed or never finished: `.deleted`, `.cleaned`, `.tmp`. Goes when the partition is opened.
    Rubbish,
    /// The result of a compaction that was being put in place.
    Swap,
    Other,
}

pub(super) fn path(dir: &Path, base: Offset, part: Part) -> PathBuf {
    dir.join(format!("{:020}.{}", base.get(), part.suffix()))
}

pub(super) fn parse(name: &str) -> Named {
    if [".deleted", ".cleaned", ".tmp"]
        .iter()
        .any(|s| name.ends_with(s))
    {
        return Named::Rubbish;
    }
    if name.ends_with(".swap") {
        return Named::Swap;
    }
    let Some((stem, suffix)) = name.split_once('.') else {
        return Named::Other;
    };
    let digits = stem.len() == 20 && stem.bytes().all(|b| b.is_ascii_digit());
    match (
        digits.then(|| stem.parse::<i64>().ok()).flatten(),
        Part::from_suffix(suffix),
    ) {
        (Some(base), Some(part)) => Named::File(Offset(base), part),
        _ => Named::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_made_is_a_name_read() {
        let path = path(Path::new("/d/t-0"), Offset(170_210), Part::TimeIndex);
        assert_eq!(path, Path::new("/d/t-0/00000000000000170210.timeindex"));
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        assert_eq!(parse(name), Named::File(Offset(170_210), Part::TimeIndex));
    }

    #[test]
    fn foreign_names_are_left_alone_and_rubbish_is_known() {
        assert_eq!(parse("partition.metadata"), Named::Other);
        assert_eq!(parse("123.log"), Named::Other);
        assert_eq!(parse("99999999999999999999.log"), Named::Other);
        assert_eq!(parse("00000000000000000000.log.deleted"), Named::Rubbish);
        assert_eq!(parse("00000000000000000000.index.cleaned"), Named::Rubbish);
        assert_eq!(parse("00000000000000000000.log.swap"), Named::Swap);
    }
}
