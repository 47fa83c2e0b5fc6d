//! Record batches as Arrow: values are views into the bytes they came in, never copies.

mod aborted;
mod columns;
mod convert;
mod headers;
mod schema;
mod views;

pub use aborted::AbortedRanges;
pub(crate) use columns::{
    BatchBytes, Chunked, PLAIN_BATCH_BYTES_MAX, as_asked, as_asked_text, push_micros,
};
pub use convert::{ConvertOptions, Converter, Window};
pub(crate) use headers::HeaderRows;
pub use schema::{Binary, Column, Columns};
pub(crate) use schema::{UTC, header_element};
pub(crate) use views::{Views, internal};
