//! The last wall around the Parquet crate: a panic on bytes that it cannot take becomes an error.
//!
//! What can be checked is checked before (checksums, list lengths, row counts); this is for what is
//! left. The release profile keeps unwinding for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;

use super::blocks::ours;
use crate::error::{Error, Result};

/// Runs `read`; what it holds must not be used again when this gives an error.
pub(crate) fn guard<T>(place: &str, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(done) => done.map_err(|e| ours(place, e)),
        Err(_) => Err(Error::corrupt(format!(
            "{place}: the parquet reader gave up on it: the file is damaged, or was written by another program"
        ))),
    }
}
