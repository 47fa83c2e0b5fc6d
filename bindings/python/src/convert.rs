//! From Python's values to the engine's: bytes, times, headers, settings.

use levada::Error;
use levada::config::Overrides;
use levada::types::Timestamp;
use pyo3::Borrowed;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyMemoryView, PyString, PyTuple};

use crate::errors::to_py;

/// A key or value: `bytes` as they lie in Python, anything else with a buffer as a copy.
pub enum Octets<'a, 'py> {
    Borrowed(&'a [u8]),
    Copied(Bound<'py, PyBytes>),
    None,
}

impl<'a, 'py> Octets<'a, 'py> {
    /// `what` names the argument in the TypeError.
    #[inline]
    pub fn new(object: &'a Bound<'py, PyAny>, what: &str) -> PyResult<Octets<'a, 'py>> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Octets::Borrowed(bytes.as_bytes()));
        }
        if object.is_none() {
            return Ok(Octets::None);
        }
        copy_of(object, what).map(Octets::Copied)
    }

    #[inline]
    pub fn get(&self) -> Option<&[u8]> {
        match self {
            Octets::Borrowed(bytes) => Some(bytes),
            Octets::Copied(bytes) => Some(bytes.as_bytes()),
            Octets::None => None,
        }
    }
}

#[cold]
fn copy_of<'py>(object: &Bound<'py, PyAny>, what: &str) -> PyResult<Bound<'py, PyBytes>> {
    if object.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(format!(
            "{what} is str, it must be bytes: encode it with .encode()"
        )));
    }
    let view = PyMemoryView::from(object).map_err(|_| {
        let found = type_name(object);
        PyTypeError::new_err(format!(
            "{what} is {found}, it must be bytes, a buffer or None"
        ))
    })?;
    if !holds_its_bytes(&view)? {
        let (found, format) = (type_name(object), view.getattr("format")?);
        return Err(PyTypeError::new_err(format!(
            "{what} is {found} with items of format {}, it must be bytes or a buffer of bytes or numbers",
            format.repr()?
        )));
    }
    let bytes = view.call_method0("tobytes")?;
    Ok(bytes.cast_into::<PyBytes>()?)
}

/// Whether a buffer's items are bytes or numbers. Others hold addresses of objects, characters in
/// Python's own encoding, or padding: their bytes are not what was meant.
pub fn holds_its_bytes(view: &Bound<'_, PyMemoryView>) -> PyResult<bool> {
    let format = view.getattr("format")?;
    let format: &str = format.cast::<PyString>()?.to_str()?;
    let item = format
        .strip_prefix(['@', '=', '<', '>', '!'])
        .unwrap_or(format);
    Ok(matches!(
        item,
        "b" | "B"
            | "c"
            | "?"
            | "h"
            | "H"
            | "i"
            | "I"
            | "l"
            | "L"
            | "q"
            | "Q"
            | "n"
            | "N"
            | "e"
            | "f"
            | "d"
    ))
}

/// The name of an object's type, for messages.
pub fn type_name(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .name()
        .map_or_else(|_| "object".to_owned(), |n| n.to_string())
}

/// A number of Python's, which has no bounds, as one that has: an int that does not fit is
/// InvalidError, as every value that is out of its range.
#[derive(Clone, Copy, Debug)]
pub struct Fit<T>(pub T);

impl<'a, 'py, T> FromPyObject<'a, 'py> for Fit<T>
where
    T: FromPyObject<'a, 'py, Error = PyErr>,
{
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Fit<T>> {
        if object.is_instance_of::<PyBool>() {
            return Err(PyTypeError::new_err("True and False are no numbers"));
        }
        object
            .extract::<T>()
            .map(Fit)
            .map_err(|error| beyond(object, error))
    }
}

#[cold]
fn beyond(object: Borrowed<'_, '_, PyAny>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyOverflowError>(object.py()) {
        return error;
    }
    to_py(Error::invalid(format!(
        "{} is out of range",
        object.as_any()
    )))
}

/// Milliseconds since 1970 from an int of milliseconds or an aware datetime.
pub fn timestamp(object: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    if object.is_instance_of::<PyInt>() {
        return Ok(Timestamp(object.extract::<Fit<i64>>()?.0));
    }
    let Ok(zone) = object.getattr("tzinfo") else {
        // NumPy's integers are not int, but count as one.
        if let Ok(ms) = object.extract::<i64>() {
            return Ok(Timestamp(ms));
        }
        let found = type_name(object);
        return Err(PyTypeError::new_err(format!(
            "a time is {found}, it must be an int of milliseconds or an aware datetime"
        )));
    };
    if zone.is_none() {
        return Err(to_py(Error::invalid(
            "a datetime without a time zone is ambiguous: give it one, for example timezone.utc",
        )));
    }
    // A float holds whole seconds of every year, but not their microseconds.
    let micros: i64 = object.getattr("microsecond")?.extract()?;
    let seconds: f64 = object.call_method0("timestamp")?.extract()?;
    let whole = (seconds - micros as f64 / 1e6).round() as i64;
    Ok(Timestamp(whole * 1000 + micros / 1000))
}

/// Headers of one record, owned: they are rare and short.
pub struct Headers(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Headers {
    /// From a dict or an iterable of pairs (str or bytes, bytes or None).
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Headers> {
        let pairs = match object.cast::<PyDict>() {
            Ok(dict) => dict.items().into_any(),
            Err(_) => object.clone(),
        };
        let mut headers = Vec::new();
        for pair in pairs.try_iter()? {
            let pair = pair?;
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair
                .cast::<PyTuple>()
                .map_err(PyErr::from)
                .and_then(|t| t.extract())
                .map_err(|_| {
                    PyTypeError::new_err("headers must be pairs of a str and bytes or None")
                })?;
            let value = Octets::new(&value, "a header's value")?
                .get()
                .map(<[u8]>::to_vec);
            headers.push((header_key(&key)?, value));
        }
        Ok(Headers(headers))
    }

    pub fn borrowed(&self) -> Vec<(&[u8], Option<&[u8]>)> {
        self.0
            .iter()
            .map(|(k, v)| (k.as_slice(), v.as_deref()))
            .collect()
    }
}

fn header_key(key: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = key.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let Ok(text) = key.cast::<PyString>() else {
        let found = type_name(key);
        return Err(PyTypeError::new_err(format!(
            "a header's key is {found}, it must be str"
        )));
    };
    // Keys that came in as other bytes than UTF-8 go out as the same bytes.
    let encoded = text.call_method1("encode", ("utf-8", "surrogateescape"))?;
    Ok(encoded.cast_into::<PyBytes>()?.as_bytes().to_vec())
}

/// Settings as the package hands them over: names and texts.
pub fn settings(pairs: Vec<(String, String)>) -> Overrides {
    pairs.into_iter().collect()
}
