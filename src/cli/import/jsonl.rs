//! A JSON object a line.

use std::path::Path;

use serde_json::Value;

use super::row::{Row, Rows};
use crate::cli::input::Lines;
use crate::error::Result;

pub struct JsonLines {
    lines: Lines,
    line: Vec<u8>,
}

impl JsonLines {
    pub fn open(path: &Path) -> Result<JsonLines> {
        Ok(JsonLines {
            lines: Lines::open(Some(path))?,
            line: Vec::new(),
        })
    }
}

impl Rows for JsonLines {
    fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if self.lines.next(&mut self.line)? == 0 {
                return Ok(None);
            }
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            return match serde_json::from_slice(&self.line) {
                Ok(Value::Object(row)) => Ok(Some(row)),
                Ok(_) => Err(self.lines.wrong("not a JSON object")),
                Err(error) => Err(self.lines.wrong(format!("not JSON: {error}"))),
            };
        }
    }

    fn place(&self) -> String {
        self.lines.place()
    }
}
