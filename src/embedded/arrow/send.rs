//! `send_arrow`: all rows of a source of record batches.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::rows::Rows;
use crate::embedded::{Bulk, Producer};
use crate::error::{Error, Result};

impl Producer {
    /// Sends the rows of `batches` with one handle for all; waits for room as [`Producer::send`] does.
    /// Columns: `value` (binary or text), and if wanted `key`, `timestamp` (timestamps, dates, or
    /// integers of milliseconds) and `headers` (a list of key and value, or a map). What a scan or a poll
    /// gave can be sent as it is: where its records lay does not count, unless `keep_partitions` says that
    /// each goes to the partition of its column `partition`.
    ///
    /// Errors: those of [`Producer::send`]; Invalid for columns that do not fit, and for a source that
    /// fails (with an error of this crate: that one). Rows before the one that failed are sent:
    /// [`Producer::flush`] waits for them.
    pub fn send_arrow(
        &self,
        topic: &str,
        batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
        keep_partitions: bool,
    ) -> Result<Bulk> {
        let mut bulk = Bulk::default();
        self.topic(topic)?;
        for batch in batches {
            let rows = Rows::open(&batch.map_err(source_error)?, keep_partitions)?;
            let mut next = 0;
            while next < rows.count() {
                let reached = rows.send(self, topic, next..rows.count(), &mut bulk)?;
                next = reached.next;
                if let Some(lane) = reached.full {
                    self.make_room(&*self.topic(topic)?, lane)?;
                }
            }
        }
        Ok(bulk)
    }
}

/// Why a source of record batches failed. An error of our own, as a scan's, stays what it is.
pub fn source_error(error: ArrowError) -> Error {
    let error = match error {
        ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
            Ok(own) => return *own,
            Err(other) => ArrowError::ExternalError(other),
        },
        other => other,
    };
    Error::invalid("the Arrow data cannot be read").at(error)
}
