//! A file of entries of one size, that only grows: what the three indexes have in common.
//!
//! Costs: an append is a push into memory; a look-up takes the lock to clone a handle or to search
//! the growing part, never for I/O. The file is written in one piece at roll, sync and close. While
//! nobody looks (`rest`), an index is its path and two numbers.

use std::io::{ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, Open};
use crate::error::{Error, Result};
use crate::log::files::read_whole;
use crate::sync::Mutex;

/// No index may be larger: Kafka's `segment.index.bytes` is an `int`.
const FILE_BYTES_MAX: u64 = i32::MAX as u64;

/// The entries as they are now.
#[derive(Clone, Debug)]
enum Content {
    /// In the file only; so many bytes by the directory's word, padding included.
    Away { size_bytes: u64 },
    /// The whole of a sealed file, mapped, without padding.
    Held(Bytes),
    /// The active segment's, and what truncation made active again.
    Growing(Vec<u8>),
}

#[derive(Debug)]
struct State<const N: usize> {
    /// Changes when the segment is renamed.
    path: PathBuf,
    content: Content,
    /// Bytes of the content that the file has, the same and at the same place.
    written: usize,
    /// The file at `path` holds `written` bytes of this content; otherwise it is made anew.
    in_file: bool,
    /// The file is longer than its entries: the next write cuts it.
    padded: bool,
    /// The last entry, kept while the rest is away.
    last: Option<[u8; N]>,
    /// Sealed: the file never changes again and may be mapped.
    sealed: bool,
    /// The file has bytes that this process wrote, or found, and did not sync.
    unsynced: bool,
}

/// Appending, truncating and writing are for one thread at a time (the partition's append lock);
/// looking up is for all.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    disk: Arc<dyn Disk>,
    state: Mutex<State<N>>,
}

/// Checks entries before they are used; gives an error for the first that cannot be.
pub(super) type Check<'a> = &'a dyn Fn(&Path, &[u8]) -> Result<()>;

impl<const N: usize> Table<N> {
    /// Empty; the file is made by the first [`write`](Self::write).
    pub fn create(disk: Arc<dyn Disk>, path: &Path) -> Self {
        Self::with(disk, path, Content::Growing(Vec::new()), false, false)
    }

