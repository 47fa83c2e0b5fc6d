//! Waking an event loop without a thread a waiter and without the interpreter lock: what is done
//! leaves its number here and, when nothing was left before, one byte in a socket that the loop
//! watches.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use levada::sync::Mutex;
use pyo3::prelude::*;

#[derive(Debug)]
struct Rope {
    state: Mutex<Rung>,
}

#[derive(Debug)]
struct Rung {
    numbers: Vec<u64>,
    /// `None`: nobody listens any more.
    writer: Option<UnixStream>,
}

/// One for each event loop.
#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct Bell {
    rope: Arc<Rope>,
    reader: Mutex<Option<UnixStream>>,
}

#[pymethods]
impl Bell {
    #[new]
    fn new() -> PyResult<Bell> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let rung = Rung {
            numbers: Vec::new(),
            writer: Some(writer),
        };
        Ok(Bell {
            rope: Arc::new(Rope {
                state: Mutex::new(rung),
            }),
            reader: Mutex::new(Some(reader)),
        })
    }

    /// Readable when there is something to take; -1 when closed.
    fn fileno(&self) -> i32 {
        self.reader.lock().as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// The numbers that rang since the last call.
    fn take(&self) -> Vec<u64> {
        // The byte goes first: a number that comes after it writes another.
        if let Some(reader) = &mut *self.reader.lock() {
            let mut bytes = [0; 64];
            while matches!(reader.read(&mut bytes), Ok(n) if n == bytes.len()) {}
        }
        std::mem::take(&mut self.rope.state.lock().numbers)
    }

    /// Gives both ends of the socket back; what rings from here on is not heard.
    fn close(&self) {
        *self.reader.lock() = None;
        self.rope.state.lock().writer = None;
    }
}

impl Bell {
    /// What rings with `number`, from any thread.
    pub fn ringer(&self, number: u64) -> Box<dyn FnOnce() + Send> {
        let rope = self.rope.clone();
        Box::new(move || {
            let mut state = rope.state.lock();
            let Some(mut writer) = state.writer.as_ref() else {
                return;
            };
            if state.numbers.is_empty() {
                // A full socket holds bytes that wake the loop just as well; a closed loop needs none.
                let _ = writer.write(&[1]);
            }
            state.numbers.push(number);
        })
    }
}
