//! Kafka's wire primitives: reading bounded by what is left, writing into a buffer.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Reader, STRING_BYTES_MAX};
pub use writer::Writer;
