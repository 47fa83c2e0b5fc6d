//! The kinds of errors, as C knows them.

use std::ffi::c_char;

use levada::Kind;

/// What a call came to, and what to do about it. The numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(non_camel_case_types, clippy::upper_case_acronyms)]
pub enum levada_status {
    /// It was done.
    LEVADA_OK = 0,
    /// The call is wrong: fix it.
    LEVADA_INVALID = 1,
    /// What was named is not there: create it, or name another.
    LEVADA_NOT_FOUND = 2,
    /// What should be made is there already.
    LEVADA_EXISTS = 3,
    /// The offset lies outside of the log: seek.
    LEVADA_OUT_OF_RANGE = 4,
    /// Somebody else was faster: refresh, rejoin or abort.
    LEVADA_CONFLICT = 5,
    /// A newer producer or member took this one's place: stop.
    LEVADA_FENCED = 6,
    /// Rights are missing.
    LEVADA_DENIED = 7,
    /// Not now: retry.
    LEVADA_UNAVAILABLE = 8,
    /// It did not happen within the time given: retry, or allow more time.
    LEVADA_TIMEOUT = 9,
    /// Stored or received bytes are damaged: restore or repair.
    LEVADA_CORRUPT = 10,
    /// The handle is closed: open another.
    LEVADA_CLOSED = 11,
    /// A defect of Levada's own: report it.
    LEVADA_INTERNAL = 12,
}

use levada_status::*;

impl levada_status {
    pub const fn of(kind: Kind) -> levada_status {
        match kind {
            Kind::Invalid => LEVADA_INVALID,
            Kind::NotFound => LEVADA_NOT_FOUND,
            Kind::Exists => LEVADA_EXISTS,
            Kind::OutOfRange => LEVADA_OUT_OF_RANGE,
            Kind::Conflict => LEVADA_CONFLICT,
            Kind::Fenced => LEVADA_FENCED,
            Kind::Denied => LEVADA_DENIED,
            Kind::Unavailable => LEVADA_UNAVAILABLE,
            Kind::Timeout => LEVADA_TIMEOUT,
            Kind::Corrupt => LEVADA_CORRUPT,
            Kind::Closed => LEVADA_CLOSED,
            Kind::Internal => LEVADA_INTERNAL,
        }
    }
}

/// The kind that has this number; `None` for success and for numbers of nothing.
pub fn kind_of(status: i32) -> Option<Kind> {
    let has = |kind: &Kind| levada_status::of(*kind) as i32 == status;
    Kind::ALL.into_iter().find(has)
}

/// The name of a status: `"LEVADA_TIMEOUT"`; `""` for a number that is none.
///
/// Lives for ever. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_status_name(status: i32) -> *const c_char {
    let name = match kind_of(status) {
        None if status == LEVADA_OK as i32 => c"LEVADA_OK",
        None => c"",
        Some(Kind::Invalid) => c"LEVADA_INVALID",
        Some(Kind::NotFound) => c"LEVADA_NOT_FOUND",
        Some(Kind::Exists) => c"LEVADA_EXISTS",
        Some(Kind::OutOfRange) => c"LEVADA_OUT_OF_RANGE",
        Some(Kind::Conflict) => c"LEVADA_CONFLICT",
        Some(Kind::Fenced) => c"LEVADA_FENCED",
        Some(Kind::Denied) => c"LEVADA_DENIED",
        Some(Kind::Unavailable) => c"LEVADA_UNAVAILABLE",
        Some(Kind::Timeout) => c"LEVADA_TIMEOUT",
        Some(Kind::Corrupt) => c"LEVADA_CORRUPT",
        Some(Kind::Closed) => c"LEVADA_CLOSED",
        Some(Kind::Internal) => c"LEVADA_INTERNAL",
    };
    name.as_ptr()
}
