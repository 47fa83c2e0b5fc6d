//! Messages inside a field of bytes: their version comes first.

use super::message_writer::MessageWriter;
use super::reader::Reader;
use super::schema::Message;
use crate::error::Result;

/// Reads what the members of a group tell each other. A version newer than ours is read as our last:
/// Kafka promises that newer ones only add behind.
pub fn read_blob<'a, M: Message<'a>>(bytes: &'a [u8]) -> Result<M> {
    let mut r = Reader::new(bytes);
    let version = r.i16()?;
    M::decode(&mut r, version.min(M::VERSION_MAX))
}

pub fn write_blob<'a, M: Message<'a>>(message: &M, version: i16) -> Result<Vec<u8>> {
    let mut w = MessageWriter::new();
    w.out.i16(version);
    message.encode(&mut w, version)?;
    Ok(w.into_chunks().concat())
}
