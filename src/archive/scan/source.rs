//! Where a scan gets what is not in the archive.

use crate::error::Result;
use crate::log::{Chunk, Ends, Partition, Read};
use crate::types::{Offset, Timestamp};

/// A partition's log as a scan sees it: the whole of it, whatever lies where.
pub trait ScanSource: Send + Sync {
    fn ends(&self) -> Result<Ends>;
    fn read(&self, read: Read) -> Result<Chunk>;
    fn offset_for_time(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>>;
}

impl ScanSource for Partition {
    fn ends(&self) -> Result<Ends> {
        Ok(Partition::ends(self))
    }
    fn read(&self, read: Read) -> Result<Chunk> {
        Partition::read(self, read)
    }
    fn offset_for_time(&self, timestamp: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        Partition::offset_for_time(self, timestamp)
    }
}
