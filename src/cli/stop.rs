//! Why a command stopped before its end.

use std::io;

use crate::error::Error;

/// Not only errors end a command early: a reader that goes away (`levada … | head`) ends it well.
#[derive(Debug)]
pub enum Stop {
    Failed(Error),
    /// Nobody reads the output any more.
    NobodyReads,
}

pub type Result<T = (), E = Stop> = std::result::Result<T, E>;

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// Of writing the output; other files say what they were doing with [`Error::io`].
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::NobodyReads,
            _ => Stop::Failed(Error::io("write the output", error)),
        }
    }
}
