//! Foreign Arrow capsules become arrays. The one file of the package with `unsafe` code.
#![allow(unsafe_code)]

use std::ffi::CStr;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_select::concat::concat;
use levada::Error;
use levada::embedded::arrow::source_error;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::convert::type_name;
use crate::errors::to_py;

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// Whether `object` gives Arrow by the PyCapsule interface.
pub fn is_arrow(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")?)
}

/// The record batches of an Arrow stream, or of a single record batch.
pub enum Incoming {
    Stream(RecordBatchStreamReader),
    One(ArrayRef),
    /// All was taken.
    End,
}

impl Incoming {
    pub fn open(object: &Bound<'_, PyAny>) -> PyResult<Incoming> {
        if object.hasattr("__arrow_c_stream__")? {
            return stream_of(object)
                .and_then(|s| RecordBatchStreamReader::try_new(s).map_err(arrow_error))
                .map(Incoming::Stream);
        }
        if object.hasattr("__arrow_c_array__")? {
            return single(object).map(Incoming::One);
        }
        let found = type_name(object);
        Err(PyTypeError::new_err(format!(
            "data is {found}, it must be Arrow: something with __arrow_c_stream__ or __arrow_c_array__"
        )))
    }
}

/// One array, of an array or of the chunks of a chunked one.
pub fn array_of(object: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    if object.hasattr("__arrow_c_array__")? {
        return single(object);
    }
    let mut stream = stream_of(object)?;
    let (Some(get_schema), Some(get_next)) = (stream.get_schema(), stream.get_next()) else {
        return Err(to_py(Error::invalid("the Arrow stream was used before")));
    };
    let mut schema = FFI_ArrowSchema::empty();
    // SAFETY: `stream` was moved out of a live capsule and is released by nobody else; its callback is
    // called as the C stream interface says, with a place of our own that outlives the call.
    check(unsafe { get_schema(&raw mut stream, &raw mut schema) })?;
    let mut chunks = Vec::new();
    loop {
        let mut chunk = FFI_ArrowArray::empty();
        // SAFETY: as above.
        check(unsafe { get_next(&raw mut stream, &raw mut chunk) })?;
        if chunk.is_released() {
            break;
        }
        // SAFETY: the stream filled both by the C data interface and handed them over.
        let data = unsafe { from_ffi(chunk, &schema) }.map_err(arrow_error)?;
        chunks.push(make_array(data));
    }
    let borrowed: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    if borrowed.is_empty() {
        let kind = arrow_schema::DataType::try_from(&schema).map_err(arrow_error)?;
        return Ok(arrow_array::new_empty_array(&kind));
    }
    concat(&borrowed).map_err(arrow_error)
}

fn check(status: i32) -> PyResult<()> {
    if status == 0 {
        return Ok(());
    }
    let message = format!("the Arrow stream failed with error {status}");
    Err(to_py(Error::invalid(message)))
}

fn stream_of(object: &Bound<'_, PyAny>) -> PyResult<FFI_ArrowArrayStream> {
    let capsule = object.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast_into::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(STREAM))?;
    // SAFETY: a capsule of this name holds an ArrowArrayStream (checked by name); `from_raw` moves it
    // out and marks the old place as released, so that the capsule's destructor leaves it alone.
    Ok(unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr().cast()) })
}

fn single(object: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let pair = object.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
        pair.cast_into::<PyTuple>()?.extract()?;
    let schema = schema.cast_into::<PyCapsule>()?;
    let array = array.cast_into::<PyCapsule>()?;
    let schema_at = schema.pointer_checked(Some(SCHEMA))?;
    let array_at = array.pointer_checked(Some(ARRAY))?;
    // SAFETY: capsules of these names hold an ArrowSchema and an ArrowArray (checked by name), and
    // both capsules live to the end of this function. The array is moved out of its capsule, which
    // is marked as released; the schema is only read.
    let data = unsafe {
        let array = FFI_ArrowArray::from_raw(array_at.as_ptr().cast());
        let schema: &FFI_ArrowSchema = schema_at.cast().as_ref();
        from_ffi(array, schema)
    };
    Ok(make_array(data.map_err(arrow_error)?))
}

pub fn arrow_error(error: arrow_schema::ArrowError) -> PyErr {
    to_py(source_error(error))
}
