//! Records come from standard input or from a file of the user's.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// One line must not fill the memory: no record may be larger than this anyway.
const LINE_BYTES_MAX: u64 = 1 << 30;

/// Lines of bytes, with the place for messages.
pub struct Lines {
    from: Box<dyn BufRead>,
    path: Option<PathBuf>,
    /// The file's size, where there is one.
    size_bytes: Option<u64>,
    number: u64,
}

impl Lines {
    /// `None` is standard input.
    pub fn open(path: Option<&Path>) -> Result<Lines> {
        let (from, size_bytes): (Box<dyn BufRead>, _) = match path {
            None => (Box::new(BufReader::new(io::stdin())), None),
            Some(path) => {
                let file = open(path)?;
                let size = file
                    .metadata()
                    .ok()
                    .filter(|m| m.is_file())
                    .map(|m| m.len());
                (Box::new(BufReader::with_capacity(1 << 16, file)), size)
            }
        };
        Ok(Lines {
            from,
            path: path.map(Path::to_owned),
            size_bytes,
            number: 0,
        })
    }

    pub fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Reads the next line into `line`, without its end; gives the bytes read, 0 at the end.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<usize> {
        line.clear();
        self.number += 1;
        let mut limited = (&mut self.from).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', line);
        let read = read.map_err(|e| Error::io(self.place(), e))?;
        if read as u64 == LINE_BYTES_MAX {
            return Err(self.wrong("the line is longer than 1 GiB"));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(read)
    }

    /// An error that names the line.
    pub fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::invalid(format!("{}: {what}", self.place()))
    }

    /// Where the last line came from.
    pub fn place(&self) -> String {
        match &self.path {
            None => format!("standard input, line {}", self.number),
            Some(path) => format!("{}, line {}", path.display(), self.number),
        }
    }
}

/// Opens a file of the user's.
#[allow(clippy::disallowed_methods)] // not a file of the data directory: no test makes it fail
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Error::io(format_args!("read {}", path.display()), e))
}
