//! Arrow in and out, by the PyCapsule interface: nothing but memory is shared, whatever the library.

mod cells;
mod export;
mod headers;
mod import;
mod plain;
mod poll;
mod send;

pub use cells::Cells;
pub use export::{ArrowBatches, schema_capsule, stream_capsule};
pub use import::{array_of, is_arrow};
pub use poll::convert;
pub use send::ArrowRows;
