//! Errors of the engine as exceptions of the package. The classes are Python's (`levada/_errors.py`),
//! because several have two parents.

use levada::Error;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// The exception that `error` is, with its kind, Kafka code and whether to retry.
#[cold]
pub fn to_py(error: Error) -> PyErr {
    Python::try_attach(|py| build(py, &error).unwrap_or_else(|failed| failed))
        .unwrap_or_else(|| PyRuntimeError::new_err(error.to_string()))
}

/// For `?` on results of the engine that were reached without waiting.
pub trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for levada::Result<T> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(to_py)
    }
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let classes = CLASSES.get_or_try_init(py, || {
        PyModule::import(py, "levada._errors").map(Bound::unbind)
    })?;
    let class = classes.bind(py).getattr(error.kind().python_name())?;
    let raised = class.call1((error.message(),))?;
    raised.setattr("code", error.code().number())?;
    raised.setattr("retriable", error.is_retriable())?;
    Ok(PyErr::from_value(raised))
}
