//! Files as memory: the one place with `unsafe` below the bindings.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::Mmap;

/// The whole of `file` as shared bytes; unmapped when the last of them is dropped.
pub(super) fn map_file(file: &File) -> io::Result<Bytes> {
    // The system refuses mappings of no bytes.
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: a mapping is sound while nobody changes or cuts the file under it. Only files that will
    // never change again are mapped (the promise of `Disk::map`): sealed segments and archive files
    // are written once, replaced by rename and removed by unlink, both of which leave the mapped
    // inode whole. Other processes are kept out by the lock of the data directory.
    let map = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}
