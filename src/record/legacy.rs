//! Message formats 0 and 1, which Kafka wrote before 0.11: recognised, never read.

use crate::error::{Code, Error};

/// The error for a batch whose magic is not 2.
#[cold]
pub(super) fn refuse(magic: i8, offset: i64) -> Error {
    match magic {
        0 | 1 => Error::coded(
            Code::UnsupportedForMessageFormat,
            format!(
                "batch at offset {offset} has message format v{magic}, which was Kafka's before 0.11: \
                 send record batches of format v2 (any client since 2017 does)"
            ),
        ),
        other => Error::coded(
            Code::CorruptMessage,
            format!(
                "batch at offset {offset} has magic {other}, which is no message format of Kafka's"
            ),
        ),
    }
}

/// Whether `bytes` start with a message set of format v0 or v1.
pub fn is_legacy(bytes: &[u8]) -> bool {
    matches!(bytes.get(16), Some(0 | 1))
        && super::header::peek_size(bytes)
            .is_err_and(|e| e.code() == Code::UnsupportedForMessageFormat)
}
