//! `partition.metadata`: which topic (by id) a partition directory belongs to, so that the directory
//! of a deleted topic is not taken for one that was made again under the same name.

use std::path::Path;

use super::files::read_text;
use crate::disk::{Disk, write_atomically};
use crate::error::{Error, Result};
use crate::types::TopicId;

pub const FILE_NAME: &str = "partition.metadata";

/// The topic id in the directory's file, `None` when there is no file. Corrupt names the line.
pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<TopicId>> {
    let path = dir.join(FILE_NAME);
    match read_text(disk, &path, 4096)? {
        Some(text) => Ok(Some(parse(&text).map_err(|e| e.at(path.display()))?)),
        None => Ok(None),
    }
}

pub fn write(disk: &dyn Disk, dir: &Path, id: TopicId) -> Result<()> {
    write_atomically(disk, &dir.join(FILE_NAME), format(id).as_bytes())
}

fn format(id: TopicId) -> String {
    format!("version: 0\ntopic_id: {id}")
}

fn parse(text: &str) -> Result<TopicId> {
    let mut lines = text.lines();
    let mut field = |number: usize, name: &str| {
        let line = lines.next().unwrap_or("");
        let value = line.split_once(':').filter(|(n, _)| *n == name);
        value.map(|(_, v)| v.trim()).ok_or_else(|| {
            Error::corrupt(format!("line {number}: expected {name:?}, found {line:?}"))
        })
    };
    let version = field(1, "version")?;
    if version != "0" {
        return Err(Error::corrupt(format!(
            "line 1: version {version:?} is unknown, 0 was expected"
        )));
    }
    let id = field(2, "topic_id")?;
    let known = TopicId::parse(id).filter(|id| *id != TopicId::NONE);
    known.ok_or_else(|| Error::corrupt(format!("line 2: {id:?} is no topic id")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_text_is_read_and_written() {
        let text = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ";
        assert_eq!(parse(text).unwrap(), TopicId::METADATA);
        assert_eq!(format(TopicId::METADATA), text);
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        for (text, line) in [
            ("", "line 1"),
            ("version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ", "line 1"),
            ("version: 0\n", "line 2"),
            ("version: 0\ntopic_id: nonsense", "line 2"),
            ("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", "line 2"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().starts_with(line), "{text:?}: {error}");
        }
    }
}
