//! A transaction to bytes: key version 0, value version 1 (flexible, what Kafka writes since 4.0).

use crate::engine::txn::state::TxnState;
use crate::engine::txn::transaction::Transaction;
use crate::protocol::Writer;

/// Kafka's number of the key, and the version of it.
pub(super) const KEY_VERSION: i16 = 0;
pub(super) const VALUE_VERSION: i16 = 1;

/// Tags of the value.
pub(super) const TAG_PREVIOUS_ID: u32 = 0;
pub(super) const TAG_NEXT_ID: u32 = 1;
pub(super) const TAG_CLIENT: u32 = 2;

pub fn key(transactional_id: &str) -> Vec<u8> {
    let mut out = Writer::with_capacity(transactional_id.len() + 4);
    out.i16(KEY_VERSION);
    out.string(transactional_id);
    out.bytes
}

pub fn value(transaction: &Transaction) -> Vec<u8> {
    let mut out = Writer::with_capacity(96);
    out.i16(VALUE_VERSION);
    out.i64(transaction.producer.id.get());
    out.i16(transaction.producer.epoch.get());
    out.i32(transaction.timeout_ms);
    out.i8(transaction.state.number());
    // Kafka says null where nothing can be: before the first partition.
    let partitions = &transaction.partitions;
    let count = (transaction.state != TxnState::Empty).then_some(partitions.len());
    out.compact_nullable_array_len(count);
    for (topic, numbers) in partitions {
        out.compact_string(topic);
        out.compact_array_len(numbers.len());
        for number in numbers {
            out.i32(*number);
        }
        out.no_tagged();
    }
    out.i64(transaction.updated_at.get());
    out.i64(transaction.started_at.get());
    let mut tags = Vec::new();
    let mut tag = |number: u32, write: &dyn Fn(&mut Writer), said: bool| {
        if said {
            let mut field = Writer::new();
            write(&mut field);
            tags.push((number, field));
        }
    };
    let (previous, next) = (transaction.previous_id, transaction.next_id);
    tag(
        TAG_PREVIOUS_ID,
        &|f| f.i64(previous.get()),
        previous.is_some(),
    );
    tag(TAG_NEXT_ID, &|f| f.i64(next.get()), next.is_some());
    let client = transaction.client.number();
    tag(TAG_CLIENT, &|f| f.i16(client), client != 0);
    out.tagged(&tags);
    out.bytes
}
