//! One segment: a run of batches in a file, and the indexes beside it.
//!
//! The last segment of a log is *active*: one writer appends to it under the partition's append
//! lock while readers read below the size they saw. Every other is *sealed*: its file never changes
//! again, so it may be mapped, and it goes away by rename and removal only.
//!
//! The locks here are leaves: each is held for a few lines, never for I/O but the opening of a file.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{Found, Growth, Indexes, Place, Tail};
use crate::disk::{File, Open};
use crate::error::{Error, Result};
use crate::log::names::{self, Part};
use crate::sync::{Mutex, RwLock};
use crate::types::{Offset, Timestamp};

/// What can be had again by opening the file.
#[derive(Debug, Default)]
struct Handles {
    file: Option<Arc<dyn File>>,
    map: Option<Bytes>,
    /// Byte range of the file whose checksums were compared since the partition was opened.
    verified: (u64, u64),
    /// From here on the bytes of the active file were checked by this process before it wrote them.
    own_from: Option<u64>,
}

#[derive(Debug)]
pub(in crate::log) struct Segment {
    pub base: Offset,
    place: Place,
    tail: Mutex<Tail>,
    indexes: RwLock<Arc<Indexes>>,
    handles: Mutex<Handles>,
    /// Its bytes were asked for since somebody looked: file and map are worth keeping.
    used: AtomicBool,
    sealed: AtomicBool,
}

impl Segment {
    /// A new, empty, active segment. A leftover file of the same name is emptied: nothing that a
    /// reader could know of can have the base offset of the log's end.
    pub(in crate::log) fn create(place: &Place, base: Offset) -> Result<Segment> {
        let path = names::path(&place.dir, base, Part::Log);
        let file = place.disk.open(&path, Open::Truncate);
        let file = file.map_err(|e| Error::io(format_args!("create {}", path.display()), e))?;
        // Their files come when the segment is sealed or the partition closed.
        let indexes = Indexes::create(place, base);
        let segment = Segment::with(place, base, Growth::empty(base).tail, indexes, false);
        let mut handles = segment.handles.lock();
        (handles.file, handles.own_from) = (Some(file), Some(0));
        drop(handles);
        Ok(segment)
    }

    /// A segment whose files are there. No I/O.
    pub(in crate::log) fn open(
        place: &Place,
        base: Offset,
        next: Offset,
        found: &Found,
    ) -> Segment {
        let tail = Tail {
            size: found.log_bytes.unwrap_or(0),
            next,
            latest: None,
        };
        let indexes = Indexes::open(place, base, found, true);
        Segment::with(place, base, tail, indexes, true)
    }

    /// The last segment of a log that is being opened: active, its tail still to be told.
    pub(in crate::log) fn open_active(place: &Place, base: Offset, found: &Found) -> Segment {
        let segment = Segment::open(place, base, base, found);
        *segment.indexes.write() = Arc::new(Indexes::open(place, base, found, false));
        segment.sealed.store(false, Ordering::Release);
        segment
    }

    fn with(place: &Place, base: Offset, tail: Tail, indexes: Indexes, sealed: bool) -> Segment {
        Segment {
            base,
            place: place.clone(),
            tail: Mutex::new(tail),
            indexes: RwLock::new(Arc::new(indexes)),
            handles: Mutex::new(Handles::default()),
            used: AtomicBool::new(true),
            sealed: AtomicBool::new(sealed),
        }
    }

    pub(in crate::log) fn path(&self) -> PathBuf {
        names::path(&self.place.dir, self.base, Part::Log)
    }

    pub(in crate::log) fn tail(&self) -> Tail {
        *self.tail.lock()
    }

    pub(in crate::log) fn set_tail(&self, tail: Tail) {
        *self.tail.lock() = tail;
    }

    pub(in crate::log) fn indexes(&self) -> Arc<Indexes> {
        self.indexes.read().clone()
    }

    pub(in crate::log) fn set_indexes(&self, indexes: Indexes) {
        *self.indexes.write() = Arc::new(indexes);
    }