    /// An existing file of `size_bytes`; no I/O until it is used.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, size_bytes: u64, sealed: bool) -> Self {
        Self::with(disk, path, Content::Away { size_bytes }, true, sealed)
    }

    fn with(
        disk: Arc<dyn Disk>,
        path: &Path,
        content: Content,
        in_file: bool,
        sealed: bool,
    ) -> Self {
        // What was there may be of a process that did not come to sync it.
        let unsynced = matches!(content, Content::Away { size_bytes } if size_bytes > 0);
        let state = State {
            path: path.to_owned(),
            content,
            written: 0,
            in_file,
            padded: false,
            last: None,
            sealed,
            unsynced,
        };
        Table {
            disk,
            state: Mutex::new(state),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.state.lock().path.clone()
    }

    /// The file was renamed by the owner of the segment.
    pub fn moved(&self, to: &Path) {
        self.state.lock().path = to.to_owned();
    }

    /// Whether there is surely nothing in it, without I/O.
    pub fn is_surely_empty(&self) -> bool {
        match &self.state.lock().content {
            Content::Away { size_bytes } => *size_bytes == 0,
            Content::Held(bytes) => bytes.is_empty(),
            Content::Growing(bytes) => bytes.is_empty(),
        }
    }

    /// Whether a file of this content may exist.
    pub fn is_in_file(&self) -> bool {
        self.state.lock().in_file
    }

    /// Gives `look` all entries.
    pub fn look<T>(&self, check: Check<'_>, look: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let held = {
            let state = self.state.lock();
            match &state.content {
                Content::Growing(bytes) => return Ok(look(bytes)),
                Content::Held(bytes) => Some(bytes.clone()),
                Content::Away { .. } => None,
            }
        };
        match held {
            Some(bytes) => Ok(look(&bytes)),
            None => Ok(look(&self.load(check)?)),
        }
    }

    /// The last entry; reads no more than that when the rest is away.
    pub fn last(&self, check: Check<'_>) -> Result<Option<[u8; N]>> {
        {
            let state = self.state.lock();
            match &state.content {
                Content::Away { size_bytes: 0 } => return Ok(None),
                Content::Away { .. } if state.last.is_some() => return Ok(state.last),
                Content::Away { .. } => {}
                Content::Held(bytes) => return Ok(last_entry(bytes)),
                Content::Growing(bytes) => return Ok(last_entry(bytes)),
            }
        }
        let last = self.look(check, last_entry)?;
        self.state.lock().last = last;
        Ok(last)
    }

    /// Reads the file without a lock held; two who load at once do it twice.
    fn load(&self, check: Check<'_>) -> Result<Bytes> {
        let (path, sealed, size_bytes) = {
            let state = self.state.lock();
            match &state.content {
                Content::Away { size_bytes } => (state.path.clone(), state.sealed, *size_bytes),
                Content::Held(bytes) => return Ok(bytes.clone()),
                Content::Growing(bytes) => return Ok(Bytes::copy_from_slice(bytes)),
            }
        };
        let whole = if size_bytes == 0 {
            Bytes::new()
        } else if sealed {
            let map = self.disk.map(&path);
            map.map_err(|e| Error::io(format_args!("map {}", path.display()), e))?
        } else {
            let read = read_whole(&*self.disk, &path, FILE_BYTES_MAX)?;
            let gone = || Error::corrupt(format!("{} is not there any more", path.display()));
            Bytes::from(read.ok_or_else(gone)?)
        };
        let file_bytes = whole.len();
        let entries = without_padding::<N>(&path, whole)?;
        check(&path, &entries)?;
        let mut state = self.state.lock();
        if matches!(state.content, Content::Away { .. }) {
            state.written = entries.len();
            state.padded = file_bytes != entries.len();
            state.last = last_entry(&entries);
            state.content = if state.sealed {
                Content::Held(entries.clone())
            } else {
                Content::Growing(entries.to_vec())
            };
        }
        Ok(entries)
    }

    /// Adds an entry in memory.
    pub fn push(&self, check: Check<'_>, entry: &[u8; N]) -> Result<()> {
        self.grow(check)?;
        let mut state = self.state.lock();
        if let Content::Growing(bytes) = &mut state.content {
            bytes.extend_from_slice(entry);
        }
        Ok(())
    }

    /// Keeps the first `count` entries.
    pub fn truncate(&self, check: Check<'_>, count: usize) -> Result<()> {
        self.grow(check)?;
        let mut state = self.state.lock();
        let keep = count.saturating_mul(N);
        if let Content::Growing(bytes) = &mut state.content
            && bytes.len() > keep
        {
            bytes.truncate(keep);
            // Somebody may have the old file mapped: it is replaced, never cut.
            state.in_file = false;
            state.written = 0;
        }
        Ok(())
    }

    /// Brings the entries into growable memory.
    fn grow(&self, check: Check<'_>) -> Result<()> {
        if matches!(self.state.lock().content, Content::Growing(_)) {
            return Ok(());
        }
        let entries = self.load(check)?;
        let mut state = self.state.lock();
        if !matches!(state.content, Content::Growing(_)) {
            if state.sealed {
                // What is appended goes to a new file: the old one may be mapped.
                state.in_file = false;
                state.written = 0;
                state.sealed = false;
            }
            state.content = Content::Growing(entries.to_vec());
        }
        Ok(())
    }

    /// Writes what the file lacks, and cuts padding off it. No sync.
    pub fn write(&self) -> Result<()> {
        let (path, in_file, from, tail, whole) = {
            let state = self.state.lock();
            let Content::Growing(bytes) = &state.content else {
                return Ok(());
            };
            if state.in_file && state.written == bytes.len() && !state.padded {
                return Ok(());
            }
            let from = state.written.min(bytes.len());
            let tail = bytes.get(from..).unwrap_or_default().to_vec();
            (
                state.path.clone(),
                state.in_file,
                from,
                tail,
                bytes.len() as u64,
            )
        };
        let wrong = |e| Error::io(format_args!("write {}", path.display()), e);
        if !in_file {
            match self.disk.remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(wrong(e)),
                _ => {}
            }
        }
        let how = if in_file {
            Open::Write
        } else {
            Open::CreateNew
        };
        let file = self.disk.open(&path, how).map_err(wrong)?;
        if !tail.is_empty() {
            file.write_at(&[IoSlice::new(&tail)], from as u64)
                .map_err(wrong)?;
        }
        if in_file && file.len().map_err(wrong)? != whole {
            file.set_len(whole).map_err(wrong)?;
        }
        let mut state = self.state.lock();
        // A new file that is empty has no bytes to sync, only a name.
        state.unsynced |= in_file || whole > 0;
        state.in_file = true;
        state.padded = false;
        state.written = from + tail.len();
        Ok(())
    }

    /// Writes, and syncs what was not. A new name lasts only when the directory is synced.
    pub fn sync(&self) -> Result<()> {
        self.write()?;
        let (path, unsynced) = {
            let state = self.state.lock();
            (state.path.clone(), state.unsynced)
        };
        if !unsynced {
            return Ok(());
        }
        let wrong = |e| Error::io(format_args!("sync {}", path.display()), e);
        let file = self.disk.open(&path, Open::Write).map_err(wrong)?;
        file.sync().map_err(wrong)?;
        self.state.lock().unsynced = false;
        Ok(())
    }

    /// Writes; from now on the file does not change.
    pub fn seal(&self) -> Result<()> {
        self.write()?;
        let mut state = self.state.lock();
        if let Content::Growing(bytes) = &state.content {
            let (last, size_bytes) = (last_entry(bytes), bytes.len() as u64);
            state.last = last;
            state.content = Content::Away { size_bytes };
        }
        state.sealed = true;
        Ok(())
    }

    /// Lets go of the memory when the file has everything; else keeps it.
    pub fn rest(&self) {
        let mut state = self.state.lock();
        let (size_bytes, last) = match &state.content {
            Content::Away { .. } => return,
            Content::Held(bytes) => (bytes.len(), last_entry(bytes)),
            Content::Growing(bytes) => (bytes.len(), last_entry(bytes)),
        };
        if state.in_file && state.written == size_bytes {
            state.last = last;
            state.content = Content::Away {
                size_bytes: size_bytes as u64,
            };
        }
    }
}

