//! What the archive sees: segments that no longer change.

use bytes::Bytes;

use super::Partition;
use super::options::SealedSegment;
use crate::error::{Error, Result};
use crate::types::Offset;

impl Partition {
    /// Settled segments wholly below the last stable offset, oldest first. One whose largest timestamp
    /// cannot be read ends the list: it is damaged, and what follows waits for it.
    pub fn sealed(&self) -> Vec<SealedSegment> {
        let (candidates, end) = {
            let state = self.state.read();
            let end = state.last_stable().min(state.durable);
            (state.settled_below(end), end)
        };
        let mut sealed = Vec::with_capacity(candidates.len());
        for segment in &candidates {
            let tail = segment.tail();
            if tail.next > end {
                break;
            }
            let Ok((max_timestamp, _)) = self.latest_of(segment) else {
                break;
            };
            sealed.push(SealedSegment {
                base_offset: segment.base,
                next_offset: tail.next,
                size_bytes: tail.size,
                max_timestamp,
                path: segment.path(),
            });
        }
        sealed
    }

    /// The bytes of a sealed segment (mapped), checked against nothing yet.
    pub fn sealed_bytes(&self, base_offset: Offset) -> Result<Bytes> {
        let segment = self.state.read().segments.get(base_offset).cloned();
        let segment = segment.filter(|s| s.is_sealed()).ok_or_else(|| {
            Error::not_found(format!(
                "{} has no sealed segment with base offset {base_offset}",
                self.options.name
            ))
        })?;
        let wrong = |e| Error::io(format_args!("map {}", segment.path().display()), e);
        segment.map().map_err(wrong)
    }
}
