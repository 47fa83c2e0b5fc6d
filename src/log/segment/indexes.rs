//! The indexes beside a segment, and where they lie.

use std::path::Path;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::Result;
use crate::log::index::{OffsetIndex, TimeIndex, TxnIndex};
use crate::log::names::{self, Part};
use crate::types::Offset;

/// Sizes of the files that a listing found, `None` where there is no such file.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::log) struct Found {
    pub log_bytes: Option<u64>,
    pub index_bytes: Option<u64>,
    pub time_bytes: Option<u64>,
    pub txn_bytes: Option<u64>,
}

/// The three indexes of a segment, replaced together when they are made anew.
#[derive(Debug)]
pub(in crate::log) struct Indexes {
    pub offset: OffsetIndex,
    pub time: TimeIndex,
    pub txn: TxnIndex,
}

impl Indexes {
    pub(in crate::log) fn create(place: &Place, base: Offset) -> Indexes {
        let at = |part| names::path(&place.dir, base, part);
        let max = place.index_bytes_max;
        let disk = &place.disk;
        Indexes {
            offset: OffsetIndex::create(disk.clone(), &at(Part::OffsetIndex), base, max),
            time: TimeIndex::create(disk.clone(), &at(Part::TimeIndex), base, max),
            txn: TxnIndex::create(disk.clone(), &at(Part::TxnIndex), base),
        }
    }

    pub(super) fn open(place: &Place, base: Offset, found: &Found, sealed: bool) -> Indexes {
        let at = |part| names::path(&place.dir, base, part);
        let max = place.index_bytes_max;
        let mut made = Indexes::create(place, base);
        let disk = &place.disk;
        if let Some(size) = found.index_bytes {
            let path = at(Part::OffsetIndex);
            made.offset = OffsetIndex::open(disk.clone(), &path, base, max, size, sealed);
        }
        if let Some(size) = found.time_bytes {
            let path = at(Part::TimeIndex);
            made.time = TimeIndex::open(disk.clone(), &path, base, max, size, sealed);
        }
        if let Some(size) = found.txn_bytes {
            made.txn = TxnIndex::open(disk.clone(), &at(Part::TxnIndex), base, size, sealed);
        }
        made
    }

    /// Writes what the files lack; no sync.
    pub(in crate::log) fn write(&self) -> Result<()> {
        self.offset.write()?;
        self.time.write()?;
        self.txn.write()
    }

    pub(in crate::log) fn sync(&self) -> Result<()> {
        self.offset.sync()?;
        self.time.sync()?;
        self.txn.sync()
    }

    pub(in crate::log) fn seal(&self) -> Result<()> {
        self.offset.seal()?;
        self.time.seal()?;
        self.txn.seal()
    }

    /// Reads all three: their files are about to be replaced.
    pub(in crate::log) fn hold(&self) -> Result<()> {
        self.offset.hold()?;
        self.time.hold()?;
        self.txn.hold()
    }

    pub(in crate::log) fn rest(&self) {
        self.offset.rest();
        self.time.rest();
        self.txn.rest();
    }
}

/// Where segments live and how large their indexes may be.
#[derive(Clone, Debug)]
pub(in crate::log) struct Place {
    pub disk: Arc<dyn Disk>,
    pub dir: Arc<Path>,
    pub index_bytes_max: u32,
}
