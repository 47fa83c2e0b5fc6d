//! Headers of records that are sent.

use levada::sync::Mutex;
use levada::{Error, Result};

use crate::arg::{Data, Made, Text};
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::status::levada_status;

/// No record has more.
const HEADERS_MAX: usize = 10_000;

/// The headers of one record after the other: names and values, in order, repeats allowed. Free them with
/// levada_headers_free(). One thread at a time.
pub struct levada_headers {
    pairs: Mutex<Vec<Pair>>,
}

type Pair = (Box<str>, Option<Box<[u8]>>);

kinds! { levada_headers "headers" 12; }

/// Headers as the engine takes them.
pub type Pairs<'a> = [(&'a [u8], Option<&'a [u8]>)];

impl levada_headers {
    /// Calls `body` with the headers, which stay as they are meanwhile.
    pub fn with<T>(&self, body: impl FnOnce(&Pairs<'_>) -> Result<T>) -> Result<T> {
        let pairs = self.pairs.lock();
        let borrowed: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_deref()))
            .collect();
        body(&borrowed)
    }
}

/// Makes an empty list of headers. One list serves for many records: clear it in between.
///
/// The list belongs to the caller: free it with levada_headers_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_headers_new(
    out_headers: Made<levada_headers>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let out = out_headers.get("out_headers")?;
        let pairs = Mutex::default();
        out.set(handle::make(levada_headers { pairs }));
        Ok(())
    })
}

/// Adds a header at the end. Name and value are copied; a NULL value is null.
///
/// LEVADA_INVALID: more than 10,000. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_headers_add(
    headers: Handle<levada_headers>,
    name: Text,
    value: Data,
    value_size: usize,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let headers = headers.get()?;
        let name = name.get("name")?;
        let value = value.get(value_size, "value")?;
        let mut pairs = headers.pairs.lock();
        if pairs.len() >= HEADERS_MAX {
            return Err(Error::invalid(format!("more than {HEADERS_MAX} headers")));
        }
        pairs.push((name.into(), value.map(Into::into)));
        Ok(())
    })
}

/// Removes all headers from the list. NULL does nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_headers_clear(headers: Handle<levada_headers>) {
    if let Ok(headers) = headers.get() {
        headers.pairs.lock().clear();
    }
}

/// How many headers the list has.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_headers_count(headers: View<levada_headers>) -> usize {
    headers.get().map_or(0, |h| h.pairs.lock().len())
}

/// Frees headers. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_headers_free(headers: Handle<levada_headers>) {
    drop(headers.free());
}