    /// Puts offset and time index made anew in the place of damaged ones; for a sealed segment.
    pub(in crate::log) fn replace_indexes(&self, made: Indexes) -> Result<()> {
        made.offset.seal()?;
        made.time.seal()?;
        let kept = self.open_anew()?;
        *self.indexes.write() = Arc::new(Indexes {
            txn: kept.txn,
            ..made
        });
        Ok(())
    }

    /// As [`replace_indexes`](Self::replace_indexes) for the transaction index.
    pub(in crate::log) fn replace_txn_index(&self, made: Indexes) -> Result<()> {
        let path = names::path(&self.place.dir, self.base, Part::TxnIndex);
        match self.place.disk.remove_file(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            other => other.map_err(|e| Error::io(format_args!("remove {}", path.display()), e))?,
        }
        made.txn.seal()?;
        let kept = self.open_anew()?;
        *self.indexes.write() = Arc::new(Indexes {
            txn: made.txn,
            ..kept
        });
        Ok(())
    }

    /// The indexes of a sealed segment as their files are now.
    fn open_anew(&self) -> Result<Indexes> {
        let size = |part| {
            let path = names::path(&self.place.dir, self.base, part);
            match self
                .place
                .disk
                .open(&path, Open::Read)
                .and_then(|f| f.len())
            {
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(Error::io(format_args!("open {}", path.display()), e)),
                Ok(size) => Ok(Some(size)),
            }
        };
        let found = Found {
            log_bytes: None,
            index_bytes: size(Part::OffsetIndex)?,
            time_bytes: size(Part::TimeIndex)?,
            txn_bytes: size(Part::TxnIndex)?,
        };
        Ok(Indexes::open(&self.place, self.base, &found, true))
    }

    pub(in crate::log) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// The log goes on in this segment: recovery removed what lay behind it.
    pub(in crate::log) fn make_active(&self) {
        self.sealed.store(false, Ordering::Release);
    }

    pub(in crate::log) fn place(&self) -> &Place {
        &self.place
    }

    /// The open file: writable while the segment is active.
    pub(in crate::log) fn file(&self) -> io::Result<Arc<dyn File>> {
        self.touch();
        let mut handles = self.handles.lock();
        if let Some(file) = &handles.file {
            return Ok(file.clone());
        }
        let how = if self.is_sealed() {
            Open::Read
        } else {
            Open::Write
        };
        let file = self.place.disk.open(&self.path(), how)?;
        handles.file = Some(file.clone());
        Ok(file)
    }

