//! Requests as they arrive: a length, then that many bytes. Memory grows with what has come, not with
//! what was announced.

use tokio::net::TcpStream;

use crate::error::{Error, Result};

/// What a connection may hold without asking. A reader keeps this much while it is busy.
pub(super) const SMALL_BYTES: usize = 64 << 10;
const LENGTH_BYTES: usize = 4;

/// The bytes of a connection that were received and not handled yet.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// What lies before was handled.
    start: usize,
    request_bytes_max: usize,
}

/// What is at the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A request of this length, without the four bytes before it, is there as a whole.
    Whole(usize),
    /// That many bytes are wanted in all before something can be done.
    Partial(usize),
}

impl Frames {
    pub fn new(request_bytes_max: usize) -> Frames {
        Frames {
            buffer: Vec::new(),
            start: 0,
            request_bytes_max,
        }
    }

    fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.pending().is_empty()
    }

    /// An error for a length that no request can have: the connection is to be closed.
    pub fn front(&self) -> Result<Front> {
        let pending = self.pending();
        let Some((length, rest)) = pending.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(Front::Partial(LENGTH_BYTES));
        };
        let length = i32::from_be_bytes(*length);
        let size = usize::try_from(length).ok();
        // The least request is a key, a version and a correlation id.
        match size.filter(|size| (8..=self.request_bytes_max).contains(size)) {
            Some(size) if rest.len() >= size => Ok(Front::Whole(size)),
            Some(size) => Ok(Front::Partial(LENGTH_BYTES + size)),
            None => Err(Error::corrupt(format!(
                "a request of {length} bytes: 8 to {} (socket.request.max.bytes) are allowed",
                self.request_bytes_max
            ))),
        }
    }

    /// The request of `size` bytes at the front.
    pub fn whole(&self, size: usize) -> &[u8] {
        let pending = self.pending();
        pending
            .get(LENGTH_BYTES..LENGTH_BYTES + size)
            .unwrap_or_default()
    }

    /// The request at the front was handled.
    pub fn pass(&mut self, size: usize) {
        self.start = (self.start + LENGTH_BYTES + size).min(self.buffer.len());
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
    }

    /// How large the buffer must be for the next read: twice what has come, not more than the request at
    /// the front needs.
    pub fn capacity_wanted(&self) -> usize {
        let have = self.pending().len();
        let wanted = match self.front() {
            Ok(Front::Partial(wanted)) => wanted,
            _ => 0,
        };
        let grown = (2 * have).max(SMALL_BYTES);
        grown.min(wanted.max(SMALL_BYTES))
    }

    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether nothing more can be read before something is handled.
    pub fn is_full(&self) -> bool {
        self.pending().len() >= SMALL_BYTES && !matches!(self.front(), Ok(Front::Partial(_)))
    }

    /// Makes room for a read of a buffer of `capacity` bytes.
    pub fn make_room(&mut self, capacity: usize) {
        if self.start > 0 && self.buffer.capacity() - self.buffer.len() < SMALL_BYTES / 4 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let capacity = capacity.max(self.buffer.len() + 1);
        if self.buffer.capacity() < capacity {
            self.buffer.reserve_exact(capacity - self.buffer.len());
        }
    }

    /// Gives memory back while nothing is pending.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            self.buffer = Vec::new();
            self.start = 0;
        }
    }

    /// Reads what is there; 0 at the end of the stream. Room was made before.
    pub fn fill(&mut self, stream: &TcpStream) -> std::io::Result<usize> {
        stream.try_read_buf(&mut self.buffer)
    }
}
