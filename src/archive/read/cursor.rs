//! A place in a file from which batches are read on.

use std::sync::Arc;

use bytes::Bytes;

use super::super::layout::C;
use super::file::ArchiveFile;
use super::rebuild::{Form, Rebuilder, Rebuilt};
use super::rows::RowReader;
use crate::error::{Error, Result};
use crate::types::{Offset, Timestamp};

/// Reads a file's batches in order. What a sequential reader needs next is decoded already: keep it.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: Arc<ArchiveFile>,
    rebuilder: Rebuilder,
    /// Read, but too large for the answer before.
    held: Option<Rebuilt>,
    /// After the last batch given.
    next: Offset,
}

impl Cursor {
    /// Starts at the batch that holds `from`, or the first after it.
    pub fn at(file: Arc<ArchiveFile>, from: Offset, form: Form) -> Result<Cursor> {
        // All rows of a batch say where it ends: the first one that is not below starts the batch.
        let place = file.first_row(C::BatchLastOffset, from.get())?;
        Ok(Cursor {
            rebuilder: Rebuilder::new(file.clone(), place, from, form),
            file,
            held: None,
            next: from,
        })
    }

    pub fn next_offset(&self) -> Offset {
        self.next
    }

    pub fn next_batch(&mut self) -> Result<Option<Rebuilt>> {
        let batch = match self.held.take() {
            Some(batch) => Some(batch),
            None => self.rebuilder.next()?,
        };
        if let Some(batch) = &batch {
            // The first batch may start before `from`, never end there.
            if batch.next_offset <= self.next {
                return Err(Error::corrupt(format!(
                    "{}: batch at offset {} is out of order",
                    self.file.place, batch.base_offset
                )));
            }
            self.next = batch.next_offset;
        }
        Ok(batch)
    }

    /// Appends whole batches up to `bytes_max`, one at least when `into` is empty; `false` when the file is
    /// at its end.
    pub fn read(
        &mut self,
        bytes_max: usize,
        into: &mut Vec<Bytes>,
        len: &mut usize,
    ) -> Result<bool> {
        loop {
            let before = self.next;
            let Some(batch) = self.next_batch()? else {
                return Ok(false);
            };
            if *len > 0 && *len + batch.bytes.len() > bytes_max {
                self.next = before;
                self.held = Some(batch);
                return Ok(true);
            }
            *len += batch.bytes.len();
            into.push(batch.bytes);
        }
    }
}

/// The first record at or after `timestamp` in the file.
pub(crate) fn first_at_time(
    file: &Arc<ArchiveFile>,
    timestamp: Timestamp,
) -> Result<Option<(Offset, Timestamp)>> {
    let mut from = 0;
    while let Some(place) = file.page_of_time(timestamp, from)? {
        let columns = vec![
            C::Offset,
            C::Timestamp,
            C::BatchMaxTimestamp,
            C::BatchAttributes,
            C::RecordTimestamp,
        ];
        let mut reader = RowReader::new(file.clone(), place, Some(columns));
        while let Some(rows) = reader.next()? {
            let found = super::rows::TimeRows::of(&rows, &file.place)?.first_at(timestamp);
            if found.is_some() {
                return Ok(found);
            }
        }
        from = place.group + 1;
    }
    Ok(None)
}
