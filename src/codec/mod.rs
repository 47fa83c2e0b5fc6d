//! Checksums, variable-length integers and the four compression codecs.

pub mod compression;
pub mod crc32c;
pub mod varint;
