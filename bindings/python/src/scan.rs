//! `Scan`: a topic as one Arrow stream over archive and live log, begun anew by every reader.

use std::collections::BTreeMap;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use levada::archive::arrow::{Binary, Columns};
use levada::embedded::{Bound as End, Database, ScanOptions};
use levada::types::{IsolationLevel, Offset, Timestamp};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arrow::{schema_capsule, stream_capsule};
use crate::convert::Fit;
use crate::database::Core;
use crate::enter::{Held, enter};
use crate::errors::OrRaise;

/// Offsets by partition, or a moment in milliseconds; neither: open.
type Limit = (Option<Vec<(i32, i64)>>, Option<i64>);

#[pyclass(frozen, module = "levada")]
#[derive(Debug)]
pub struct Scan {
    inner: Held<Database>,
    topic: String,
    options: ScanOptions,
}

fn end_of((offsets, ms): Limit) -> End {
    match (offsets, ms) {
        (Some(offsets), _) => {
            let rows = offsets.into_iter().map(|(p, o)| (p, Offset(o)));
            End::Offsets(BTreeMap::from_iter(rows))
        }
        (None, Some(ms)) => End::Time(Timestamp(ms)),
        (None, None) => End::Open,
    }
}

#[pymethods]
impl Scan {
    #[new]
    #[allow(clippy::too_many_arguments)] // the package names them
    fn new(
        py: Python<'_>,
        core: &Core,
        topic: String,
        partitions: Option<Vec<Fit<i32>>>,
        start: Limit,
        end: Limit,
        columns: Option<Vec<String>>,
        committed: bool,
        view: bool,
    ) -> PyResult<Scan> {
        let database = core.database()?.clone();
        let columns = match &columns {
            Some(names) => Columns::parse(names.iter().map(String::as_str)).or_raise()?,
            None => Columns::default(),
        };
        let options = ScanOptions {
            partitions: partitions.map(|all| all.into_iter().map(|p| p.0).collect()),
            start: end_of(start),
            end: end_of(end),
            columns,
            binary: if view { Binary::View } else { Binary::Large },
            isolation: if committed {
                IsolationLevel::ReadCommitted
            } else {
                IsolationLevel::ReadUncommitted
            },
        };
        // What is wrong with the arguments is said here, not when a reader comes.
        enter(py, || database.scan(&topic, options.clone()))?;
        Ok(Scan {
            inner: Held::new(database),
            topic,
            options,
        })
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A request is a wish by the interface's rules; readers cast themselves.
        let _ = requested_schema;
        let database = self.inner.get()?;
        let scan = enter(py, || database.scan(&self.topic, self.options.clone()))?;
        // Read on the reader's threads, with or without the interpreter lock: it needs nothing of Python.
        let reader = Box::new(scan.into_reader());
        stream_capsule(py, FFI_ArrowArrayStream::new(reader))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.options.columns.schema(self.options.binary))
    }

    #[getter]
    fn topic(&self) -> &str {
        &self.topic
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.options
            .columns
            .iter()
            .map(|c| c.name().to_owned())
            .collect()
    }

    fn __repr__(&self) -> String {
        format!(
            "<levada.Scan of {:?}: {}>",
            self.topic,
            self.column_names().join(", ")
        )
    }
}
