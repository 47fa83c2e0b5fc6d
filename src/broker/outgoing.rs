//! Answers on their way to the socket: chunks, written with one call for many.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;

use crate::protocol::MessageWriter;

/// More parts than this do not go into one call.
const PARTS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Outgoing {
    pub fn push(&mut self, answer: MessageWriter) -> usize {
        let before = self.bytes;
        for chunk in answer.into_chunks() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
        self.bytes - before
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes what the socket takes; `WouldBlock` when it takes nothing.
    pub fn write(&mut self, stream: &TcpStream) -> io::Result<()> {
        while !self.chunks.is_empty() {
            let mut parts = [IoSlice::new(&[]); PARTS_MAX];
            let mut count = 0;
            for (part, chunk) in parts.iter_mut().zip(&self.chunks) {
                *part = IoSlice::new(chunk);
                count += 1;
            }
            match stream.try_write_vectored(parts.get(..count).unwrap_or_default())? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => self.advance(written),
            }
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(front) = self.chunks.front_mut() {
            if front.len() > written {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.chunks.pop_front();
        }
        // What large answers needed is not kept.
        self.chunks.shrink_to(PARTS_MAX);
    }
}
