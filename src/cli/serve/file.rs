//! The configuration file: TOML, or Kafka's `server.properties`.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::server_properties;
use crate::config::{Overrides, Scope, check};
use crate::disk::{Disk, Open, RealDisk};
use crate::error::{Code, Error, Result};

/// No configuration is longer.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct FileSettings {
    pub dir: Option<PathBuf>,
    pub log_level: Option<String>,
    pub log_format: Option<String>,
    pub broker: Overrides,
    /// Names that are known and change nothing here.
    pub ignored: Vec<String>,
}

/// Reads a file; one that ends in `.properties` is Kafka's.
///
/// Errors: NotFound, Denied; Invalid (no TOML, an unknown name, a value that is not allowed).
pub(super) fn read(path: &Path) -> Result<FileSettings> {
    let text = content(path)?;
    let read = match path.extension().is_some_and(|e| e == "properties") {
        true => server_properties::read(&text),
        false => from_toml(&text),
    };
    read.map_err(|e| e.at(path.display()))
}

fn content(path: &Path) -> Result<String> {
    let wrong = |e| Error::io(format_args!("read {}", path.display()), e);
    let file = RealDisk::default().open(path, Open::Read).map_err(wrong)?;
    let length = file.len().map_err(wrong)?;
    if length > FILE_BYTES_MAX {
        let message = format!("{} has {length} bytes: too many", path.display());
        return Err(Error::invalid(message));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let read = file.read_at(&mut bytes, 0).map_err(wrong)?;
    bytes.truncate(read);
    String::from_utf8(bytes).map_err(|_| invalid(format!("{} is not UTF-8", path.display())))
}

fn from_toml(text: &str) -> Result<FileSettings> {
    let table: Table = text
        .parse()
        .map_err(|e: toml::de::Error| invalid(format!("no TOML: {}", e.to_string().trim_end())))?;
    let mut read = FileSettings::default();
    for (name, value) in table {
        match (name.as_str(), value) {
            ("dir", Value::String(dir)) => read.dir = Some(dir.into()),
            ("log_level", Value::String(level)) => read.log_level = Some(level),
            ("log_format", Value::String(format)) => read.log_format = Some(format),
            ("broker", Value::Table(broker)) => flatten("", broker, &mut read.broker)?,
            ("dir" | "log_level" | "log_format", _) => {
                return Err(invalid(format!("{name} must be text")));
            }
            _ => {
                return Err(invalid(format!(
                    "unknown entry {name}: there are dir, log_level, log_format and [broker], under \
                     which the broker's settings stand"
                )));
            }
        }
    }
    for (name, text) in &read.broker {
        check(Scope::Broker, name, text)?;
    }
    Ok(read)
}

/// `log.retention.ms = 1` makes tables in tables, `"log.retention.ms" = 1` does not: both are the name
/// with dots.
fn flatten(prefix: &str, table: Table, into: &mut Overrides) -> Result<()> {
    for (key, value) in table {
        let name = match prefix.is_empty() {
            true => key,
            false => format!("{prefix}.{key}"),
        };
        match value {
            Value::Table(inner) => flatten(&name, inner, into)?,
            value => {
                let text = as_text(&name, &value)?;
                into.insert(name, text);
            }
        }
    }
    Ok(())
}

fn as_text(name: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(yes) => Ok(yes.to_string()),
        Value::Array(items) => {
            let texts: Result<Vec<_>> = items.iter().map(|item| as_text(name, item)).collect();
            Ok(texts?.join(","))
        }
        Value::Datetime(_) | Value::Table(_) => {
            Err(invalid(format!("{name} must be text, a number or a list")))
        }
    }
}

fn invalid(message: String) -> Error {
    Error::coded(Code::InvalidConfig, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_may_be_quoted_or_not() {
        let read = from_toml(
            "dir = \"d\"\nlog_level = \"debug\"\n[broker]\nnum.partitions = 4\n\
             listeners = [\"A://x:1\", \"B://y:2\"]\nmax.connections = 5\n\
             \"max.connections.per.ip\" = 3\n[broker.log.retention]\nhours = 1\n",
        )
        .unwrap();
        let pairs: Vec<_> = read.broker.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(
            pairs,
            [
                ("listeners", "A://x:1,B://y:2"),
                ("log.retention.hours", "1"),
                ("max.connections", "5"),
                ("max.connections.per.ip", "3"),
                ("num.partitions", "4"),
            ]
        );
        assert_eq!(read.log_level.as_deref(), Some("debug"));
        assert_eq!(read.dir, Some("d".into()));
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused() {
        let bad = [
            ("a = ", "no TOML"),
            ("dir = 1", "dir must be text"),
            ("num.partitions = 1", "under which"),
            (
                "[broker]\nnum.partition = 1",
                "did you mean num.partitions?",
            ),
            ("[broker]\nnum.partitions = \"x\"", "num.partitions"),
            ("[broker]\nnum.partitions = 1979-05-27", "must be text"),
        ];
        for (text, part) in bad {
            let error = from_toml(text).expect_err(text);
            assert!(error.message().contains(part), "{error}");
        }
    }
}
