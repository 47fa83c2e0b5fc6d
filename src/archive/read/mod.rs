//! Archive files read back: footer and page index, rows, batches.

mod blocks;
mod cache;
mod cursor;
mod file;
mod guard;
mod rebuild;
mod rows;
mod thrift;

pub use cache::ReadCache;
pub(crate) use cursor::{Cursor, first_at_time};
pub(crate) use file::{ArchiveFile, Place, read_entry};
pub(crate) use rebuild::{Form, Rebuilt};
pub(crate) use rows::RowReader;
