//! A scan as Arrow's own interfaces want it, among them the C stream.

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

use crate::embedded::Scan;

/// The record batches of a scan. Its errors are [`Error`](crate::Error)s inside of
/// [`ArrowError::ExternalError`].
#[derive(Debug)]
pub struct ScanReader {
    schema: SchemaRef,
    scan: Scan,
}

impl Scan {
    /// The same scan for whoever reads a `RecordBatchReader`.
    pub fn into_reader(self) -> ScanReader {
        ScanReader {
            schema: self.schema(),
            scan: self,
        }
    }
}

impl Iterator for ScanReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.scan.next()?;
        Some(batch.map_err(|e| ArrowError::ExternalError(Box::new(e))))
    }
}

impl RecordBatchReader for ScanReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
