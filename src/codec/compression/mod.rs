//! Kafka's compression codecs, both ways, bounded when decompressing.

#[cfg(test)]
mod golden;
mod gzip;
mod kind;
mod lz4;
mod room;
mod snappy;
#[cfg(test)]
mod tests;
mod zstd;

pub use kind::{Compression, Level, compress, decompress};
