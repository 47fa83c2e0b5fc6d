//! What a stream of records came to.

use std::time::Duration;

use serde::Serialize;

use super::human;

/// Counts of a run that is over.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub records: u64,
    /// Keys and values.
    pub bytes: u64,
    pub seconds: f64,
    pub records_per_second: f64,
}

impl Summary {
    pub fn new(records: u64, bytes: u64, took: Duration) -> Summary {
        Summary {
            records,
            bytes,
            seconds: took.as_secs_f64(),
            records_per_second: human::rate(records, took),
        }
    }

    /// One line for people.
    pub fn text(&self) -> String {
        format!(
            "{} record{}, {} in {:.2} s ({} records/s)",
            human::count(self.records),
            if self.records == 1 { "" } else { "s" },
            human::bytes(self.bytes),
            self.seconds,
            human::count(self.records_per_second as u64),
        )
    }

    /// The same without bytes.
    pub fn rows_text(&self) -> String {
        format!(
            "{} rows in {:.2} s",
            human::count(self.records),
            self.seconds
        )
    }
}