    /// All bytes of a sealed segment, mapped; the map is kept until [`rest`](Self::rest).
    pub(in crate::log) fn map(&self) -> io::Result<Bytes> {
        debug_assert!(self.is_sealed(), "only what no longer changes is mapped");
        self.touch();
        if let Some(map) = &self.handles.lock().map {
            return Ok(map.clone());
        }
        let size = self.tail().size;
        let whole = match size {
            0 => Bytes::new(),
            _ => self.place.disk.map(&self.path())?,
        };
        if (whole.len() as u64) < size {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("has {} bytes where {size} were written", whole.len()),
            ));
        }
        let map = whole.slice(..usize::try_from(size).unwrap_or(usize::MAX));
        self.handles.lock().map = Some(map.clone());
        Ok(map)
    }

    /// Whether the checksums of the bytes `from..to` were compared already.
    pub(in crate::log) fn is_verified(&self, from: u64, to: u64) -> bool {
        let handles = self.handles.lock();
        let (start, end) = handles.verified;
        (start <= from && to <= end) || handles.own_from.is_some_and(|own| own <= from)
    }

    /// Remembers that the batches in `from..to` are sound. One range is kept: the one that grows.
    pub(in crate::log) fn set_verified(&self, from: u64, to: u64) {
        let mut handles = self.handles.lock();
        let (start, end) = handles.verified;
        handles.verified = if from <= end && start <= to {
            (start.min(from), end.max(to))
        } else if to - from > end - start {
            (from, to)
        } else {
            (start, end)
        };
    }

    /// The bytes of the file from `from` on were checked.
    pub(in crate::log) fn set_own_from(&self, from: u64) {
        self.handles.lock().own_from = Some(from);
    }

    /// Bytes from `position` on and where in them that is: the whole map of a sealed segment, or
    /// `length` bytes of the active one, read.
    pub(in crate::log) fn bytes(&self, position: u64, length: u64) -> Result<(Bytes, usize)> {
        let wrong = |e| Error::io(format_args!("read {}", self.path().display()), e);
        if self.is_sealed() {
            match self.map() {
                Ok(map) => return Ok((map, usize::try_from(position).unwrap_or(usize::MAX))),
                Err(e) if e.kind() == ErrorKind::NotFound => return Err(wrong(e)),
                // Out of maps: reading still works.
                Err(e) if e.kind() == ErrorKind::OutOfMemory => {}
                Err(e) => return Err(wrong(e)),
            }
        }
        let mut buffer = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let file = self.file().map_err(wrong)?;
        let got = file.read_at(&mut buffer, position).map_err(wrong)?;
        if got < buffer.len() {
            let missing = format!("ends at byte {}", position + got as u64);
            return Err(wrong(io::Error::new(ErrorKind::UnexpectedEof, missing)));
        }
        Ok((Bytes::from(buffer), 0))
    }

    /// Turns the active segment into a sealed one: the time index learns the largest timestamp, the
    /// index files are written. The log file is synced by the next sync of the partition.
    pub(in crate::log) fn seal(&self) -> Result<()> {
        let indexes = self.indexes();
        if let Some((timestamp, offset)) = self.tail().latest {
            indexes.time.append(timestamp, offset)?;
        }
        indexes.seal()?;
        let mut handles = self.handles.lock();
        (handles.verified, handles.own_from) = ((0, 0), None);
        drop(handles);
        self.sealed.store(true, Ordering::Release);
        Ok(())
    }

    /// Syncs the log file, and the indexes of a sealed segment.
    pub(in crate::log) fn sync(&self) -> Result<()> {
        let wrong = |e| Error::io(format_args!("sync {}", self.path().display()), e);
        self.file().and_then(|f| f.sync()).map_err(wrong)?;
        if self.is_sealed() {
            self.indexes().sync()?;
        }
        Ok(())
    }

    /// The largest timestamp and the last offset of its batch, from the time index where need be.
    pub(in crate::log) fn latest(&self) -> Result<(Timestamp, Offset)> {
        if let Some(latest) = self.tail().latest {
            return Ok(latest);
        }
        let latest = self
            .indexes()
            .time
            .last()?
            .unwrap_or((Timestamp::NONE, self.base));
        self.tail.lock().latest = Some(latest);
        Ok(latest)
    }

    /// Whether its bytes were asked for since the last call.
    pub(in crate::log) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn touch(&self) {
        // Looked at first: many readers would else take the line from each other.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Lets go of the file that a sealed segment was written through. Readers use the map.
    pub(in crate::log) fn close_file(&self) {
        self.handles.lock().file = None;
    }

    /// Lets go of file and map; of the active segment only when everything is synced, because a
    /// failed write-back is told to the handles that are open when it happens.
    pub(in crate::log) fn rest(&self) {
        let mut handles = self.handles.lock();
        handles.file = None;
        handles.map = None;
        drop(handles);
        self.indexes().rest();
    }

    /// Removes the files: first the log by another name, so that no half segment is found later.
    pub(in crate::log) fn remove(&self) -> Result<()> {
        let disk = &self.place.disk;
        let log = self.path();
        let deleted = PathBuf::from(format!("{}.deleted", log.display()));
        let wrong = |e| Error::io(format_args!("remove {}", log.display()), e);
        match disk.rename(&log, &deleted) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            other => other.map_err(wrong)?,
        }
        let mut paths = vec![deleted];
        paths.extend(Part::OF_SEGMENT.map(|part| names::path(&self.place.dir, self.base, part)));
        for path in paths {
            match disk.remove_file(&path) {
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                other => other.map_err(wrong)?,
            }
        }
        Ok(())
    }
}
