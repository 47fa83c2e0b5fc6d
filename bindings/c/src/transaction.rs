//! Transactions: all records of one, and the offsets of what they were made from, or nothing.

use crate::arg::{Made, timeout};
use crate::consumer::levada_consumer;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{Handle, View};
use crate::positions::levada_positions;
use crate::producer::levada_producer;
use crate::status::levada_status;

/// Begins a transaction: what is sent from here on is read by consumers with `isolation.level=read_committed`
/// once it is committed, all of it or nothing. The producer needs the option `transactional.id`; one that is
/// made later with the same id fences this one.
///
/// LEVADA_INVALID: no transactional id. LEVADA_CONFLICT: one is open. LEVADA_FENCED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_begin(
    producer: Handle<levada_producer>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || producer.get()?.inner().begin())
}

/// Delivers what was sent in the transaction and commits it. When this returns with LEVADA_OK the decision is
/// durable.
///
/// The first failed delivery: abort then. LEVADA_FENCED. LEVADA_CONFLICT: none is open. LEVADA_TIMEOUT: commit
/// again, it may have come true. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_commit(
    producer: Handle<levada_producer>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        producer.get()?.inner().commit(timeout(timeout_ms))
    })
}

/// Gives the transaction up: nothing of it is ever read by `read_committed` consumers.
///
/// LEVADA_FENCED. LEVADA_CONFLICT: none is open, or a commit that timed out has come true. LEVADA_TIMEOUT:
/// abort again. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_abort(
    producer: Handle<levada_producer>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        producer.get()?.inner().abort(timeout(timeout_ms))
    })
}

/// Commits the offsets of `consumer` as part of the transaction: they count when it commits. `offsets` are the
/// next records to read; NULL is where the consumer stands. The consumer needs a group and
/// `enable.auto.commit` false.
///
/// LEVADA_INVALID: no group, or it commits by itself. LEVADA_CONFLICT: no transaction is open, the group has
/// moved on. LEVADA_FENCED. LEVADA_NOT_FOUND: no such partition. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_producer_send_offsets(
    producer: Handle<levada_producer>,
    consumer: Handle<levada_consumer>,
    offsets: View<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let producer = producer.get()?;
        let consumer = consumer.get()?;
        let offsets = match offsets.get_optional()? {
            Some(list) => Some(list.commits()?),
            None => None,
        };
        let (group, offsets) = consumer.inner().group_offsets(offsets)?;
        producer.inner().send_offsets(&group, offsets)
    })
}
