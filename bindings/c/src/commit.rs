//! Commits of a group's offsets.

use std::time::Duration;

use levada::embedded::CommitTicket;
use levada::{Error, Kind, Result};

use crate::arg::{Made, timeout};
use crate::consumer::levada_consumer;
use crate::enter::{call, look};
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::positions::levada_positions;
use crate::status::levada_status;

/// A commit on its way. Any thread may wait for it. Free it with levada_commit_free(): nothing is lost by that.
pub struct levada_commit {
    ticket: CommitTicket,
}

kinds! { levada_commit "commit" 18; }

fn begin(
    consumer: &levada_consumer,
    offsets: View<levada_positions>,
) -> Result<Option<CommitTicket>> {
    match offsets.get_optional()? {
        Some(list) => consumer.inner().commit_offsets(list.commits()?),
        None => consumer.inner().commit_async(None),
    }
}

/// Commits where the consumer stands (NULL), or `offsets` (the next records to read), and waits until that is
/// durable, for `default.api.timeout.ms` at most.
///
/// LEVADA_INVALID: no group, a partition without an offset. LEVADA_CONFLICT, LEVADA_FENCED: the group has moved
/// on. LEVADA_TIMEOUT. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_commit(
    consumer: Handle<levada_consumer>,
    offsets: View<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let time = consumer.inner().options().default_timeout;
        match begin(&consumer, offsets)? {
            Some(ticket) => ticket.wait_for(time),
            None => Ok(()),
        }
    })
}

/// The same without waiting. `out_commit`, when not NULL, gets the commit to wait for, or NULL when there was
/// nothing to commit.
///
/// The commit belongs to the caller: free it with levada_commit_free(). As levada_consumer_commit(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_commit_async(
    consumer: Handle<levada_consumer>,
    offsets: View<levada_positions>,
    out_commit: Made<levada_commit>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let ticket = begin(&consumer, offsets)?;
        if let Some(out) = out_commit.get_optional() {
            let commit = ticket.map(|ticket| handle::make(levada_commit { ticket }));
            out.set(commit.unwrap_or(std::ptr::null_mut()));
        }
        Ok(())
    })
}

/// Whether the outcome is known. Does not wait.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_commit_is_done(commit: View<levada_commit>) -> bool {
    look(false, || Ok(commit.get()?.ticket.is_done()))
}

/// Waits until the offsets are durable.
///
/// LEVADA_TIMEOUT: not known in time. Otherwise why they were not committed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_commit_wait(
    commit: Handle<levada_commit>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    /// A ticket counts from now: it takes no longer time than this.
    const TIME_MAX: Duration = Duration::from_secs(1 << 31);
    call(out_error, || {
        let time = timeout(timeout_ms).min(TIME_MAX);
        let outcome = commit.get()?.ticket.wait_within(time);
        outcome.unwrap_or_else(|| {
            Err(Error::new(
                Kind::Timeout,
                format!(
                    "the offsets were not durable within {timeout_ms} ms: they may still become so"
                ),
            ))
        })
    })
}

/// Frees a commit. The offsets are committed all the same. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_commit_free(commit: Handle<levada_commit>) {
    drop(commit.free());
}
