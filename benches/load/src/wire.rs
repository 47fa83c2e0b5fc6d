//! Requests of Kafka's protocol without a client library, in versions before the flexible ones.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Result;

pub const METADATA: i16 = 3;
pub const FIND_COORDINATOR: i16 = 10;
pub const JOIN_GROUP: i16 = 11;
pub const HEARTBEAT: i16 = 12;
pub const SYNC_GROUP: i16 = 14;
pub const API_VERSIONS: i16 = 18;
pub const CREATE_TOPICS: i16 = 19;
pub const DELETE_TOPICS: i16 = 20;

const TIMEOUT: Duration = Duration::from_secs(120);

pub struct Wire {
    stream: TcpStream,
    correlation: i32,
}

impl Wire {
    pub fn connect(servers: &str) -> io::Result<Wire> {
        let stream = TcpStream::connect(servers)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Wire {
            stream,
            correlation: 0,
        })
    }

    /// The body of the answer.
    pub fn call(&mut self, api: i16, version: i16, body: &Body) -> Result<Answer> {
        self.correlation += 1;
        let mut head = Body::default();
        head.i16(api).i16(version).i32(self.correlation);
        head.text("load");
        let size = i32::try_from(head.0.len() + body.0.len())?;
        let mut frame = size.to_be_bytes().to_vec();
        frame.extend_from_slice(&head.0);
        frame.extend_from_slice(&body.0);
        self.stream.write_all(&frame)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::try_from(i32::from_be_bytes(length))?];
        self.stream.read_exact(&mut bytes)?;
        let mut answer = Answer { bytes, at: 0 };
        match answer.i32()? == self.correlation {
            true => Ok(answer),
            false => Err("an answer to another request".into()),
        }
    }

    /// Whether the broker knows `api`.
    pub fn knows(&mut self, api: i16) -> Result<bool> {
        let mut answer = self.call(API_VERSIONS, 0, &Body::default())?;
        answer.i16()?;
        for _ in 0..answer.i32()? {
            let key = answer.i16()?;
            (answer.i16()?, answer.i16()?);
            if key == api {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[derive(Default)]
pub struct Body(Vec<u8>);

impl Body {
    pub fn i8(&mut self, n: i8) -> &mut Body {
        self.raw(&n.to_be_bytes())
    }

    pub fn i16(&mut self, n: i16) -> &mut Body {
        self.raw(&n.to_be_bytes())
    }

    pub fn i32(&mut self, n: i32) -> &mut Body {
        self.raw(&n.to_be_bytes())
    }

    pub fn text(&mut self, text: &str) -> &mut Body {
        self.i16(text.len() as i16).raw(text.as_bytes())
    }

    pub fn none(&mut self) -> &mut Body {
        self.i16(-1)
    }

    pub fn blob(&mut self, bytes: &[u8]) -> &mut Body {
        self.i32(bytes.len() as i32).raw(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Body {
        self.0.extend_from_slice(bytes);
        self
    }
}

pub struct Answer {
    bytes: Vec<u8>,
    at: usize,
}

impl Answer {
    fn take(&mut self, size: usize) -> Result<&[u8]> {
        let taken = self.bytes.get(self.at..self.at + size);
        self.at += size;
        taken.ok_or_else(|| "an answer ends too early".into())
    }

    pub fn i8(&mut self) -> Result<i8> {
        Ok(self.take(1)?[0] as i8)
    }

    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.take(2)?.try_into()?))
    }

    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take(4)?.try_into()?))
    }

    /// Empty where there is none.
    pub fn text(&mut self) -> Result<String> {
        let size = self.i16()?.max(0) as usize;
        Ok(std::str::from_utf8(self.take(size)?)?.to_owned())
    }

    pub fn skip_blob(&mut self) -> Result {
        let size = self.i32()?.max(0) as usize;
        self.take(size).map(|_| ())
    }
}
