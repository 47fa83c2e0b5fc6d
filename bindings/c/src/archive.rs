//! Archive files: making them, finding them.

use std::ffi::{CString, c_char};

use crate::arg::{Made, Out, Text};
use crate::database::levada_database;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{Handle, View, kinds};
use crate::status::levada_status;

/// The archive files of a topic at one moment. Free the list with levada_files_free().
pub struct levada_files {
    rows: Vec<Row>,
}

pub struct Row {
    path: CString,
    partition: i32,
    first_offset: i64,
    next_offset: i64,
    bytes: i64,
}

kinds! { levada_files "files" 9; }

#[cfg(feature = "archive")]
mod made {
    use levada::Result;
    use levada::archive::PartitionArchive;
    use levada::embedded::{Database, MoveOut};

    use super::{Row, levada_files};
    use crate::arg::c_string;
    use crate::writer::LEVADA_PARTITION_ANY;

    pub fn run(database: &Database, topic: &str, partition: i32, newest_too: bool) -> Result<u64> {
        let engine = database.engine();
        let which = match newest_too {
            true => MoveOut::Everything,
            false => MoveOut::Sealed,
        };
        let handles = match partition {
            LEVADA_PARTITION_ANY => engine.topic(topic)?.partitions().to_vec(),
            one => vec![engine.partition(topic, one)?],
        };
        let mut bytes = 0;
        for handle in &handles {
            bytes += engine.archive_partition(handle, which)?;
        }
        Ok(bytes)
    }

    pub fn list(database: &Database, topic: &str) -> Result<levada_files> {
        let mut rows = Vec::new();
        for handle in database.engine().topic(topic)?.partitions() {
            if let Some(archive) = handle.archive()? {
                files(&archive, &mut rows);
            }
        }
        Ok(levada_files { rows })
    }

    fn files(archive: &PartitionArchive, rows: &mut Vec<Row>) {
        let partition = archive.name().partition;
        rows.extend(archive.files().iter().map(|file| Row {
            path: c_string(&archive.place(file)),
            partition,
            first_offset: file.base_offset,
            next_offset: file.next_offset,
            bytes: i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
        }));
    }
}

#[cfg(not(feature = "archive"))]
mod made {
    use levada::Result;
    use levada::embedded::Database;

    use super::levada_files;
    use crate::library::left_out;

    pub fn run(_: &Database, _: &str, _: i32, _: bool) -> Result<u64> {
        Err(left_out("archive"))
    }

    pub fn list(_: &Database, _: &str) -> Result<levada_files> {
        Err(left_out("archive"))
    }
}

/// Turns sealed segments of a topic into Parquet files now, of one partition or, with LEVADA_PARTITION_ANY,
/// of all; with `newest_too` what was written last as well. Background work does the same for topics that
/// have `levada.archive.after.ms`. Consumers read the same offsets as before.
///
/// `out_bytes`, when not NULL, gets the bytes of segments that went. LEVADA_NOT_FOUND; LEVADA_INVALID: the
/// topic's settings do not go with an archive. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_archive_run(
    database: Handle<levada_database>,
    topic: Text,
    partition: i32,
    newest_too: bool,
    out_bytes: Out<u64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let topic = topic.get("topic")?;
        let bytes = made::run(database.inner(), topic, partition, newest_too)?;
        if let Some(out) = out_bytes.get_optional() {
            out.set(bytes);
        }
        Ok(())
    })
}

/// Lists the archive files of a topic: ordinary Parquet, which DuckDB, Polars and others read as they are.
///
/// The list belongs to the caller: free it with levada_files_free(). LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_archive_list(
    database: Handle<levada_database>,
    topic: Text,
    out_files: Made<levada_files>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_files.get("out_files")?;
        let files = made::list(database.inner(), topic.get("topic")?)?;
        out.set(crate::handle::make(files));
        Ok(())
    })
}

fn of<T>(files: View<levada_files>, index: usize, read: impl FnOnce(&Row) -> T) -> Option<T> {
    files.get().ok().and_then(|f| f.rows.get(index).map(read))
}

/// How many files there are.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_count(files: View<levada_files>) -> usize {
    files.get().map_or(0, |f| f.rows.len())
}

/// Where the file at `index` is; NULL beyond the end.
///
/// Borrowed: valid until `files` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_path(files: View<levada_files>, index: usize) -> *const c_char {
    of(files, index, |row| row.path.as_ptr()).unwrap_or(std::ptr::null())
}

/// Which partition the file at `index` is of; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_partition(files: View<levada_files>, index: usize) -> i32 {
    of(files, index, |row| row.partition).unwrap_or(-1)
}

/// The first offset in the file at `index`; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_first_offset(files: View<levada_files>, index: usize) -> i64 {
    of(files, index, |row| row.first_offset).unwrap_or(-1)
}

/// The offset behind the last in the file at `index`; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_next_offset(files: View<levada_files>, index: usize) -> i64 {
    of(files, index, |row| row.next_offset).unwrap_or(-1)
}

/// The bytes of the file at `index`; -1 beyond the end.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_size(files: View<levada_files>, index: usize) -> i64 {
    of(files, index, |row| row.bytes).unwrap_or(-1)
}

/// Frees a list of files. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_files_free(files: Handle<levada_files>) {
    drop(files.free());
}
