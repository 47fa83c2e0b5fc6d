//! Errors as objects.

use std::ffi::{CString, c_char};

use levada::Error;

use crate::arg::c_string;
use crate::handle::{Handle, View, kinds};
use crate::status::levada_status;

/// Why a call failed: a status, Kafka's code and a text.
///
/// A call that fails makes one where its last argument points to, when that is not NULL. It belongs to
/// the caller: free it with levada_error_free(). Its texts live as long as it does.
pub struct levada_error {
    status: levada_status,
    code: i16,
    message: CString,
    retriable: bool,
}

kinds! { levada_error "error" 1; }

impl From<&Error> for levada_error {
    fn from(error: &Error) -> levada_error {
        levada_error {
            status: levada_status::of(error.kind()),
            code: error.code().number(),
            message: c_string(error.message()),
            retriable: error.is_retriable(),
        }
    }
}

/// What to do about it. LEVADA_OK when `error` is NULL or freed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_error_status(error: View<levada_error>) -> levada_status {
    error.get().map_or(levada_status::LEVADA_OK, |e| e.status)
}

/// Kafka's error code, which a client on the wire would see (org.apache.kafka.common.protocol.Errors). 0
/// when `error` is NULL or freed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_error_kafka_code(error: View<levada_error>) -> i16 {
    error.get().map_or(0, |e| e.code)
}

/// What happened, where, and what to do; for people, in UTF-8. Programs look at the status.
///
/// Borrowed: valid until `error` is freed. `""` when `error` is NULL or freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_error_message(error: View<levada_error>) -> *const c_char {
    error.get().map_or(c"".as_ptr(), |e| e.message.as_ptr())
}

/// Whether the same call may succeed later without a change: LEVADA_UNAVAILABLE and LEVADA_TIMEOUT.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_error_is_retriable(error: View<levada_error>) -> bool {
    error.get().is_ok_and(|e| e.retriable)
}

/// Frees an error. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_error_free(error: Handle<levada_error>) {
    drop(error.free());
}
