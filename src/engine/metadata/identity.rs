//! `meta.properties`: who a data directory is, in Kafka's format with one line of our own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::disk::{Disk, write_atomically};
use crate::error::{Error, Result};
use crate::log::files::read_text;
use crate::types::TopicId;

pub(super) const FILE_NAME: &str = "meta.properties";
/// The layout of the directory as a whole. Grows when an older Levada must not open it any more.
const FORMAT: u32 = 1;
const FORMAT_KEY: &str = "levada.format";
const FILE_BYTES_MAX: u64 = 1 << 16;

/// Who a data directory is: made once, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub cluster_id: String,
    pub node_id: i32,
    pub directory_id: TopicId,
}

impl Identity {
    /// A new directory of a new cluster of one node.
    pub(super) fn random() -> Identity {
        Identity {
            cluster_id: TopicId::random().to_string(),
            node_id: 1,
            directory_id: TopicId::random(),
        }
    }

    /// `None` when there is no file. Invalid when the directory is Kafka's or of a newer format,
    /// Corrupt when the file cannot be read.
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Identity>> {
        let path = dir.join(FILE_NAME);
        let text = read_text(disk, &path, FILE_BYTES_MAX)?;
        let parsed = text.map(|text| Identity::parse(&text, dir)).transpose();
        parsed.map_err(|e| e.at(path.display()))
    }

    fn parse(text: &str, dir: &Path) -> Result<Identity> {
        let properties = properties(text);
        let field = |name: &str| {
            let value = properties.get(name);
            value.ok_or_else(|| Error::corrupt(format!("{name} is missing")))
        };
        let format = match field(FORMAT_KEY) {
            Err(_) if is_kafkas(text, &properties) => return Err(not_ours(dir, &properties)),
            other => other?,
        };
        let format: u32 = number(FORMAT_KEY, format)?;
        if format > FORMAT {
            return Err(Error::invalid(format!(
                "{} has data of format {format}, this version of Levada reads up to {FORMAT}: open \
                 it with a newer one",
                dir.display()
            )));
        }
        let version: u32 = number("version", field("version")?)?;
        if version != 1 {
            return Err(Error::corrupt(format!(
                "version {version} is unknown, 1 was expected"
            )));
        }
        let directory_id = field("directory.id")?;
        Ok(Identity {
            cluster_id: field("cluster.id")?.clone(),
            node_id: number("node.id", field("node.id")?)?,
            directory_id: TopicId::parse(directory_id).ok_or_else(|| {
                Error::corrupt(format!("directory.id {directory_id:?} is no id of Kafka's"))
            })?,
        })
    }

    pub(super) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        write_atomically(disk, &dir.join(FILE_NAME), self.to_string().as_bytes())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version=1")?;
        writeln!(f, "cluster.id={}", self.cluster_id)?;
        writeln!(f, "node.id={}", self.node_id)?;
        writeln!(f, "directory.id={}", self.directory_id)?;
        writeln!(f, "{FORMAT_KEY}={FORMAT}")
    }
}

/// Whether the file is whole and has what Kafka has always written: one of ours that was cut short
/// must not be taken for it.
fn is_kafkas(text: &str, properties: &BTreeMap<String, String>) -> bool {
    let has = |name| properties.contains_key(name);
    text.ends_with('\n') && has("version") && (has("node.id") || has("broker.id"))
}

fn not_ours(dir: &Path, properties: &BTreeMap<String, String>) -> Error {
    let said = |name: &str| properties.get(name).map_or("unknown", String::as_str);
    let node = properties.get("node.id").map(String::as_str);
    Error::invalid(format!(
        "{} is not a Levada data directory but a log directory of Apache Kafka (cluster {}, node {}): \
         open another directory",
        dir.display(),
        said("cluster.id"),
        node.unwrap_or_else(|| said("broker.id")),
    ))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T> {
    let parsed = text.parse();
    parsed.map_err(|_| Error::corrupt(format!("{name} {text:?} is no number")))
}

/// Java's property files, as far as Kafka writes them: one `key=value` a line, comments, and a
/// backslash before what would mean something else.
fn properties(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|l| !l.starts_with(['#', '!']));
    let pairs = lines.filter_map(|l| l.split_once('='));
    let plain = |s: &str| s.trim().replace('\\', "");
    pairs.map(|(k, v)| (plain(k), plain(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn parse(text: &str) -> Result<Identity> {
        Identity::parse(text, Path::new("/data"))
    }

    #[test]
    fn what_is_written_is_read() {
        let id = Identity::random();
        assert_eq!(parse(&id.to_string()).unwrap(), id);
        // As java.util.Properties writes the same.
        let java = format!("#\n#Mon Nov 23 09:34:25 UTC 2026\n{id}");
        assert_eq!(parse(&java).unwrap(), id);
    }

    #[test]
    fn kafkas_own_directory_is_named_as_such() {
        let text = "#\n#Mon Nov 23 09:34:25 UTC 2026\nnode.id=1\ndirectory.id=S1atlRSGQaqyVAu4du5ChA\n\
                    version=1\ncluster.id=bGV2YWRhLXJlZmVyZW5jZQ\n";
        let e = parse(text).unwrap_err();
        assert_eq!(e.kind(), Kind::Invalid);
        for said in [
            "not a Levada",
            "Apache Kafka",
            "bGV2YWRhLXJlZmVyZW5jZQ",
            "node 1",
        ] {
            assert!(e.message().contains(said), "{e}");
        }
    }

    #[test]
    fn a_newer_format_names_both_versions() {
        let text = Identity::random().to_string();
        let e = parse(&text.replace("format=1", "format=2")).unwrap_err();
        assert_eq!(e.kind(), Kind::Invalid);
        assert!(
            e.message().contains("format 2") && e.message().contains("up to 1"),
            "{e}"
        );
    }

    #[test]
    fn a_damaged_file_is_corrupt() {
        let text = Identity::random().to_string();
        for (from, to) in [
            ("node.id=1", "node.id=x"),
            ("node.id=1\n", ""),
            ("directory.id=", "directory.id=?"),
            ("version=1", "version=9"),
            ("format=1", "format="),
        ] {
            let e = parse(&text.replace(from, to)).unwrap_err();
            assert_eq!(e.kind(), Kind::Corrupt, "{from} -> {to}: {e}");
        }
    }
}
