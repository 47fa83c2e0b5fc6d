//! Arrow in and out, by the PyCapsule interface: nothing but memory is shared, whatever the library.

mod export;
mod import;
mod send;

pub use export::{ArrowBatches, schema_capsule, stream_capsule};
pub use import::{array_of, is_arrow};
pub use send::ArrowRows;
