//! Where a segment ends that was closed cleanly: from the last index entry on, by header.

use crate::error::{Error, Result};
use crate::log::scan::{Scanner, Step};
use crate::log::segment::{Growth, Segment, Tail};
use crate::record::{BatchHeader, HEADER_BYTES};
use crate::types::Timestamp;

/// The end of the active segment and its first batch's timestamp; `None` when what lies there does
/// not fit together, so that the close was not clean after all.
pub(super) fn find(segment: &Segment, len: u64) -> Result<Option<(Growth, Option<Timestamp>)>> {
    let mut growth = Growth::empty(segment.base);
    if len == 0 {
        return Ok(Some((growth, None)));
    }
    let indexes = segment.indexes();
    let sound = indexes
        .offset
        .sanity_check(len)
        .and_then(|()| indexes.offset.last());
    let (Ok(entry), Ok(latest)) = (sound, indexes.time.last()) else {
        return Ok(None);
    };
    growth.tail = Tail {
        size: entry.map_or(0, |(_, position)| u64::from(position)),
        latest: Some(latest.unwrap_or((Timestamp::NONE, segment.base))),
        ..growth.tail
    };
    let wrong = |e| Error::io(format_args!("read {}", segment.path().display()), e);
    let file = segment.file().map_err(wrong)?;
    let mut scanner = Scanner::new(&*file, growth.tail.size, len);
    // The batch that the entry leads to does not reach beyond the offset that it names.
    let mut indexed = entry.map(|(offset, _)| offset);
    loop {
        let batch = match scanner.step().map_err(wrong)? {
            Step::Batch(batch, _) => batch,
            Step::End => break,
            Step::Bad(_) => return Ok(None),
        };
        let header = batch.header();
        let fits = match indexed.take() {
            Some(last) => header.last_offset() <= last && header.base_offset >= segment.base,
            None => header.base_offset >= growth.tail.next,
        };
        if !fits || header.last_offset().since(segment.base) > i64::from(i32::MAX) {
            return Ok(None);
        }
        growth.skip(header);
    }
    if latest.is_some_and(|(_, offset)| offset >= growth.tail.next) {
        return Ok(None);
    }
    let mut first = [0; HEADER_BYTES];
    file.read_at(&mut first, 0).map_err(wrong)?;
    let Ok(first) = BatchHeader::parse(&first) else {
        return Ok(None);
    };
    Ok(Some((growth, Some(first.max_timestamp))))
}
