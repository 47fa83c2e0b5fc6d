//! Kafka's wire protocol: primitives, bounded by what is left; messages, declared from the facts of
//! Kafka's definitions; headers and frames.

mod api;
mod blob;
mod header;
mod message_writer;
pub mod messages;
mod reader;
mod records;
#[cfg(test)]
mod sampler;
mod schema;
#[cfg(test)]
mod tests;
mod wire;
mod writer;

pub use api::{ApiKey, rewrite_request, rewrite_response};
pub use blob::{read_blob, write_blob};
pub use header::{RequestHeader, read_response_header, write_request, write_response};
pub use message_writer::{Mark, MessageWriter};
pub use reader::{ARRAY_BYTES_MAX, Reader, STRING_BYTES_MAX};
pub use records::Records;
pub use schema::Message;
pub use wire::{Blob, Str, Uuid, Version, Wire};
pub use writer::Writer;
