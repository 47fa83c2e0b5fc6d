//! The read-back check: what was written says exactly what the segments say.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::arrow::PLAIN_BATCH_BYTES_MAX;
use super::read::{ArchiveFile, Cursor, Form, Rebuilt};
use super::write::Segment;
use crate::error::{Error, Result};
use crate::log::Stop;
use crate::record::{BatchHeader, BatchView, Batches, HEADER_BYTES, PlainRecords};

/// Base offsets of the batches that the file does not give back as they were. Errors: Corrupt when it
/// cannot be read, or holds other batches; Closed when it is to stop.
pub(crate) fn differences(
    file: &Arc<ArchiveFile>,
    segments: &[Segment],
    stop: &Stop,
) -> Result<HashSet<i64>> {
    let mut different = HashSet::new();
    let mut cursor = Cursor::at(file.clone(), file.entry.base(), Form::Plain)?;
    for segment in segments {
        let walk = Batches::new(&segment.bytes);
        let mut position = 0;
        for batch in walk {
            stop.check()?;
            let batch = batch?;
            let end = position + batch.bytes().len();
            let rebuilt = cursor.next_batch()?;
            let rebuilt = rebuilt.filter(|r| r.base_offset == batch.header().base_offset);
            let Some(rebuilt) = rebuilt else {
                return Err(Error::corrupt(format!(
                    "{}: read back, the batch at offset {} is missing",
                    file.place,
                    batch.header().base_offset
                )));
            };
            if !same(&batch, &segment.bytes.slice(position..end), &rebuilt)? {
                different.insert(batch.header().base_offset.get());
            }
            position = end;
        }
    }
    match cursor.next_batch()? {
        None => Ok(different),
        Some(more) => Err(Error::corrupt(format!(
            "{}: read back, there is a batch at offset {} that was never written",
            file.place, more.base_offset
        ))),
    }
}

/// Byte for byte where the batch was not compressed, in header and plain records where it was.
fn same(batch: &BatchView<'_>, bytes: &Bytes, rebuilt: &Rebuilt) -> Result<bool> {
    if batch.bytes() == &rebuilt.bytes[..] {
        return Ok(true);
    }
    let header = batch.header();
    let compressed = header.attributes.0 & 7 != 0;
    if !compressed || header.attributes != rebuilt.attributes {
        return Ok(false);
    }
    let other = BatchHeader::parse(&rebuilt.bytes)?;
    let comparable = BatchHeader {
        size_bytes: header.size_bytes,
        crc: header.crc,
        attributes: header.attributes,
        ..other
    };
    if comparable != *header {
        return Ok(false);
    }
    let plain = PlainRecords::open(bytes, PLAIN_BATCH_BYTES_MAX)?;
    Ok(rebuilt.bytes.get(HEADER_BYTES..) == Some(&plain.payload[..]))
}
