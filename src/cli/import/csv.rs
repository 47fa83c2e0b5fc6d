//! CSV with a line of column names.

use std::path::{Path, PathBuf};

use csv::{Reader, ReaderBuilder, StringRecord};
use serde_json::Value;

use super::row::{Row, Rows};
use crate::cli::input;
use crate::error::{Error, Result};

pub struct Csv {
    reader: Reader<std::fs::File>,
    names: Vec<String>,
    record: StringRecord,
    path: PathBuf,
    /// Fields stay text, whatever they look like.
    text: bool,
}

impl Csv {
    pub fn open(path: &Path, text: bool) -> Result<Csv> {
        let mut reader = ReaderBuilder::new().from_reader(input::open(path)?);
        let names = reader.headers();
        let names = names.map_err(|e| wrong(&path.display().to_string(), e))?;
        Ok(Csv {
            names: names.iter().map(str::to_owned).collect(),
            reader,
            record: StringRecord::new(),
            path: path.to_owned(),
            text,
        })
    }
}

impl Rows for Csv {
    fn next(&mut self) -> Result<Option<Row>> {
        let place = self.place();
        let more = self.reader.read_record(&mut self.record);
        if !more.map_err(|e| wrong(&place, e))? {
            return Ok(None);
        }
        let fields = self.names.iter().zip(self.record.iter());
        Ok(Some(
            fields
                .map(|(name, field)| (name.clone(), value(field, self.text)))
                .collect(),
        ))
    }

    fn place(&self) -> String {
        format!(
            "{}, line {}",
            self.path.display(),
            self.reader.position().line()
        )
    }
}

fn wrong(place: &str, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::io(place, error),
        other => Error::invalid(format!("{place}: no CSV: {other:?}")),
    }
}

/// Empty is null; a number that reads back the same is a number.
fn value(field: &str, text: bool) -> Value {
    if field.is_empty() {
        return Value::Null;
    }
    let number = serde_json::from_str::<serde_json::Number>(field).ok();
    match number.filter(|n| !text && n.to_string() == field) {
        Some(number) => Value::Number(number),
        None => Value::String(field.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_reads_back_the_same_is_a_number() {
        let cases = [
            ("", json!(null)),
            ("12", json!(12)),
            ("-0.5", json!(-0.5)),
            ("007", json!("007")),
            ("1e3", json!("1e3")),
            ("1.50", json!("1.50")),
            ("true", json!("true")),
        ];
        for (field, expected) in cases {
            assert_eq!(value(field, false), expected, "{field}");
        }
        assert_eq!(value("12", true), json!("12"));
    }
}
