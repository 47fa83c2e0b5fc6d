//! Standard output and standard error: text for people, JSON for programs.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use serde_json::json;

use super::stop::Result;
use crate::error::Error;

/// Buffered standard output. What was written counts once [`Output::flush`] is through.
#[derive(Debug)]
pub struct Output {
    to: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Output {
        Output {
            to: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            json,
        }
    }

    /// Shows `document` as JSON, or what `text` makes of it.
    pub fn show<T: Serialize, D: Display>(
        &mut self,
        document: &T,
        text: impl FnOnce(&T) -> D,
    ) -> Result {
        if self.json {
            self.json_line(document)?;
        } else {
            let text = text(document).to_string();
            self.bytes(text.as_bytes())?;
            if !text.is_empty() && !text.ends_with('\n') {
                self.bytes(b"\n")?;
            }
        }
        self.flush()
    }

    /// One line of JSON, not flushed.
    pub fn json_line<T: Serialize>(&mut self, document: &T) -> Result {
        serde_json::to_writer(&mut self.to, document).map_err(io::Error::from)?;
        self.bytes(b"\n")
    }

    /// As they are, not flushed.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result {
        Ok(self.to.write_all(bytes)?)
    }

    pub fn flush(&mut self) -> Result {
        Ok(self.to.flush()?)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Columns under their headers, as wide as they need to be.
pub fn table(headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headers.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// An error on standard error.
pub fn report(error: &Error, json: bool) {
    let text = match json {
        true => json!({"error": {
            "kind": format!("{:?}", error.kind()),
            "code": error.code().number(),
            "message": error.message(),
        }})
        .to_string(),
        false => format!("error: {error}"),
    };
    note(&text);
}

/// A line on standard error. Where nobody reads it there is nothing to be done.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
