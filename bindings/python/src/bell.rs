//! Waking an event loop without a thread a waiter and without the interpreter lock: what is done
//! leaves its number here and, when nothing was left before, one byte in a socket that the loop
//! watches.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;

#[derive(Debug)]
struct Rope {
    numbers: Mutex<Vec<u64>>,
    writer: UnixStream,
}

/// One for each event loop.
#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct Bell {
    rope: Arc<Rope>,
    reader: UnixStream,
}

#[pymethods]
impl Bell {
    #[new]
    fn new() -> PyResult<Bell> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let rope = Rope {
            numbers: Mutex::default(),
            writer,
        };
        Ok(Bell {
            rope: Arc::new(rope),
            reader,
        })
    }

    /// Readable when there is something to take.
    fn fileno(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// The numbers that rang since the last call.
    fn take(&self) -> Vec<u64> {
        // The byte goes first: a number that comes after it writes another.
        let mut bytes = [0; 64];
        while matches!((&self.reader).read(&mut bytes), Ok(n) if n == bytes.len()) {}
        std::mem::take(&mut *self.rope.numbers.lock())
    }
}

impl Bell {
    /// What rings with `number`, from any thread.
    pub fn ringer(&self, number: u64) -> Box<dyn FnOnce() + Send> {
        let rope = self.rope.clone();
        Box::new(move || {
            let mut numbers = rope.numbers.lock();
            numbers.push(number);
            if numbers.len() == 1 {
                // A full socket holds bytes that wake the loop just as well; a closed loop needs none.
                let _ = (&rope.writer).write(&[1]);
            }
        })
    }
}
