//! Fetch: the partitions that a request names, sessions that remember them, reading and waiting.

mod partition;
mod read;
mod session;
mod sessions;

pub(super) use partition::{Place, Wanted};
pub(super) use read::{Limits, Reading};
pub(super) use session::Session;
pub(super) use sessions::FetchSessions;
