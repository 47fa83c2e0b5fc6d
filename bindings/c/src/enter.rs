//! The one way from C into the engine: a panic becomes an error, an error becomes a status and an object.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use levada::error::panic_text;
use levada::{Error, Result};

use crate::arg::Made;
use crate::error::levada_error;
use crate::handle;
use crate::status::levada_status;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

static QUIET: Once = Once::new();

/// A panic on a thread of the library's is logged; nothing is printed. One on a thread of the program's
/// (in a callback, when that is Rust too) is its own.
pub fn silence_panics() {
    QUIET.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let is_ours = thread
                .name()
                .is_some_and(|name| name.starts_with("levada-"));
            match is_ours || INSIDE.get() {
                true => tracing::error!(%panic, "the library panicked"),
                false => before(panic),
            }
        }));
    });
}

/// Runs `body` for a call from C.
#[inline]
pub fn call(out_error: Made<levada_error>, body: impl FnOnce() -> Result<()>) -> levada_status {
    match guard(body) {
        Ok(()) => levada_status::LEVADA_OK,
        Err(error) => fail(out_error, &error),
    }
}

#[cold]
fn fail(out_error: Made<levada_error>, error: &Error) -> levada_status {
    if let Ok(out) = out_error.get("out_error") {
        out.set(handle::make(levada_error::from(error)));
    }
    levada_status::of(error.kind())
}

/// For calls that cannot say what was wrong: `otherwise`.
#[inline]
pub fn look<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    guard(body).unwrap_or(otherwise)
}

/// Runs `body`; a panic becomes Internal.
#[inline]
pub fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    caught(body).unwrap_or_else(|text| Err(Error::defect(&text)))
}

/// Runs `body`; a panic becomes its text.
#[inline]
pub fn caught<T>(body: impl FnOnce() -> T) -> std::result::Result<T, String> {
    let outer = INSIDE.replace(true);
    // What `body` touches is behind locks that do not poison, or is dropped with it.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    outcome.map_err(|panic| panic_text(&*panic).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use levada::Kind;

    #[test]
    fn a_panic_becomes_an_internal_error() {
        silence_panics();
        let error = guard::<()>(|| panic!("at {}", "noon")).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.message().contains("at noon"), "{error}");
        assert!(!INSIDE.get());
    }
}
