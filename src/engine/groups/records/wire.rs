//! Kafka's primitive types as coordinator records use them: one spelling for both forms of lengths,
//! picked by the version at the start of a value.

use std::sync::Arc;

use crate::error::Result;
use crate::protocol::{Reader, Writer};
use crate::types::TopicId;

/// Reads from untrusted bytes.
pub struct In<'a> {
    pub reader: Reader<'a>,
    /// Flexible versions (KIP-482) have compact lengths and tagged fields.
    pub flexible: bool,
}

impl<'a> In<'a> {
    pub fn new(bytes: &'a [u8]) -> In<'a> {
        In {
            reader: Reader::new(bytes),
            flexible: false,
        }
    }

    pub fn i8(&mut self) -> Result<i8> {
        self.reader.i8()
    }

    pub fn i16(&mut self) -> Result<i16> {
        self.reader.i16()
    }

    pub fn i32(&mut self) -> Result<i32> {
        self.reader.i32()
    }

    pub fn i64(&mut self) -> Result<i64> {
        self.reader.i64()
    }

    pub fn uuid(&mut self) -> Result<TopicId> {
        Ok(TopicId(self.reader.uuid()?))
    }

    pub fn maybe_string(&mut self) -> Result<Option<Arc<str>>> {
        let text = match self.flexible {
            true => self.reader.compact_nullable_string()?,
            false => self.reader.nullable_string()?,
        };
        Ok(text.map(Arc::from))
    }

    pub fn string(&mut self) -> Result<Arc<str>> {
        let text = match self.flexible {
            true => self.reader.compact_string()?,
            false => self.reader.string()?,
        };
        Ok(Arc::from(text))
    }

    pub fn bytes(&mut self) -> Result<Arc<[u8]>> {
        let bytes = match self.flexible {
            true => self.reader.compact_bytes()?,
            false => self.reader.bytes()?,
        };
        Ok(Arc::from(bytes))
    }

    /// The number of elements of an array of which each takes at least `least` bytes.
    pub fn count(&mut self, least: usize) -> Result<usize> {
        match self.flexible {
            true => self.reader.compact_array_len(least),
            false => self.reader.array_len(least),
        }
    }

    /// Reads the tagged fields: `known` reads tag 0, the only one that our records have.
    pub fn tag_0(&mut self, mut known: impl FnMut(&mut Reader<'a>) -> Result<()>) -> Result<()> {
        if !self.flexible {
            return Ok(());
        }
        self.reader.tagged(|tag, field| {
            if tag == 0 {
                known(field)?;
            }
            Ok(tag == 0)
        })
    }

    pub fn skip_tags(&mut self) -> Result<()> {
        match self.flexible {
            true => self.reader.skip_tagged(),
            false => Ok(()),
        }
    }
}

/// Writes into a buffer that starts with the version.
pub struct Out {
    pub writer: Writer,
    flexible: bool,
}

impl Out {
    pub fn new(version: i16, flexible: bool) -> Out {
        let mut writer = Writer::with_capacity(64);
        writer.i16(version);
        Out { writer, flexible }
    }

    pub fn uuid(&mut self, id: TopicId) {
        self.writer.uuid(&id.0);
    }

    pub fn string(&mut self, text: &str) {
        self.maybe_string(Some(text));
    }

    pub fn maybe_string(&mut self, text: Option<&str>) {
        match self.flexible {
            true => self.writer.compact_nullable_string(text),
            false => self.writer.nullable_string(text),
        }
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        match self.flexible {
            true => self.writer.compact_bytes(bytes),
            false => self.writer.bytes(bytes),
        }
    }

    pub fn count(&mut self, count: usize) {
        match self.flexible {
            true => self.writer.compact_array_len(count),
            false => self.writer.array_len(count),
        }
    }

    /// The tagged fields: tag 0, where there is something to say in it.
    pub fn tag_0(&mut self, field: Option<Writer>) {
        if self.flexible {
            let fields: Vec<(u32, Writer)> = field.map(|f| (0, f)).into_iter().collect();
            self.writer.tagged(&fields);
        }
    }
}
