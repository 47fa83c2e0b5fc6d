//! Bytes to a transaction: both versions that Kafka ever wrote.

use std::sync::Arc;

use super::encode::{KEY_VERSION, TAG_CLIENT, TAG_NEXT_ID, TAG_PREVIOUS_ID, VALUE_VERSION};
use crate::engine::txn::requests::{ClientVersion, ProducerIdentity};
use crate::engine::txn::state::TxnState;
use crate::engine::txn::transaction::{Partitions, Transaction};
use crate::error::Result;
use crate::protocol::Reader;
use crate::types::{ProducerEpoch, ProducerId, Timestamp};

/// Reads a record: the id, and what it is, `None` for a tombstone. `None` for the whole when the key is
/// of a kind that is not ours.
///
/// Errors: `Corrupt` when the bytes are not what their version says.
pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<(Arc<str>, Option<Transaction>)>> {
    let mut reader = Reader::new(key);
    if reader.i16()? != KEY_VERSION {
        return Ok(None);
    }
    let id: Arc<str> = Arc::from(reader.string()?);
    let at = |e: crate::Error| e.at(format_args!("record of transactional id {id}"));
    let transaction = value.map(transaction).transpose().map_err(at)?;
    Ok(Some((id, transaction)))
}

fn transaction(bytes: &[u8]) -> Result<Transaction> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16()?;
    if !(0..=VALUE_VERSION).contains(&version) {
        return Err(reader.error(format_args!(
            "version {version} is not known, versions up to {VALUE_VERSION} are"
        )));
    }
    let flexible = version >= 1;
    let producer = ProducerIdentity {
        id: ProducerId(reader.i64()?),
        epoch: ProducerEpoch(reader.i16()?),
    };
    let timeout_ms = reader.i32()?;
    let number = reader.i8()?;
    let state = TxnState::from_number(number)
        .ok_or_else(|| reader.error(format_args!("{number} is no state of a transaction")))?;
    let partitions = partitions(&mut reader, flexible)?;
    let mut transaction = Transaction {
        producer,
        previous_id: ProducerId::NONE,
        next_id: ProducerId::NONE,
        timeout_ms,
        state,
        partitions,
        updated_at: Timestamp(reader.i64()?),
        started_at: Timestamp(reader.i64()?),
        client: ClientVersion::V0,
    };
    if flexible {
        reader.tagged(|tag, field| {
            match tag {
                TAG_PREVIOUS_ID => transaction.previous_id = ProducerId(field.i64()?),
                TAG_NEXT_ID => transaction.next_id = ProducerId(field.i64()?),
                TAG_CLIENT => transaction.client = ClientVersion::from_number(field.i16()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
    }
    reader.end()?;
    Ok(transaction)
}

fn partitions(reader: &mut Reader<'_>, flexible: bool) -> Result<Partitions> {
    // A topic takes its name's length and a count at least.
    let topics = match flexible {
        true => reader.compact_nullable_array_len(3)?,
        false => reader.nullable_array_len(6)?,
    };
    let mut partitions = Partitions::new();
    for _ in 0..topics.unwrap_or(0) {
        let (topic, count) = match flexible {
            true => (reader.compact_string()?, reader.compact_array_len(4)?),
            false => (reader.string()?, reader.array_len(4)?),
        };
        let topic: Arc<str> = Arc::from(topic);
        for _ in 0..count {
            let number = reader.i32()?;
            partitions.entry(topic.clone()).or_default().insert(number);
        }
        if flexible {
            reader.skip_tagged()?;
        }
    }
    Ok(partitions)
}
