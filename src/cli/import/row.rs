//! One row of whatever table, by column name.

use serde_json::{Map, Value};

use crate::cli::time;
use crate::error::{Error, Result};
use crate::types::Timestamp;

/// A row as JSON values.
pub type Row = Map<String, Value>;

/// A source of rows.
pub trait Rows {
    /// The next row; `None` at the end.
    fn next(&mut self) -> Result<Option<Row>>;
    /// Where the last row came from, for messages.
    fn place(&self) -> String;
}

/// A field as bytes: text as it stands, anything else as JSON; `None` for null.
pub fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone().into_bytes()),
        other => Some(other.to_string().into_bytes()),
    }
}

/// A field as a moment: milliseconds since 1970, or RFC 3339.
pub fn moment(value: &Value) -> Result<Option<Timestamp>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => match text.parse() {
            Ok(ms) => Ok(Some(Timestamp(ms))),
            Err(_) => time::parse(text).map(Some),
        },
        other => match other.as_i64() {
            Some(ms) => Ok(Some(Timestamp(ms))),
            None => Err(Error::invalid(format!("{other} is not a moment"))),
        },
    }
}