fn last_entry<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.last_chunk::<N>().copied()
}

/// Kafka preallocates the active index: after a kill its tail is zeros, which are no entries (an
/// entry of zeros says nothing that the base offset does not say). A file of just one entry is not
/// preallocated: zeros there are a first record of 1970.
fn without_padding<const N: usize>(path: &Path, whole: Bytes) -> Result<Bytes> {
    if !whole.len().is_multiple_of(N) {
        let size = whole.len();
        return Err(Error::corrupt(format!(
            "index {} has {size} bytes, which is no multiple of {N}: remove it, it is made anew",
            path.display()
        )));
    }
    if whole.len() == N {
        return Ok(whole);
    }
    let zeros = whole
        .rchunks_exact(N)
        .take_while(|e| e.iter().all(|b| *b == 0));
    let keep = whole.len() - zeros.count() * N;
    Ok(whole.slice(..keep))
}

/// What an index passes through to its table as it is.
macro_rules! shared_methods {
    ($index:ident) => {
        impl $index {
            pub fn path(&self) -> PathBuf {
                self.table.path()
            }

            /// The file was renamed by the owner of the segment.
            pub fn moved(&self, to: &Path) {
                self.table.moved(to);
            }

            /// Writes what the file lacks. No sync: an index is made anew after an unclean stop.
            pub fn write(&self) -> Result<()> {
                self.table.write()
            }

            /// Writes and syncs.
            pub fn sync(&self) -> Result<()> {
                self.table.sync()
            }

            /// Writes; from now on the file does not change and is mapped when it is needed.
            pub fn seal(&self) -> Result<()> {
                self.table.seal()
            }

            /// The size of the file once it is written.
            pub fn size_bytes(&self) -> Result<u64> {
                self.table.look(&check, |bytes| bytes.len() as u64)
            }

            /// Reads the file if it was not read yet: it will be another one soon.
            pub fn hold(&self) -> Result<()> {
                self.table.look(&check, |_| ())
            }

            /// Lets go of memory that can be read again.
            pub fn rest(&self) {
                self.table.rest();
            }
        }
    };
}

pub(super) use shared_methods;
